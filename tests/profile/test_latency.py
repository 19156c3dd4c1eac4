from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from trm_edge.profile import latency
from trm_edge.profile.latency import Timing, time_solvers
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle


@pytest.fixture
def puzzles() -> list[Puzzle]:
    task = get_task("sudoku-4x4")
    return [task.generate(np.random.default_rng(seed), givens=8) for seed in range(2)]


def solver(puzzles: list[Puzzle], *, right: bool, steps: tuple[int, int]) -> Solver:
    """Halts each of the two puzzles at its step, with the right answer or with blanks."""
    task = get_task("sudoku-4x4")
    tokens = np.stack([task.encode(puzzle.question) for puzzle in puzzles])
    answers = np.stack([task.encode(p.answer if right else p.question) for p in puzzles])  # type: ignore[arg-type]
    q_halt = np.where(np.arange(1, 5)[:, None] >= np.array(steps), 1.0, -1.0)
    session = FakeSession.scripted(tokens, q_halt, np.stack([answers] * 4), vocab_size=6, task=task.id)
    return Solver(session, task)


def test_what_is_counted(puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that ticks once a call, every puzzle takes exactly one second."""
    ticks = count()
    monkeypatch.setattr(latency.time, "perf_counter", lambda: float(next(ticks)))
    solvers = {
        "good": solver(puzzles, right=True, steps=(1, 3)),
        "bad": solver(puzzles, right=False, steps=(2, 2)),
    }
    found = time_solvers(solvers, puzzles, repeats=5)
    assert list(found) == ["good", "bad"]
    for timing in found.values():
        assert timing.seconds.shape == (5, 2)
        assert timing.puzzle_ms == pytest.approx(1000)
        assert timing.mean_steps == 2
    assert found["good"].step_ms == pytest.approx(1000 * (1 + 1 / 3) / 2), "each puzzle by its own steps"
    assert (found["good"].solved, found["bad"].solved) == (2, 0)


def test_the_solvers_take_turns(puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch) -> None:
    """A noisy second must not hit one solver alone, nor one's spinning threads the other's puzzles."""
    pauses: list[float] = []
    monkeypatch.setattr(latency.time, "sleep", pauses.append)
    solvers = {name: solver(puzzles, right=True, steps=(1, 1)) for name in ("a", "b")}
    order: list[str] = []
    for name, one in solvers.items():
        solve = one.solve

        def noted(puzzle: Puzzle, name: str = name, solve: Any = solve) -> Any:
            order.append(name)
            return solve(puzzle)

        monkeypatch.setattr(one, "solve", noted)
    time_solvers(solvers, puzzles, repeats=2)
    warm_up = len(solvers) * len(puzzles)
    assert order[warm_up:] == (["a"] * 3 + ["b"] * 3) * 2, "an uncounted puzzle, then the two"
    assert len(pauses) == 4


def test_a_task_without_rules_solves_nothing() -> None:
    timing = Timing(np.ones((1, 0)), [])
    assert timing.solved == 0
