"""What samples say: figures of a side with their 95 % intervals, and the points of accuracy against time.

Every fixed budget and every ``act`` threshold follows from the recorded runs: a puzzle that was solved with the largest
budget has passed through the answer, the halting logit and the time of each smaller one, so its answer under such a
policy is the recorded one of the step where the policy would have stopped, and its time that of the steps until then.
``stable``, ``verified`` and combinations look at more than was recorded: they are measured themselves, and so is
everything of unrolled and loop graphs. In a batch a puzzle waits for the slowest, so there only fixed budgets follow.

Knows samples alone, wherever they come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.profile.interval import bootstrap, wilson
from trm_edge.profile.samples import Samples, Whole
from trm_edge.solve import Act, Fixed, parse_policy

THRESHOLDS = (0.0, -4.0, -2.0, -1.0, 1.0, 2.0, 4.0)  #: of ``act``, in the picture
_QUANTILES = (50, 90, 99)
_TICK = 1e-9  #: seconds; a coarse clock may see no time pass

Floats = NDArray[np.float64]
Verdicts = tuple[bool | None, ...]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Milliseconds: what half, nine of ten and 99 of 100 stay below, and the least."""

    p50: Estimate
    p90: Estimate
    p99: Estimate
    least: float


@dataclass(frozen=True)
class Accuracy:
    """Right answers among those that can be judged, at least one."""

    right: int
    judged: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.right / self.judged

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson)."""
        return wilson(self.right, self.judged)


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """A side under one policy.

    Attributes:
        side: its name.
        policy: as text.
        budget: most supervision steps.
        measured: False: it follows from the recorded runs.
        ms: milliseconds for one puzzle (of a batch: until all are answered): the mean over puzzles of each one's
            median over rounds. A median over puzzles would hide the hard ones, on which adaptive halting spends its
            steps; a plain mean would show every hiccup of the machine.
        p50_ms: what half of the puzzles stay below.
        p90_ms: what nine of ten stay below.
        steps: mean supervision steps.
        accuracy: None: no answer can be judged.
    """

    side: str
    policy: str
    budget: int
    measured: bool
    ms: Estimate
    p50_ms: float
    p90_ms: float
    steps: float
    accuracy: Accuracy | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What people want to know of a side, under its own policy.

    Attributes:
        name: of the side.
        policy: as text.
        budget: most supervision steps.
        step_ms: of one supervision step; None where single steps are not timed.
        puzzle_ms: of one puzzle.
        steps: supervision steps -> puzzles, in rising order.
        mean_steps: mean of these.
        per_second: puzzles.
        accuracy: None: no answer can be judged.
        load_ms: median of the starts, and the least and greatest of them; None: not measured.
        cold_ms: the same, from a fresh process to its first answer.
        joules: for one puzzle; None: the machine does not show it.
    """

    name: str
    policy: str
    budget: int
    step_ms: Spread | None
    puzzle_ms: Spread
    steps: Mapping[int, int]
    mean_steps: Estimate
    per_second: Estimate
    accuracy: Accuracy | None
    load_ms: Estimate | None
    cold_ms: Estimate | None
    joules: float | None


@dataclass(frozen=True, eq=False)
class _Timed:
    """All solves under one policy: seconds and steps [rounds, puzzles], and the verdicts [puzzles]."""

    policy: str
    budget: int
    measured: bool
    seconds: Floats
    steps: NDArray[np.int64]
    right: Verdicts


def figures(samples: Samples) -> Figures:
    """Figures of a side under its own policy; a side that has none measured is taken under ``act``.

    Raises:
        InvalidInput: nothing was timed.
    """
    own = _own(samples)
    # the policy's steps are the same in every round; rounds are drawn anew with the puzzles all the same
    speed, slow, fast = bootstrap(own.seconds, lambda drawn: np.array([_rate(samples.batch, drawn)]))
    steps, fewest, most = bootstrap(own.steps.astype(np.float64), lambda drawn: np.array([drawn.mean()]))
    count = own.seconds.size
    return Figures(
        name=samples.name,
        policy=own.policy,
        budget=own.budget,
        step_ms=_spread(_step_seconds(samples)) if samples.runs else None,
        puzzle_ms=_spread(own.seconds),
        steps=dict(sorted(Counter(own.steps[0].tolist()).items())),
        mean_steps=Estimate(*map(float, (steps[0], fewest[0], most[0]))),
        per_second=Estimate(*map(float, (speed[0], slow[0], fast[0]))),
        accuracy=_accuracy(own.right),
        load_ms=_middle(samples.load_seconds),
        cold_ms=_middle(samples.cold_seconds),
        joules=None if samples.energy_joules is None else samples.energy_joules / count,
    )


def points(samples: Samples) -> list[OperatingPoint]:
    """The side at every fixed budget, at a few ``act`` thresholds, and under each policy that was measured.

    A policy that follows from the recorded runs is taken from them, so that all of a side's points share their noise.
    ``act`` thresholds that stop every puzzle where another one does are left out.
    """
    return [_point(samples.name, timed) for timed in _all_timed(samples)]


