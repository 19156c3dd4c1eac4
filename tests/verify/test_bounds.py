from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, ParityFailure
from trm_edge.runtimes.fake import FakeSession
from trm_edge.specs import GraphVariant, Precision
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify.bounds import DEFAULT_BOUNDS, Bounds, per_cent
from trm_edge.verify.check import Verification
from trm_edge.verify.differences import CarryError
from trm_edge.verify.golden import GoldenReport
from trm_edge.verify.parity import ParityReport, compare

Fake = Callable[..., FakeSession]

FP32 = DEFAULT_BOUNDS[Precision.FP32]
INT8 = DEFAULT_BOUNDS[Precision.W8A8]
GOLDEN = GoldenReport(puzzles=8, answers=8, last_answers=8, halting_steps=8, q_halt_error=(0.0,))


def violations(bounds: Bounds, report: ParityReport) -> list[str]:
    return [str(check) for check in bounds.parity_checks(report) if check.kept is False]


@pytest.fixture
def report(fake: Fake, task: Task, puzzles: list[Puzzle]) -> ParityReport:
    return compare(fake(), fake(), task, puzzles)


def test_every_precision_has_bounds() -> None:
    assert DEFAULT_BOUNDS.keys() == set(Precision)


def test_equal_sides_keep_the_strictest(report: ParityReport) -> None:
    Verification(GOLDEN, report, Bounds(0.0, 1.0, 1.0)).require_kept()


def test_every_broken_bound_is_named(report: ParityReport) -> None:
    local = (replace(report.local[0], logits_max=0.25), *report.local[1:])
    worse = replace(report, local=local, answers=4, halting_steps=3)
    assert violations(FP32, worse) == [
        "local logits error 0.25, at most 0.001 allowed",
        "answer agreement 80 %, at least 100 % needed",
        "halting agreement 60 %, at least 99 % needed",
    ]
    with pytest.raises(
        ParityFailure, match=r"0\.25, at most 0\.001 allowed; answer agreement 80 %.*; halting"
    ) as failure:
        Verification(GOLDEN, worse, FP32).require_kept()
    assert failure.value.exit_code == 1


def test_trajectory_errors_are_not_bound(report: ParityReport) -> None:
    wild = tuple(replace(error, logits_max=1e6) for error in report.trajectory)
    assert violations(FP32, replace(report, trajectory=wild)) == []


@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_what_is_not_finite_breaks_the_bound(report: ParityReport, error: float) -> None:
    broken = replace(report, local=(*report.local[:-1], replace(report.local[-1], logits_max=error)))
    assert len(violations(FP32, broken)) == 1
    assert len(violations(INT8, broken)) == 1, "no bound on logits, but they must be numbers"


def test_golden_vectors_are_bound_too() -> None:
    found = Verification(replace(GOLDEN, answers=7, halting_steps=6), None, FP32)
    assert found.violations == [
        "golden answers 87.5 %, at least 100 % needed",
        "golden halting steps 75 %, at least 99 % needed",
    ]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((-1.0, 1.0, 1.0), "max-logits-error must be a number of at least 0, not -1"),
        ((np.inf, 1.0, 1.0), "max-logits-error"),
        ((np.nan, 1.0, 1.0), "max-logits-error"),
        ((0.0, 99.0, 1.0), r"min-answer-agreement must be a share from 0 to 1, not 99\.0 \(99 % is 0\.99\)"),
        ((0.0, 1.0, np.nan), "min-halting-agreement"),
        ((0.0, 1.0, 1.0, -0.5), r"max-drop must be from 0 to 100 percentage points, not -0\.5"),
        ((0.0, 1.0, 1.0, np.nan), "max-drop"),
        ((0.0, 1.0, 1.0, 0.0, 1.5), r"min-carry-cosine must be from -1 to 1, not 1\.5"),
        ((0.0, 1.0, 1.0, 0.0, np.nan), "min-carry-cosine"),
    ],
)
def test_bounds_out_of_range_are_refused(bounds: tuple[float, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Bounds(*bounds)


@pytest.mark.parametrize(("share", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.29, "29 %"), (0.0, "0 %")])
def test_a_share_is_never_rounded_up(share: float, text: str) -> None:
    assert per_cent(share) == text


# -- the drop of exact accuracy ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_drop", "judged", "allowed"),
    [
        (0.5, 64, 1),
        (0.5, 199, 1),
        (0.5, 200, 1),
        (0.5, 400, 2),
        (0.5, 1000, 5),
        (10.0, 64, 6),
        (0.0, 1000, 0),
        (0.1, 0, 1),
    ],
)
def test_a_drop_is_at_least_one_puzzle_unless_none_is_allowed(max_drop: float, judged: int, allowed: int) -> None:
    assert Bounds(None, 0.0, 0.0, max_drop=max_drop).allowed_losses(judged) == allowed


