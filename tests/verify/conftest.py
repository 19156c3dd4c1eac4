from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from trm_edge.bundle import Bundle, read_bundle
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes.fake import FakeSession
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task

STEPS = 3


@pytest.fixture(scope="session")
def task() -> Task:
    return get_task("sudoku-4x4")


@pytest.fixture(scope="session")
def puzzles(task: Task) -> list[Puzzle]:
    rng = np.random.default_rng(0)
    return [task.generate(rng) for _ in range(5)]


@pytest.fixture
def script(task: Task, puzzles: list[Puzzle]) -> dict[str, np.ndarray]:
    """A run that solves puzzle i at step i + 1 (the last two never) and says so there."""
    n = len(puzzles)
    tokens = np.stack([task.encode(p.question) for p in puzzles])
    right = np.stack([task.encode(p.answer) for p in puzzles if p.answer is not None])
    answers = np.stack([tokens.copy() for _ in range(STEPS)])
    q_halt = np.full((STEPS, n), -1.0, np.float32)
    for i in range(STEPS):
        answers[i:, i] = right[i]
        q_halt[i:, i] = 2.0
    return {"tokens": tokens, "q_halt": q_halt, "answers": answers}


Fake = Callable[..., FakeSession]


@pytest.fixture
def fake(script: dict[str, np.ndarray], task: Task) -> Fake:
    """Makes a session that plays the script, with parts of it replaced."""

    def make(
        graph: GraphVariant = GraphVariant.STEP, fixed_batch: int | None = None, **parts: np.ndarray
    ) -> FakeSession:
        played = {**script, **parts}
        return FakeSession.scripted(
            played["tokens"],
            played["q_halt"],
            played["answers"],
            vocab_size=task.vocab_size,
            graph=graph,
            task=task.id,
            fixed_batch=fixed_batch,
        )

    return make


@pytest.fixture(scope="session")
def model() -> RecursiveModel:
    """A tiny model, untrained, that halts now and then."""
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=2, halt_max_steps=STEPS)
    model = RecursiveModel(config)
    torch.nn.init.normal_(model.q_head.weight)
    torch.nn.init.zeros_(model.q_head.bias)
    return model.eval()


@pytest.fixture(scope="session")
def export(model: RecursiveModel, tmp_path_factory: pytest.TempPathFactory) -> Callable[[GraphVariant], Bundle]:
    """Bundles of the tiny model, made once."""
    made: dict[GraphVariant, Path] = {}

    def of(graph: GraphVariant) -> Bundle:
        if graph not in made:
            out = tmp_path_factory.mktemp("bundles") / graph
            options = ExportOptions(graph=graph, steps=STEPS, golden=4)
            made[graph] = export_bundle(Checkpoint(model, "sudoku-4x4"), options, out, name="tiny")
        return read_bundle(made[graph])

    return of
