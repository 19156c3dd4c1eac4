from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.profile.samples import Run, Samples, Solve, Whole
from trm_edge.profile.summary import OperatingPoint, figures, points, round_seconds

Stepped = Callable[..., Samples]


def by_policy(side: Samples) -> dict[str, OperatingPoint]:
    return {point.policy: point for point in points(side)}


def test_budgets_and_thresholds_follow_from_one_run(samples: Stepped) -> None:
    found = by_policy(samples())
    assert [found[f"fixed:{k}"].ms.value for k in (1, 2, 3)] == pytest.approx([1, 3, 6])
    assert [found[f"fixed:{k}"].steps for k in (1, 2, 3)] == [1, 2, 3]
    rights = [point.accuracy.right for point in map(found.__getitem__, ("fixed:1", "fixed:2")) if point.accuracy]
    assert rights == [0, 1]
    act = found["act"]
    assert act.steps == 2.5, "the easy one halts at 2, the budget ends the hard one at 3"
    assert act.ms.value == pytest.approx((3 + 6) / 2), "the mean over puzzles: a median would not see the hard one"
    assert act.accuracy is not None
    assert (act.accuracy.right, act.accuracy.judged) == (1, 2)
    assert found["act:threshold=-4.0"].steps == 1
    assert found["act:threshold=1.0"].steps == 3
    assert not act.measured


def test_the_threshold_is_compared_as_the_solver_does(samples: Stepped) -> None:
    """Greater, in float32."""
    limit = float(np.float32(0.1))
    run = Run(0, (0.001, 0.001), (limit, 1.0), (True, True))
    whole = Whole("act:threshold=0.1", 2, ((Solve(0, 0.001, 2, True),),))
    found = by_policy(samples(runs=((run,),), whole=(whole,)))
    assert found["act:threshold=0.1"].steps == 2


def test_min_steps_of_the_own_policy_are_kept(samples: Stepped) -> None:
    whole = Whole("act:min=3", 3, ((Solve(0, 0.006, 3, True), Solve(1, 0.006, 3, False)),))
    found = by_policy(samples(whole=(whole,)))
    assert found["act:min=3"].steps == 3
    assert not found["act:min=3"].measured


def test_thresholds_that_do_the_same_are_one_point(samples: Stepped) -> None:
    steps = [point.steps for point in points(samples()) if point.policy.startswith("act")]
    assert steps == [2.5, 1.0, 3.0], "0, -4 and 1; -2 and -1 stop where 0 does, 2 and 4 where 1 does"
    assert len(set(by_policy(samples()))) == len(points(samples()))


def test_policies_that_look_at_more_are_measured_themselves(samples: Stepped) -> None:
    solves = (Solve(0, 0.004, 2, True), Solve(1, 0.008, 3, False))
    wholes = (Whole("act", 3, (solves,)), Whole("verified", 3, (solves,)), Whole("fixed:2", 3, (solves,)))
    found = points(samples(whole=wholes))
    assert [point.policy for point in found if point.measured] == ["verified"]
    alone = points(samples(runs=(), whole=wholes))
    assert [(point.policy, point.measured) for point in alone] == [(w.policy, True) for w in wholes]


def test_in_a_batch_only_fixed_budgets_follow(samples: Stepped) -> None:
    solves = (Solve(0, 0.008, 2, True), Solve(1, 0.008, 3, False))
    side = samples(batch=2, whole=(Whole("act", 3, (solves, solves)),))
    assert [(p.policy, p.measured) for p in points(side)] == [
        ("fixed:1", False),
        ("fixed:2", False),
        ("fixed:3", False),
        ("act", True),
    ]
    assert figures(side).per_second.value == pytest.approx(2 / 0.008)


def test_figures_are_those_of_the_first_policy(samples: Stepped) -> None:
    solves = (Solve(0, 0.002, 1, True), Solve(1, 0.006, 3, None))
    side = samples(
        whole=(Whole("act", 3, (solves, solves)),),
        load_seconds=(0.1, 0.3, 0.2),
        cold_seconds=(),
        energy_joules=8.0,
    )
    found = figures(side)
    assert (found.policy, found.budget, dict(found.steps)) == ("act", 3, {1: 1, 3: 1})
    assert found.puzzle_ms.p50.value == pytest.approx(4)
    assert found.puzzle_ms.least == pytest.approx(2)
    assert found.step_ms is not None
    assert found.step_ms.p50.value == pytest.approx(2)
    assert found.per_second.value == pytest.approx(250)
    assert found.load_ms is not None
    assert (found.load_ms.value, found.load_ms.low, found.load_ms.high) == pytest.approx((200, 100, 300))
    assert found.cold_ms is None
    assert found.joules == 2.0, "two puzzles, twice"
    assert found.accuracy is not None
    assert (found.accuracy.right, found.accuracy.judged) == (1, 1)


def test_runs_alone_are_enough(samples: Stepped) -> None:
    assert figures(samples()).policy == "act"
    assert figures(samples()).mean_steps.value == 2.5


def test_no_times_at_all(samples: Stepped) -> None:
    with pytest.raises(InvalidInput, match="side: the results hold no time of any puzzle"):
        figures(samples(runs=()))


def test_nothing_to_judge_has_no_accuracy(samples: Stepped) -> None:
    run = replace(samples().runs[0][0], right=(None, None, None))
    assert all(point.accuracy is None for point in points(samples(runs=((run,),))))


def test_a_hiccup_does_not_make_a_round_slow(samples: Stepped) -> None:
    def solves(*ms: float) -> tuple[Solve, ...]:
        return tuple(Solve(number, 1e-3 * value, 1, True) for number, value in enumerate(ms))

    rounds = (solves(1, 2, 9), solves(1, 2, 3), solves(2, 4, 6))
    side = samples(runs=(), whole=(Whole("act", 3, rounds),))
    first, second, third = round_seconds(side)
    assert first == pytest.approx(second)
    assert third == pytest.approx(2 * second)
