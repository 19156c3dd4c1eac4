from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, ParityFailure
from trm_edge.runtimes.fake import FakeSession
from trm_edge.specs import Precision
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify.bounds import DEFAULT_BOUNDS, Bounds, per_cent
from trm_edge.verify.check import Verification
from trm_edge.verify.golden import GoldenReport
from trm_edge.verify.parity import ParityReport, compare

Fake = Callable[..., FakeSession]

FP32 = DEFAULT_BOUNDS[Precision.FP32]
GOLDEN = GoldenReport(puzzles=8, answers=8, last_answers=8, halting_steps=8, q_halt_error=(0.0,))


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
    assert FP32.parity_violations(worse) == [
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
    assert FP32.parity_violations(replace(report, trajectory=wild)) == []


@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_what_is_not_finite_breaks_the_bound(report: ParityReport, error: float) -> None:
    broken = replace(report, local=(*report.local[:-1], replace(report.local[-1], logits_max=error)))
    assert len(FP32.parity_violations(broken)) == 1


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
    ],
)
def test_bounds_out_of_range_are_refused(bounds: tuple[float, float, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Bounds(*bounds)


@pytest.mark.parametrize(("share", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.29, "29 %"), (0.0, "0 %")])
def test_a_share_is_never_rounded_up(share: float, text: str) -> None:
    assert per_cent(share) == text
