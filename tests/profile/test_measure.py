from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidInput, Refused
from trm_edge.profile import measure as module
from trm_edge.profile.candidates import MOST, Candidate, Setting, common_puzzles, open_sides
from trm_edge.profile.measure import Log, Options, measure, turns
from trm_edge.profile.memory import Memory
from trm_edge.profile.samples import Samples
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solver
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Puzzle

Scripted = Callable[..., Candidate]
Exported = Callable[..., Path]
ONE = Options(repeat=1, warmup=0, cold=0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is another test's business."""
    monkeypatch.setattr(module, "machine_facts", lambda: {"cpu": "fast", "load": 1.0})
    monkeypatch.setattr(module, "reference_seconds", lambda like: 0.5)


def batched(side: Candidate, size: int) -> Candidate:
    own = side.solver
    return replace(side, solver=Solver(own.session, own.task, budget=own.budget, batch_size=size))


def test_each_step_has_its_time_logit_and_verdict(
    scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that ticks once a look."""
    side = batched(scripted("one", right=(True, False), steps=(1, 3)), 1)
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    (found,) = measure([side], puzzles, ONE)
    first, second = found.runs[0]
    assert first.step_seconds == (2.0, 1.0, 1.0, 1.0), "once a puzzle: what follows the last step"
    assert first.q_halt == (1.0, 1.0, 1.0, 1.0)
    assert second.q_halt == (-1.0, -1.0, 1.0, 1.0)
    assert (first.right, second.right) == ((True,) * 4, (False,) * 4)
    assert [(s.puzzle, s.seconds, s.steps, s.right) for s in found.whole[0].rounds[0]] == [
        (0, 1.0, 1, True),
        (1, 1.0, 3, False),
    ]
    assert found.reference_seconds == (0.5,)
    assert found.machine == {"cpu": "fast", "load_before": 1.0, "load_after": 1.0}
    assert Samples.from_dict(found.to_dict()) == found


def test_sides_take_turns_by_whole_rounds(
    scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A noisy second must not hit one side alone, nor one's spinning threads the other's puzzles."""
    order: list[str] = []
    monkeypatch.setattr(time, "sleep", lambda _: order.append("pause"))
    sides = [batched(scripted(name, right=(True, True), steps=(1, 1)), 1) for name in ("a", "b")]
    for side in sides:
        infer = side.session.infer

        def noted(inputs: Any, name: str = side.name, infer: Any = infer) -> Any:
            order.append(name)
            return infer(inputs)

        monkeypatch.setattr(side.session, "infer", noted)
    found = measure(sides, puzzles, Options(repeat=2, warmup=1, cold=0))
    calls = 1 + 2 * 4 + 2  # uncounted; two puzzles through four steps; two puzzles that halt at once
    assert order == (["pause", *["a"] * calls, "pause", *["b"] * calls]) * 3
    assert [len(side.runs) for side in found] == [2, 2], "the warm-up round is not counted"
    assert [len(side.whole[0].rounds) for side in found] == [2, 2]


def test_a_batch_is_filled_and_nothing_counts_twice(scripted: Scripted, puzzles: list[Puzzle]) -> None:
    side = batched(scripted("one", right=(True, False), steps=(1, 3)), 4)
    (found,) = measure([side], puzzles, ONE)
    assert isinstance(side.session, FakeSession)
    assert len(side.session.calls[0]["tokens"]) == 4
    assert found.batch == 4
    assert [run.puzzle for run in found.runs[0]] == [0, 1]
    assert [run.right[0] for run in found.runs[0]] == [True, False]
    assert [(solve.puzzle, solve.steps) for solve in found.whole[0].rounds[0]] == [(0, 1), (1, 3)]
    assert len({solve.seconds for solve in found.whole[0].rounds[0]}) == 1, "answered when all are"
    assert found.runs[0][0].step_seconds == found.runs[0][1].step_seconds


def test_further_policies_are_measured_beside_the_own(scripted: Scripted, puzzles: list[Puzzle]) -> None:
    side = scripted("one", right=(True, False), steps=(2, 3))
    (found,) = measure([side], puzzles, replace(ONE, policies=("verified", "act")))
    assert [whole.policy for whole in found.whole] == ["act", "verified"]
    assert [solve.steps for solve in found.whole[1].rounds[0]] == [1, 4], "right at once; never, so the budget ends it"


def test_starts_are_shared_by_sides_that_differ_in_batch(scripted: Scripted, puzzles: list[Puzzle]) -> None:
    side = scripted("one", right=(True, False), steps=(1, 3))
    sides, started = [side, batched(side, 2), scripted("two", right=(True, True), steps=(1, 1))], []

    def fresh(side: Candidate) -> Memory:
        started.append(side.name)
        if side.name == "two":
            return Memory(problem="it broke")
        return Memory(1, 20 * len(started), "", 30, 0.25, 0.5)

    log = Log()
    one, again, two = measure(sides, puzzles, Options(repeat=1, warmup=0, cold=3), fresh=fresh, log=log)
    assert started == ["one", "two"] * 3, "in turn"
    assert one.load_seconds == again.load_seconds == (0.25,) * 3
    assert (one.cold_seconds, one.resident_bytes, one.peak_bytes) == ((0.5,) * 3, 60, 30)
    assert (two.load_seconds, two.resident_bytes) == ((), None)
    assert log.remarks == ["The start of two was not measured: it broke"]


def test_turns_are_told(scripted: Scripted, puzzles: list[Puzzle]) -> None:
    side = scripted("one", right=(True, False), steps=(1, 3))
    sides, options, seen = [side, batched(side, 2)], Options(repeat=2, warmup=1, cold=3), []
    measure(sides, puzzles, options, fresh=lambda _: Memory(), log=Log(ticked=lambda: seen.append(1)))
    assert len(seen) == turns(sides, options) == 3 + 3 * 2
    assert turns(sides, Options(seconds=1)) is None


def test_time_ends_the_rounds_but_one_is_made(
    scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    side = scripted("one", right=(True, False), steps=(1, 3))
    assert len(measure([side], puzzles, Options(seconds=0.001, warmup=0, cold=0))[0].runs) == 1
    assert len(measure([side], puzzles, Options(seconds=100, repeat=2, warmup=0, cold=0))[0].runs) == 2
    assert 1 < len(measure([side], puzzles, Options(seconds=60, warmup=0, cold=0))[0].runs) < 60


def interrupted_after(calls: int, side: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    infer, left = side.session.infer, iter(range(calls))

    def limited(inputs: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return infer(inputs)

    monkeypatch.setattr(side.session, "infer", limited)


def test_ctrl_c_keeps_the_rounds_that_all_have_finished(
    scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = [batched(scripted(name, right=(True, True), steps=(1, 1)), 1) for name in ("a", "b")]
    interrupted_after(11 + 3, sides[1], monkeypatch)
    log = Log()
    found = measure(sides, puzzles, Options(repeat=5, warmup=0, cold=0), log=log)
    assert [len(side.runs) for side in found] == [1, 1]
    assert [len(side.whole[0].rounds) for side in found] == [1, 1]
    assert [len(side.reference_seconds) for side in found] == [1, 1]
    assert log.interrupted
    assert log.remarks == ["Interrupted: 1 of 5 rounds were measured."]


def test_ctrl_c_before_the_first_round_ends_it_all(
    scripted: Scripted, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    side = scripted("a", right=(True, True), steps=(1, 1))
    interrupted_after(3, side, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        measure([side], puzzles, ONE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"repeat": 0}, "repeat must be 1 to 10000, not 0"),
        ({"warmup": -1}, "warmup must be 0 to 10000"),
        ({"cold": -1}, "cold must be 0 to 10000"),
        ({"seconds": 0.0}, "seconds must be more than 0"),
        ({"seconds": float("nan")}, "seconds must be more than 0"),
    ],
)
def test_numbers_out_of_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Options(**settings)


def test_nothing_to_measure(scripted: Scripted, puzzles: list[Puzzle]) -> None:
    with pytest.raises(InvalidInput, match="at least one side and one puzzle"):
        measure([], puzzles)
    with pytest.raises(InvalidInput, match="at least one side and one puzzle"):
        measure([scripted("one", right=(True, True), steps=(1, 1))], [])


# -- bundles ----------------------------------------------------------------------------------


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_every_graph_is_measured_as_far_as_it_can_be_seen(exported: Exported, stack: ExitStack) -> None:
    sides = open_sides(stack, [exported(graph=graph) for graph in GraphVariant], [Setting(1, 2)])
    found = measure(sides, common_puzzles(sides, None, 3), ONE)
    assert [(side.graph, side.steps) for side in found] == [("step", 2), ("unrolled", 0), ("loop", 0)]
    assert all(len(side.whole[0].rounds[0]) == 3 for side in found)
    assert {(side.threads, side.batch, side.evidence) for side in found} == {(1, 2, "hardware")}
    assert all(side.file_bytes and side.file_bytes > 1000 for side in found)


def test_every_setting_is_a_side(exported: Exported, stack: ExitStack) -> None:
    settings = [Setting(threads, batch) for threads in (1, 2) for batch in (1, 4)]
    sides = open_sides(stack, [exported()], settings, target="cpu", budget=1)
    assert [side.name.removeprefix("tiny.fp32.onnx-step, on cpu, ") for side in sides] == [
        "1 thread, batch 1",
        "1 thread, batch 4",
        "2 threads, batch 1",
        "2 threads, batch 4",
    ]
    assert [(s.session.threads, s.solver.batch_size, s.solver.budget) for s in sides] == [
        (1, 1, 1),
        (1, 4, 1),
        (2, 1, 1),
        (2, 4, 1),
    ]


def test_what_cannot_be_opened(exported: Exported, stack: ExitStack) -> None:
    with pytest.raises(InvalidInput, match=f"1 bundles in 17 settings .* are 17 sides: choose 1 to {MOST}"):
        open_sides(stack, [exported()], [Setting(n) for n in range(1, 18)])
    with pytest.raises(Refused, match="Nothing here runs onnx bundles on 'toaster'"):
        open_sides(stack, [exported()], target="toaster")
