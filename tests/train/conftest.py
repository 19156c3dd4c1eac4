"""A recipe that trains in no time, on one thread so that sums are taken in one order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from trm_edge.tasks import get_task  # noqa: E402
from trm_edge.train.data import Puzzles, generate_puzzles  # noqa: E402
from trm_edge.train.recipe import Recipe  # noqa: E402


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe(
        task="sudoku-4x4",
        model={"hidden_size": 16, "L_layers": 1, "H_cycles": 1, "L_cycles": 2, "halt_max_steps": 4},
        steps=6,
        batch_size=8,
        lr=1e-3,
        lr_other=5e-3,
        clip=1.0,
        ema=0.9,
        reveal=(0.0, 0.5),
        generate=20,
        bf16=False,
        compile=False,
    )


@pytest.fixture(scope="session")
def puzzles() -> Puzzles:
    return generate_puzzles(get_task("sudoku-4x4"), 20, 0)
