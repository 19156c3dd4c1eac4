from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.profile.candidates import Candidate
from trm_edge.profile.compare import Comparison, compare
from trm_edge.profile.memory import Memory
from trm_edge.solve import Solution
from trm_edge.tasks.base import Puzzle

Scripted = Callable[..., Candidate]


def nothing(_: Path) -> Memory:
    return Memory()


@pytest.fixture
def found(scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """Three sides, under a clock that ticks once a call: every puzzle takes exactly one second."""
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    sides = [
        scripted("float model", right=(True, True), steps=(1, 3), is_bundle=False),
        scripted("good", right=(True, True), steps=(1, 4)),
        scripted("bad", right=(True, False), steps=(2, 3)),
    ]
    figures = {"good": Memory(10, 20), "bad": Memory(problem="it broke")}
    return compare(sides, puzzles, timed=2, repeats=3, memory=lambda path: figures[path.name])


def test_answers_and_halting_are_held_against_the_first(found: Comparison) -> None:
    assert found.reference == "float model"
    assert [(row.name, row.judged, row.right, row.same_answers, row.same_steps) for row in found.rows] == [
        ("float model", 2, 2, 2, 2),
        ("good", 2, 2, 2, 1),
        ("bad", 2, 1, 1, 1),
    ]
    assert [row.steps for row in found.rows] == [{1: 1, 3: 1}, {1: 1, 4: 1}, {2: 1, 3: 1}]
    assert [row.mean_steps for row in found.rows] == [2, 2.5, 2.5]
    assert found.rows[2].exact == 0.5
    interval = found.rows[2].interval
    assert interval is not None
    assert interval == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_time_is_that_of_steps_and_of_puzzles(found: Comparison) -> None:
    good = found.rows[1]
    assert (good.puzzle_ms.p50, good.puzzle_ms.p90) == (1000, 1000)
    assert good.step_ms.p50 == pytest.approx((1000 + 250) / 2)
    assert good.step_ms.p90 == 1000


def test_the_float_model_is_no_bundle(found: Comparison) -> None:
    row = found.rows[0]
    assert (row.is_bundle, row.format, row.file_bytes, row.load_bytes) == (False, None, None, None)
    assert found.front == ["good"]


def test_memory_comes_from_where_it_is_measured(found: Comparison) -> None:
    assert (found.rows[1].load_bytes, found.rows[1].run_bytes) == (10, 20)
    assert found.rows[2].load_bytes is None
    assert found.remarks == ("The memory of bad was not measured: it broke",)


def test_what_is_timed_is_spread_over_all_puzzles(
    scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    side = scripted("a", right=(True, True), steps=(1, 1))
    seen: list[Puzzle] = []
    solve = side.solver.solve

    def noted(puzzle: Puzzle) -> Solution:
        seen.append(puzzle)
        return solve(puzzle)

    monkeypatch.setattr(side.solver, "solve", noted)
    many = [puzzles[0]] * 5 + [puzzles[1]] * 5
    found = compare([side], many, timed=2, repeats=1, memory=nothing)
    assert (found.puzzles, found.timed) == (10, 2)
    assert seen[-1] is puzzles[1], "files are often sorted by difficulty"
    assert compare([side], puzzles, timed=99, repeats=1, memory=nothing).timed == 2


@pytest.mark.parametrize(("timed", "repeats", "what"), [(0, 1, "timed"), (1, 0, "repeats")])
def test_numbers_below_one(scripted: Scripted, puzzles: list[Puzzle], timed: int, repeats: int, what: str) -> None:
    side = scripted("a", right=(True, True), steps=(1, 1))
    with pytest.raises(InvalidInput, match=f"{what} must be at least 1, not 0"):
        compare([side], puzzles, timed=timed, repeats=repeats, memory=nothing)


def test_comparing_needs_no_framework() -> None:
    code = (
        "import trm_edge.profile.comparison_report, trm_edge.profile.candidates, trm_edge.profile.memory, sys;"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'executorch', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