def round_seconds(samples: Samples) -> list[float]:
    """Seconds for one puzzle under the side's own policy, round by round; a hiccup during a few puzzles changes little.

    The typical puzzle of a round, over what it takes in the median of all rounds, tells how fast the round was.

    Raises:
        InvalidInput: nothing was timed.
    """
    seconds = np.maximum(_own(samples).seconds, _TICK)  # [rounds, puzzles]
    usual = np.median(seconds, axis=0)
    speed = np.median(seconds / usual, axis=1)
    return [float(value) for value in speed * usual.mean()]


def own_policy(samples: Samples) -> tuple[str, int]:
    """Policy and budget that :func:`figures` and :func:`round_seconds` are about."""
    own = _own(samples)
    return own.policy, own.budget


# -- solves under a policy --------------------------------------------------------------------


def _own(samples: Samples) -> _Timed:
    for whole in samples.whole:
        if whole.rounds:
            return _measured(whole)
    if not samples.runs:
        raise InvalidInput(f"{samples.name}: the results hold no time of any puzzle")
    return _derived(samples, Act())


def _all_timed(samples: Samples) -> Iterator[_Timed]:
    wholes = [whole for whole in samples.whole if whole.rounds]
    if not samples.runs:
        yield from map(_measured, wholes)
        return
    for steps in range(1, samples.steps + 1):
        yield _derived(samples, Fixed(steps))
    seen: set[bytes] = set()
    for threshold in _thresholds(wholes) if samples.batch == 1 else ():
        timed = _derived(samples, threshold)
        if timed.steps.tobytes() not in seen:
            seen.add(timed.steps.tobytes())
            yield timed
    for whole in wholes:
        policy = parse_policy(whole.policy)
        if not isinstance(policy, Fixed) and not (isinstance(policy, Act) and samples.batch == 1):
            yield _measured(whole)


def _thresholds(wholes: Sequence[Whole]) -> list[Act]:
    """Those of the measured policies first: a bundle's own is named, not one that happens to do the same."""
    asked = [policy for policy in (parse_policy(whole.policy) for whole in wholes) if isinstance(policy, Act)]
    return [*asked, *map(Act, THRESHOLDS)]


def _measured(whole: Whole) -> _Timed:
    return _Timed(
        whole.policy,
        whole.budget,
        True,
        np.array([[solve.seconds for solve in one] for one in whole.rounds]),
        np.array([[solve.steps for solve in one] for one in whole.rounds]),
        tuple(solve.right for solve in whole.rounds[0]),
    )


def _derived(samples: Samples, policy: Act | Fixed) -> _Timed:
    """What a policy would have done, from the recorded steps."""
    q_halt = np.array([[run.q_halt for run in one] for one in samples.runs], np.float32)  # [rounds, puzzles, steps]
    numbers = np.arange(1, samples.steps + 1)
    if isinstance(policy, Act):
        halts = (q_halt > np.float32(policy.threshold)) & (numbers >= policy.min_steps)
    else:
        halts = np.broadcast_to(numbers >= (policy.steps or samples.steps), q_halt.shape).copy()
    halts[..., -1] = True  # the budget is spent
    stopped = halts.argmax(axis=-1)  # [rounds, puzzles], the first one
    spent = _step_seconds(samples).cumsum(axis=-1)
    return _Timed(
        str(policy),
        samples.steps,
        False,
        np.take_along_axis(spent, stopped[..., None], axis=-1)[..., 0],
        stopped + 1,
        tuple(run.right[step] for run, step in zip(samples.runs[0], stopped[0].tolist(), strict=True)),
    )


def _step_seconds(samples: Samples) -> Floats:
    return np.array([[run.step_seconds for run in one] for one in samples.runs])  # [rounds, puzzles, steps]


# -- figures ----------------------------------------------------------------------------------


def _point(side: str, timed: _Timed) -> OperatingPoint:
    middle, low, high = bootstrap(timed.seconds, lambda drawn: np.array([np.median(drawn, axis=0).mean()]))
    return OperatingPoint(
        side=side,
        policy=timed.policy,
        budget=timed.budget,
        measured=timed.measured,
        ms=Estimate(*(1e3 * float(value[0]) for value in (middle, low, high))),
        p50_ms=1e3 * float(np.median(timed.seconds)),
        p90_ms=1e3 * float(np.percentile(timed.seconds, 90)),
        steps=float(timed.steps.mean()),
        accuracy=_accuracy(timed.right),
    )


def _spread(seconds: Floats) -> Spread:
    found = bootstrap(seconds, lambda drawn: np.percentile(drawn, _QUANTILES))
    p50, p90, p99 = (Estimate(*(1e3 * float(value) for value in one)) for one in zip(*found, strict=True))
    return Spread(p50, p90, p99, 1e3 * float(seconds.min()))


def _rate(batch: int, seconds: Floats) -> float:
    """Puzzles in a second: in a batch each has been given the time of all."""
    return batch / max(float(seconds.mean()), _TICK)


def _accuracy(right: Verdicts) -> Accuracy | None:
    judged = sum(verdict is not None for verdict in right)
    return Accuracy(sum(verdict is True for verdict in right), judged) if judged else None


def _middle(seconds: Sequence[float]) -> Estimate | None:
    """Median of a few starts, and their extremes: too few for an interval."""
    if not seconds:
        return None
    return Estimate(1e3 * median(seconds), 1e3 * min(seconds), 1e3 * max(seconds))
