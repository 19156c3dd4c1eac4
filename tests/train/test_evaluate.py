from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from trm_edge.model.network import RecursiveModel
from trm_edge.train.data import Puzzles
from trm_edge.train.evaluate import evaluate
from trm_edge.train.recipe import Recipe


@pytest.fixture
def model(recipe: Recipe, puzzles: Puzzles) -> RecursiveModel:
    task = puzzles.task
    return RecursiveModel(recipe.model_config(vocab_size=task.vocab_size, seq_len=task.seq_len))


def test_an_oracle_is_scored_by_its_last_and_its_halting_step(
    model: RecursiveModel, puzzles: Puzzles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right from step 2 on, but forgets the first puzzle at step 4; wants to halt at step 3."""
    rows = puzzles.rows()
    labels = torch.from_numpy(rows.labels)
    calls: list[int] = []

    def step(z_H: Tensor, z_L: Tensor, tokens: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        calls.append(len(tokens))
        number = len(calls)
        answers = labels.clone() if number >= 2 else torch.ones_like(labels)
        if number == 4:
            answers[0, 0] = 1
        logits = torch.nn.functional.one_hot(answers, model.config.vocab_size).float()
        return z_H, z_L, logits, torch.full((len(tokens),), 1.0 if number == 3 else -1.0)

    monkeypatch.setattr(model, "step", step)
    found = evaluate(model, puzzles, steps=4)
    steps, right = found.at_halt()
    assert steps.tolist() == [3] * len(puzzles)
    assert right.all()
    steps, right = found.at_halt(threshold=1.0)  # never above it: the last step counts
    assert steps.tolist() == [4] * len(puzzles)
    assert right.tolist() == [False] + [True] * (len(puzzles) - 1)
    assert found.right[-1].tolist() == [False] + [True] * (len(puzzles) - 1)
    assert found.exact == pytest.approx(1 - 1 / len(puzzles))
    assert found.cells == pytest.approx(1 - 1 / (16 * len(puzzles)))


def test_the_batch_size_changes_nothing(model: RecursiveModel, puzzles: Puzzles) -> None:
    whole, parts = evaluate(model, puzzles, steps=2), evaluate(model, puzzles, steps=2, batch_size=7)
    assert np.array_equal(whole.right, parts.right)
    assert whole.cells == pytest.approx(parts.cells)
    assert whole.at_halt()[0].tolist() == [2] * len(puzzles), "an untrained model does not halt"
