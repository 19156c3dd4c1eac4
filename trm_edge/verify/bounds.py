"""How far a bundle may be from its float model: one row a precision, and what a report violates.

The defaults leave room above what the bundled models show (``benchmarks/results/parity.json``): local logits errors
of 3e-4 in fp32 and 0.2 in fp16. They bound what the graph does (local errors) and what the user sees (answers, halting
steps), never the trajectory errors: where a model does not settle, those say nothing about the graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trm_edge.errors import InvalidInput
from trm_edge.specs import Precision
from trm_edge.verify.golden import GoldenReport
from trm_edge.verify.parity import ParityReport


@dataclass(frozen=True)
class Bounds:
    """What is allowed.

    Attributes:
        max_logits_error: largest absolute error of a logit after one step from the float model's carry.
        min_answer_agreement: share of puzzles with identical answers, each side's at its halting step; 0 to 1.
        min_halting_agreement: share of puzzles that halt at the same step; 0 to 1.

    Raises:
        InvalidInput: a bound out of range.
    """

    max_logits_error: float
    min_answer_agreement: float
    min_halting_agreement: float

    def __post_init__(self) -> None:
        if not (self.max_logits_error >= 0 and math.isfinite(self.max_logits_error)):
            raise InvalidInput(f"max-logits-error must be a number of at least 0, not {self.max_logits_error}")
        for name in ("min_answer_agreement", "min_halting_agreement"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(
                    f"{name.replace('_', '-')} must be a share from 0 to 1, not {getattr(self, name)} (99 % is 0.99)"
                )

    def golden_violations(self, report: GoldenReport) -> list[str]:
        """What the golden vectors' replay leaves unkept, one line each: measured against allowed."""
        return [
            *_below("golden answers", report.answer_agreement, self.min_answer_agreement),
            *_below("golden halting steps", report.halting_agreement, self.min_halting_agreement),
        ]

    def parity_violations(self, report: ParityReport) -> list[str]:
        """What the comparison leaves unkept, one line each: measured against allowed."""
        violations = [
            *_below("answer agreement", report.answer_agreement, self.min_answer_agreement),
            *_below("halting agreement", report.halting_agreement, self.min_halting_agreement),
        ]
        if not report.logits_error <= self.max_logits_error:  # written so that NaN fails
            measured = f"local logits error {report.logits_error:.3g}"
            violations.insert(0, f"{measured}, at most {self.max_logits_error:g} allowed")
        return violations


DEFAULT_BOUNDS = {
    Precision.FP32: Bounds(max_logits_error=1e-3, min_answer_agreement=1.0, min_halting_agreement=0.99),
    Precision.FP16: Bounds(max_logits_error=0.5, min_answer_agreement=0.95, min_halting_agreement=0.95),
}


def _below(what: str, share: float, allowed: float) -> list[str]:
    if share >= allowed:
        return []
    return [f"{what} {per_cent(share)}, at least {per_cent(allowed)} needed"]


def per_cent(share: float) -> str:
    """A share in per cent, never rounded up: 99.999 % must not read as 100 %."""
    return f"{math.floor(share * 1e4 + 1e-9) / 100:g} %"
