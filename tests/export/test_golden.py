from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint
from trm_edge.export.golden import golden_puzzles, golden_vectors
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task

STEPS, COUNT = 4, 3
ANSWERS = np.random.default_rng(0).integers(0, 6, (STEPS, COUNT, 16))
Q_HALT = [[-1.0, 2.0, -1.0], [-1.0, -1.0, 0.0], [3.0, 1.0, -2.0], [1.0, 1.0, -3.0]]


class Scripted(RecursiveModel):
    """Plays :data:`ANSWERS` and :data:`Q_HALT`, counting its steps in the carry."""

    def __init__(self, q_halt: Sequence[Sequence[float]] = Q_HALT) -> None:
        super().__init__(ModelConfig(vocab_size=6, seq_len=16, hidden_size=1, L_layers=1))
        self.q = torch.tensor(q_halt)
        self.seen: list[tuple[Tensor, Any]] = []
        torch.nn.init.zeros_(self.H_init)

    def step(self, z_H: Tensor, z_L: Tensor, tokens: Tensor, puzzle_ids: Tensor | None = None) -> Any:
        self.seen.append((tokens, puzzle_ids))
        done = int(z_H[0, 0, 0])
        logits = torch.nn.functional.one_hot(torch.from_numpy(ANSWERS[done]), 6).float()
        return z_H + 1, z_L, logits, self.q[done]


@pytest.fixture
def task() -> Task:
    return get_task("sudoku-4x4")


def puzzles_with_ids(task: Task, *ids: int) -> list[Puzzle]:
    return [Puzzle(p.question, puzzle_id=id) for p, id in zip(golden_puzzles(task, len(ids)), ids, strict=True)]


def test_golden_puzzles_are_always_the_same(task: Task) -> None:
    first, again = golden_puzzles(task, 4), golden_puzzles(task, 4)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.question, other.question)
    assert len({one.question.tobytes() for one in first}) == 4


def test_the_run_is_recorded(task: Task) -> None:
    puzzles = golden_puzzles(task, COUNT)
    vectors = golden_vectors(Scripted(), task, puzzles, kept=(), steps=STEPS)
    np.testing.assert_array_equal(vectors.tokens, [task.encode(puzzle.question) for puzzle in puzzles])
    assert vectors.puzzle_ids.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(vectors.q_halt, np.array(Q_HALT, np.float32))
    # above 0 at the third step; at once, although it falls again; never (0 is not above 0)
    assert vectors.halting_steps.tolist() == [3, 1, 4]
    np.testing.assert_array_equal(vectors.answers, ANSWERS[[2, 0, 3], [0, 1, 2]])
    np.testing.assert_array_equal(vectors.last_answers, ANSWERS[3])


def test_the_budget_ends_it(task: Task) -> None:
    model = Scripted()
    vectors = golden_vectors(model, task, golden_puzzles(task, COUNT), kept=(), steps=2)
    assert vectors.halting_steps.tolist() == [2, 1, 2]
    assert (len(model.seen), vectors.q_halt.shape) == (2, (2, COUNT))
    np.testing.assert_array_equal(vectors.last_answers, ANSWERS[1])


def test_puzzles_of_embeddings_that_are_not_kept_get_one_that_is(task: Task) -> None:
    model = Scripted()
    vectors = golden_vectors(model, task, puzzles_with_ids(task, 5, 9, 8), kept=(3, 9), steps=1)
    assert vectors.puzzle_ids.tolist() == [3, 9, 9]
    assert model.seen[0][1].tolist() == [3, 9, 9]


def test_the_model_sees_original_ids_not_rows(task: Task) -> None:
    model = RecursiveModel(
        ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, num_puzzle_identifiers=4, puzzle_emb_ndim=8)
    ).eval()
    assert model.puzzle_emb is not None
    torch.nn.init.normal_(model.puzzle_emb.weight)
    torch.nn.init.normal_(model.q_head.weight)
    q = golden_vectors(model, task, puzzles_with_ids(task, 3, 1, 1), kept=(3, 1), steps=1).q_halt[0]
    tokens = np.stack([task.encode(puzzle.question) for puzzle in golden_puzzles(task, 3)])
    expected = model.step(*model.initial_carry(3), torch.from_numpy(tokens), torch.tensor([3, 1, 1]))[3]
    np.testing.assert_allclose(q, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["L_level.layers.0.mlp.up_proj.weight", "lm_head.weight", "q_head.bias"])
def test_weights_that_give_nan(task: Task, name: str) -> None:
    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=8))
    with torch.no_grad():
        model.get_parameter(name).view(-1)[0] = float("nan")
    with pytest.raises(InvalidCheckpoint, match="NaN or infinity at supervision step 1"):
        golden_vectors(model, task, golden_puzzles(task, 2), kept=(), steps=2)


def test_a_run_that_overflows_later(task: Task) -> None:
    model = Scripted([*Q_HALT[:2], [0.0, float("inf"), 0.0], Q_HALT[3]])
    with pytest.raises(InvalidCheckpoint, match="at supervision step 3"):
        golden_vectors(model, task, golden_puzzles(task, COUNT), kept=(), steps=STEPS)
