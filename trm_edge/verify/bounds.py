"""How far a bundle may be from its float model: one row a precision, and what a report violates.

The bounds are on what the graph does (local errors) and on what the user sees (answers, halting steps, accuracy), never
on trajectory errors: where a model does not settle, those say nothing about the graph. ``docs/parity.md`` gives the
reasons for each default.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trm_edge.errors import InvalidInput
from trm_edge.specs import Precision
from trm_edge.verify.golden import GoldenReport
from trm_edge.verify.parity import ParityReport


@dataclass(frozen=True)
class Check:
    """One bound and what was measured. ``str()`` is the line that a failure prints.

    Attributes:
        bound: the attribute of :class:`Bounds`.
        what: what was measured, in words.
        measured: the measurement, or why there is none.
        needed: what is allowed or needed.
        kept: whether the bound was kept; None: it could not be judged.
    """

    bound: str
    what: str
    measured: str
    needed: str
    kept: bool | None

    def __str__(self) -> str:
        return f"{self.what} {self.measured}, {self.needed}"


@dataclass(frozen=True)
class Bounds:
    """What is allowed; None bounds nothing.

    Attributes:
        max_logits_error: largest absolute error of a logit after one step from the float model's carry. Even where
            None, the error must be a finite number.
        min_answer_agreement: share of puzzles with identical answers, each side's at its halting step; 0 to 1.
        min_halting_agreement: share of puzzles that halt at the same step; 0 to 1.
        max_drop: percentage points of exact accuracy that the bundle may lose, each side judged at its halting step.
        min_carry_cosine: lowest cosine of a carry after one step from the float model's; -1 to 1.

    Raises:
        InvalidInput: a bound out of range.
    """

    max_logits_error: float | None
    min_answer_agreement: float
    min_halting_agreement: float
    max_drop: float | None = None
    min_carry_cosine: float | None = None

    def __post_init__(self) -> None:
        if not (self.max_logits_error is None or 0 <= self.max_logits_error < math.inf):
            raise InvalidInput(f"max-logits-error must be a number of at least 0, not {self.max_logits_error}")
        for name in ("min_answer_agreement", "min_halting_agreement"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(
                    f"{name.replace('_', '-')} must be a share from 0 to 1, not {getattr(self, name)} (99 % is 0.99)"
                )
        if not (self.max_drop is None or 0 <= self.max_drop <= 100):
            raise InvalidInput(f"max-drop must be from 0 to 100 percentage points, not {self.max_drop}")
        if not (self.min_carry_cosine is None or -1 <= self.min_carry_cosine <= 1):
            raise InvalidInput(f"min-carry-cosine must be from -1 to 1, not {self.min_carry_cosine}")

    def golden_checks(self, report: GoldenReport) -> list[Check]:
        """The bounds on the golden vectors' replay.

        A bundle holds a handful of them. So a share below 100 % forgives one of several, as a share of a handful
        would otherwise mean all.
        """
        return [
            _forgiving(
                "min_answer_agreement", "golden answers", report.answers, report.puzzles, self.min_answer_agreement
            ),
            _forgiving(
                "min_halting_agreement",
                "golden halting steps",
                report.halting_steps,
                report.puzzles,
                self.min_halting_agreement,
            ),
        ]

    def parity_checks(self, report: ParityReport) -> list[Check]:
        """The bounds on the comparison with the float model."""
        return [
            self._logits_check(report.logits_error),
            *self._cosine_checks(report.carry_cosine),
            _at_least("min_answer_agreement", "answer agreement", report.answer_agreement, self.min_answer_agreement),
            _forgiving(
                "min_halting_agreement",
                "halting agreement",
                report.halting_steps,
                report.puzzles,
                self.min_halting_agreement,
            ),
            *self._drop_checks(report),
        ]

    def allowed_losses(self, judged: int) -> int:
        """Puzzles that may be lost out of ``judged`` ones, on balance.

        At least one, unless no drop at all is allowed: a drop smaller than one puzzle of the sample cannot be told
        from none, and one puzzle at the edge falls on either side by rounding alone.
        """
        if not self.max_drop:
            return 0
        return max(1, math.floor(self.max_drop / 100 * judged + 1e-9))

    def remarks(self, report: ParityReport) -> list[str]:
        """What a reader must know about these bounds on this report, in sentences."""
        said = []
        if self.max_drop is not None and not report.judged:
            said.append(
                "No answer could be judged, neither by a known one nor by rules: the accuracy was not compared."
            )
        elif self.max_drop and self.max_drop / 100 * report.judged < 1:
            said.append(
                f"One puzzle of {report.judged} is {100 / report.judged:.2g} points, more than the {self.max_drop:g} "
                f"that may be lost, so one puzzle may be. To resolve {self.max_drop:g} points, compare on at least "
                f"{math.ceil(100 / self.max_drop)} puzzles."
            )
        return said

    def _logits_check(self, error: float) -> Check:
        kept = math.isfinite(error) and (self.max_logits_error is None or error <= self.max_logits_error)
        needed = (
            "a finite number needed" if self.max_logits_error is None else f"at most {self.max_logits_error:g} allowed"
        )
        return Check("max_logits_error", "local logits error", f"{error:.3g}", needed, kept)

    def _cosine_checks(self, cosine: float | None) -> list[Check]:
        if self.min_carry_cosine is None:
            return []
        measured = "not measured: only a step graph shows its carry" if cosine is None else f"{_floor(cosine, 9):.9g}"
        kept = None if cosine is None else cosine >= self.min_carry_cosine  # NaN is not
        needed = f"at least {self.min_carry_cosine:g} needed"
        return [Check("min_carry_cosine", "local cosine of the carry", measured, needed, kept)]

    def _drop_checks(self, report: ParityReport) -> list[Check]:
        if self.max_drop is None:
            return []
        if report.drop is None:
            measured, kept = "not measured: no puzzle has a known answer, and the task has no rules", None
        else:
            right = f"float model {report.float_right}, bundle {report.bundle_right} of {report.judged}"
            measured = f"{report.drop:.2f} points ({right})"
            kept = report.float_right - report.bundle_right <= self.allowed_losses(report.judged)
        allowed = f"at most {self.max_drop:g} points" + (" or one puzzle" if self.max_drop else "")
        return [Check("max_drop", "drop of exact accuracy", measured, f"{allowed} allowed", kept)]


DEFAULT_BOUNDS = {
    Precision.FP32: Bounds(1e-3, 1.0, 0.99, max_drop=0.0, min_carry_cosine=0.999999),
    Precision.FP16: Bounds(0.5, 0.95, 0.95, max_drop=0.5, min_carry_cosine=0.9999),
    # int8 moves logits by whole units and still picks the same digits: only what the user sees counts, and the carry
    Precision.W8: Bounds(None, 0.5, 0.95, max_drop=0.5, min_carry_cosine=0.999),
    Precision.W8A8_DYNAMIC: Bounds(None, 0.5, 0.9, max_drop=0.5, min_carry_cosine=0.99),
    Precision.W8A8: Bounds(None, 0.5, 0.9, max_drop=0.5, min_carry_cosine=0.99),
    Precision.W8A16: Bounds(None, 0.5, 0.9, max_drop=0.5, min_carry_cosine=0.99),
    Precision.AUTO: Bounds(None, 0.5, 0.9, max_drop=0.5, min_carry_cosine=0.99),
}


def _at_least(bound: str, what: str, share: float, allowed: float) -> Check:
    return Check(bound, what, per_cent(share), f"at least {per_cent(allowed)} needed", share >= allowed)


def _forgiving(bound: str, what: str, equal: int, puzzles: int, allowed: float) -> Check:
    """A share of several puzzles of which one may always differ, unless all must agree."""
    share = equal / puzzles
    forgiven = allowed < 1 and puzzles > 1 and puzzles - equal <= 1
    return Check(bound, what, per_cent(share), f"at least {per_cent(allowed)} needed", share >= allowed or forgiven)


def per_cent(share: float) -> str:
    """A share in per cent, never rounded up: 99.999 % must not read as 100 %."""
    return f"{_floor(share * 100, 2):g} %"


def _floor(value: float, digits: int) -> float:
    """Rounded down, so that what is short of a bound never reads as having met it; NaN stays NaN."""
    return math.floor(value * 10**digits + 1e-9) / 10**digits if math.isfinite(value) else value
