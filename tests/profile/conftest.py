"""Two puzzles, solvers that answer them from a script, samples made up, and bundles of a tiny untrained model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trm_edge.profile.candidates import Candidate
from trm_edge.profile.samples import Run, Samples, Solve, Whole
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solver
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle


@pytest.fixture
def puzzles() -> list[Puzzle]:
    task = get_task("sudoku-4x4")
    return [task.generate(np.random.default_rng(seed), givens=8) for seed in range(2)]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts leave no threads spinning."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


Scripted = Callable[..., Candidate]


@pytest.fixture
def scripted(puzzles: list[Puzzle]) -> Scripted:
    """Makes a candidate that halts each puzzle at its step, with the right answer or with blanks."""

    def make(name: str, *, right: tuple[bool, bool], steps: tuple[int, int], is_bundle: bool = True) -> Candidate:
        task = get_task("sudoku-4x4")
        tokens = np.stack([task.encode(puzzle.question) for puzzle in puzzles])
        grids = [p.answer if good else p.question for p, good in zip(puzzles, right, strict=True)]
        answers = np.stack([task.encode(grid) for grid in grids if grid is not None])
        q_halt = np.where(np.arange(1, 5)[:, None] >= np.array(steps), 1.0, -1.0)
        session = FakeSession.scripted(tokens, q_halt, np.stack([answers] * 4), vocab_size=6, task=task.id)
        return Candidate(name, session, Solver(session, task), Path(name) if is_bundle else None)

    return make


def blank_samples(name: str) -> Samples:
    return Samples(
        name=name,
        task="task",
        format="onnx",
        graph="step",
        precision="fp32",
        target="cpu",
        evidence="hardware",
        runtime="cpp",
        provider="cpu",
        threads=1,
        batch=1,
    )


@pytest.fixture
def samples() -> Callable[..., Samples]:
    """Makes samples of two puzzles and three steps of 1, 2 and 3 ms, in two rounds.

    The first puzzle is right from step 2 on, the second never.
    """
    easy = Run(0, (0.001, 0.002, 0.003), (-3.0, 0.5, 5.0), (False, True, True))
    hard = Run(1, (0.001, 0.002, 0.003), (-3.0, -2.5, -1.5), (False, False, False))

    def make(**more: object) -> Samples:
        return replace(replace(blank_samples("side"), runs=((easy, hard), (easy, hard))), **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def timed() -> Callable[..., Samples]:
    """Makes samples of two puzzles that take the given milliseconds in each round, with the fixed work before it."""

    def make(ms: Sequence[float], fixed: Sequence[float] = (), *, name: str = "side", policy: str = "act") -> Samples:
        rounds = tuple(tuple(Solve(number, 1e-3 * value, 1, True) for number in range(2)) for value in ms)
        return replace(blank_samples(name), whole=(Whole(policy, 2, rounds),), reference_seconds=tuple(fixed))

    return make


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Bundles of a tiny untrained model, made once."""
    import torch

    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    folder = tmp_path_factory.mktemp("bundles")

    def make(
        name: str = "tiny",
        graph: GraphVariant = GraphVariant.STEP,
        task: str = "sudoku-4x4",
        ids: int = 0,
        kept: tuple[int, ...] | None = None,
        suffix: str = "",
    ) -> Path:
        out = folder / f"{name}-{graph}-{task}{'' if kept is None else kept}{suffix}"
        if not out.exists():
            torch.manual_seed(0)
            of_task = get_task(task)
            config = ModelConfig(
                vocab_size=of_task.vocab_size,
                seq_len=of_task.seq_len,
                hidden_size=8,
                H_cycles=1,
                L_cycles=1,
                num_puzzle_identifiers=ids or 1,
                puzzle_emb_ndim=8 if ids else 0,
            )
            options = ExportOptions(graph=graph, steps=2, golden=1, puzzles=kept)
            export_bundle(Checkpoint(RecursiveModel(config).eval(), task), options, out, name=name)
        return out

    return make