def test_a_lost_puzzle_is_forgiven_and_a_second_one_is_not(report: ParityReport) -> None:
    bounds = Bounds(None, 0.0, 0.0, max_drop=0.5)
    of_64 = replace(report, judged=64, float_right=60, bundle_right=59, lost=1)
    assert violations(bounds, of_64) == []
    assert bounds.remarks(of_64) == [
        "One puzzle of 64 is 1.6 points, more than the 0.5 that may be lost, so one puzzle may be. "
        "To resolve 0.5 points, compare on at least 200 puzzles."
    ]
    worse = replace(of_64, bundle_right=58, lost=2)
    assert violations(bounds, worse) == [
        "drop of exact accuracy 3.12 points (float model 60, bundle 58 of 64), at most 0.5 points or one puzzle allowed"
    ]
    of_400 = replace(report, judged=400, float_right=390, bundle_right=388, lost=2)
    assert violations(bounds, of_400) == bounds.remarks(of_400) == []


def test_no_drop_at_all_forgives_nothing(report: ParityReport) -> None:
    bounds = Bounds(None, 0.0, 0.0, max_drop=0.0)
    assert violations(bounds, replace(report, judged=64, float_right=60, bundle_right=59)) == [
        "drop of exact accuracy 1.56 points (float model 60, bundle 59 of 64), at most 0 points allowed"
    ]
    assert violations(bounds, replace(report, judged=64, float_right=60, bundle_right=61)) == []


def test_what_was_won_makes_up_for_what_was_lost(report: ParityReport) -> None:
    bounds = Bounds(None, 0.0, 0.0, max_drop=0.5)
    even = replace(report, judged=64, float_right=40, bundle_right=40, lost=7)
    assert even.gained == 7
    assert violations(bounds, even) == []


def test_where_nothing_can_be_judged_the_bound_is_not_kept_either(report: ParityReport) -> None:
    unknown = replace(report, judged=0, float_right=0, bundle_right=0, lost=0)
    found = Verification(GOLDEN, unknown, FP32)
    assert found.violations == []
    assert [check.bound for check in found.checks if check.kept is None] == ["max_drop"]
    assert "the accuracy was not compared" in found.remarks[0]
    found.require_measured("max_logits_error")
    with pytest.raises(InvalidInput, match="max-drop cannot be judged: not measured: no puzzle has a known answer"):
        found.require_measured("max_drop")


# -- the cosine of the carry ------------------------------------------------------------------


def turned(report: ParityReport, cosine: float) -> ParityReport:
    carries = {**report.local[1].carries, "z_L": CarryError(max=1.0, cosine=cosine)}
    return replace(report, local=(report.local[0], replace(report.local[1], carries=carries), report.local[2]))


def test_the_lowest_local_cosine_is_bound(report: ParityReport) -> None:
    assert violations(INT8, turned(report, 0.99)) == []
    assert violations(INT8, turned(report, 0.9899)) == ["local cosine of the carry 0.9899, at least 0.99 needed"]
    assert len(violations(INT8, turned(report, np.nan))) == 1
    elsewhere = replace(report, trajectory=turned(report, 0.0).local)
    assert violations(INT8, elsewhere) == [], "errors that accumulate are not bound"


def test_a_graph_without_a_carry_cannot_be_judged_by_it(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    report = compare(fake(), fake(GraphVariant.LOOP), task, puzzles)
    found = Verification(GOLDEN, report, INT8)
    assert report.carry_cosine is None
    assert found.violations == []
    with pytest.raises(InvalidInput, match=r"min-carry-cosine cannot be judged: .* only a step graph"):
        found.require_measured("min_carry_cosine")


# -- golden vectors ---------------------------------------------------------------------------


def test_of_a_handful_of_golden_vectors_one_is_forgiven_where_a_share_is() -> None:
    four = replace(GOLDEN, puzzles=4, answers=3, halting_steps=3)
    assert Verification(four, None, INT8).violations == []
    assert Verification(four, None, FP32).violations == ["golden answers 75 %, at least 100 % needed"]
    assert Verification(replace(four, halting_steps=2), None, INT8).violations == [
        "golden halting steps 50 %, at least 90 % needed"
    ]
    alone = replace(GOLDEN, puzzles=1, answers=0, halting_steps=0)
    assert len(Verification(alone, None, INT8).violations) == 2


def test_int8_is_bound_by_what_the_user_sees() -> None:
    for precision in (Precision.W8, Precision.W8A8, Precision.W8A8_DYNAMIC, Precision.AUTO):
        bounds = DEFAULT_BOUNDS[precision]
        assert (bounds.max_logits_error, bounds.max_drop) == (None, 0.5)
        assert bounds.min_carry_cosine is not None
        assert bounds.min_carry_cosine >= 0.99
