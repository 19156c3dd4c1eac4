"""Is it slower than it was? For other people's CI: only a slow-down that chance does not explain is one.

Times of two days do not compare: the machine is another, or busy with other things. Ratios within one run do:

- to a *baseline* bundle that is profiled beside the others, round by round. The better one, where the earlier bundle is
  still at hand;
- to the *fixed work* that is timed before every round (:func:`trm_edge.profile.machine.reference_seconds`) and kept in
  the results, where only an earlier file is. It follows the machine's clock and load, though not, say, a faster memory:
  compare files of one kind of machine.

A ratio is that of the times of a round; its interval is Student's, over rounds. Knows samples, measures nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from trm_edge.errors import InvalidInput, TooSlow
from trm_edge.profile.interval import student, welch
from trm_edge.profile.results import Results
from trm_edge.profile.samples import Samples
from trm_edge.profile.summary import Estimate, own_policy, round_seconds

FEWEST = 2  #: rounds that have an interval
_PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,3})?) ?%")


@dataclass(frozen=True)
class Change:
    """How long a side takes, over how long it took.

    Attributes:
        name: of the side.
        ratio: 1: as long; 1.1: ten per cent longer.
        beside: what it was compared with, in words.
    """

    name: str
    ratio: Estimate
    beside: str

    def slower_by_more_than(self, limit: float) -> bool:
        """Whether even the lower end of the interval is beyond the limit (0.1: ten per cent)."""
        return self.ratio.low > 1 + limit

    def __str__(self) -> str:
        ratio = self.ratio
        return (
            f"{self.name} takes {ratio.value:.3f} times as long as {self.beside} (95 %: {ratio.low:.3f} - "
            f"{ratio.high:.3f})"
        )


def parse_limit(text: str) -> float:
    """``10%`` as 0.1.

    Raises:
        InvalidInput: it is no percentage.
    """
    found = _PERCENT.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"'{text[:40]}' is not a percentage. Write --fail-if-slower 10%")
    return float(found.group(1)) / 100


def against_results(now: Results, then: Results) -> list[Change]:
    """Every side that an earlier file holds too, by name; times over those of the fixed work.

    Raises:
        InvalidInput: no side in common, other puzzles or policies, or too few rounds.
    """
    earlier = {side.name: side for side in then.sides}
    common = [side for side in now.sides if side.name in earlier]
    if not common:
        raise InvalidInput(
            f"The earlier results hold {', '.join(earlier)}, none of {', '.join(side.name for side in now.sides)}: "
            "there is nothing to compare. Profile the same bundles with the same --threads and --batch."
        )
    return [_across(side, earlier[side.name], then.date) for side in common]


def against_baseline(sides: Sequence[Samples], baselines: Sequence[Samples]) -> list[Change]:
    """Every side over the baseline that was profiled beside it with as many threads and as large a batch.

    Raises:
        InvalidInput: no such baseline, other puzzles or policies, or too few rounds.
    """
    found = {(one.threads, one.batch): one for one in baselines}
    for side in sides:
        if (side.threads, side.batch) not in found:
            raise InvalidInput(f"The baseline was not profiled with the threads and the batch of {side.name}")
    return [_beside(side, found[side.threads, side.batch]) for side in sides]


def check(changes: Sequence[Change], limit: float) -> None:
    """Fail if a side is slower by more than the limit.

    Raises:
        TooSlow: names each that is.
    """
    slow = [change for change in changes if change.slower_by_more_than(limit)]
    if slow:
        raise TooSlow(f"Slower by more than {limit:.0%}: {'; '.join(map(str, slow))}")


def _beside(side: Samples, baseline: Samples) -> Change:
    _check_alike(side, baseline)
    pairs = zip(round_seconds(side), round_seconds(baseline), strict=False)
    logs = [math.log(ours / theirs) for ours, theirs in pairs if min(ours, theirs) > 0]
    _check_rounds(side.name, len(logs))
    return Change(side.name, _exponential(student(logs)), baseline.name)


def _across(now: Samples, then: Samples, date: str) -> Change:
    _check_alike(now, then)
    ours, theirs = _over_reference(now), _over_reference(then)
    _check_rounds(now.name, min(len(ours), len(theirs)))
    return Change(now.name, _exponential(welch(ours, theirs)), f"on {date}, each against the fixed work")


def _over_reference(side: Samples) -> list[float]:
    """Logarithms of the rounds' times over that of the fixed work before each."""
    pairs = zip(round_seconds(side), side.reference_seconds, strict=False)
    return [math.log(seconds / fixed) for seconds, fixed in pairs if min(seconds, fixed) > 0]


def _check_alike(side: Samples, other: Samples) -> None:
    ours, theirs = own_policy(side), own_policy(other)
    if ours != theirs:
        raise InvalidInput(
            f"{side.name} halts by {ours[0]} within {ours[1]} steps, {other.name} by {theirs[0]} within {theirs[1]}: "
            "give both the same --halt and --budget"
        )
    if side.puzzles != other.puzzles:
        raise InvalidInput(
            f"{side.name} was timed on {side.puzzles} puzzles, {other.name} on {other.puzzles}: "
            "give both the same --data and --puzzles"
        )


def _check_rounds(name: str, rounds: int) -> None:
    if rounds < FEWEST:
        raise InvalidInput(
            f"{name}: {rounds} rounds that can be compared are too few for an interval. Ask for --repeat {FEWEST} or "
            "more, and compare with results that hold 'reference_seconds'."
        )


def _exponential(logs: tuple[float, float, float]) -> Estimate:
    return Estimate(*(math.exp(min(700.0, value)) for value in logs))
