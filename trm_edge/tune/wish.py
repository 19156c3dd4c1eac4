"""What somebody wants, and which of several measured points comes first for it. Knows points; measures nothing.

A wish for accuracy is about puzzles that nobody has seen, and a sample vouches only for the lower end of its interval:
that end must reach the wish, unless the caller is content with the share that was counted. A wish for latency is about
this machine: the share of puzzles that the wish names (half of them, or nine of ten) must have been that fast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trm_edge.errors import InvalidInput, unknown
from trm_edge.profile.interval import Z_95, wilson

QUANTILES = {"p50": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class Option:
    """One way to run one bundle, as it was measured.

    Attributes:
        side: name of the bundle with its threads.
        policy: halting policy, as text.
        budget: most supervision steps.
        right: puzzles answered rightly.
        judged: puzzles that can be judged.
        ms: milliseconds of each puzzle, the median of the rounds.
        steps: mean of the halting steps.
    """

    side: str
    policy: str
    budget: int
    right: int
    judged: int
    ms: tuple[float, ...]
    steps: float

    @property
    def way(self) -> str:
        """Policy and budget in short; a fixed number of steps is its own budget."""
        return self.policy if self.policy == f"fixed:{self.budget}" else f"{self.policy}, at most {self.budget}"

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.side}, {self.way}"

    @property
    def exact(self) -> float:
        """Share of right answers; 0 where none can be judged."""
        return self.right / self.judged if self.judged else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of :attr:`exact`."""
        return wilson(self.right, self.judged) if self.judged else (0.0, 1.0)

    @property
    def mean_ms(self) -> float:
        """Milliseconds of a puzzle, on average."""
        return math.fsum(self.ms) / len(self.ms)

    def quantile(self, share: float) -> float:
        """Milliseconds that this share of the puzzles stayed within."""
        ordered = sorted(self.ms)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Wish:
    """Fast enough, or accurate enough; of those that are, the most accurate or the fastest.

    Attributes:
        max_ms: milliseconds of a puzzle; None: no limit.
        min_exact: share of right answers, 0 to 1; None: no limit.
        quantile: name in :data:`QUANTILES`: of how many puzzles ``max_ms`` is said, and what "fastest" compares.
        by_estimate: take a counted share for the true one, instead of the lower end of its interval.

    Raises:
        InvalidInput: both limits or neither, or one out of range.
    """

    max_ms: float | None = None
    min_exact: float | None = None
    quantile: str = "p50"
    by_estimate: bool = False

    def __post_init__(self) -> None:
        if (self.max_ms is None) == (self.min_exact is None):
            raise InvalidInput("Say what you want: --max-latency MS or --min-accuracy PERCENT, one of the two")
        if self.max_ms is not None and not 0 < self.max_ms < math.inf:
            raise InvalidInput(f"--max-latency must be above 0 milliseconds, not {self.max_ms:g}")
        if self.min_exact is not None and not 0 < self.min_exact <= 1:
            raise InvalidInput(f"--min-accuracy must be above 0 and at most 100 percent, not {100 * self.min_exact:g}")
        if self.quantile not in QUANTILES:
            raise InvalidInput(unknown("latency", self.quantile, QUANTILES))

    def __str__(self) -> str:
        if self.max_ms is not None:
            return f"at most {self.max_ms:g} ms a puzzle ({self.quantile})"
        assert self.min_exact is not None
        sure = "counted" if self.by_estimate else "by the lower end of its 95 % interval"
        return f"at least {100 * self.min_exact:g} % exact, {sure}"

    def ms(self, option: Option) -> float:
        """The latency that this wish speaks of."""
        return option.quantile(QUANTILES[self.quantile])

    def meets(self, option: Option) -> bool:
        """Whether a point does what is wished, as far as its sample vouches for it."""
        if self.max_ms is not None:
            return self.ms(option) <= self.max_ms
        return (option.exact if self.by_estimate else option.interval[0]) >= self._least

    def kept(self, option: Option) -> bool:
        """Whether other puzzles than those that a point was chosen on bear it out, by what was counted on them."""
        return self.ms(option) <= self.max_ms if self.max_ms is not None else option.exact >= self._least

    def best(self, options: Sequence[Option]) -> Option | None:
        """The point to take: the most accurate that is fast enough, or the fastest that is accurate enough."""
        return min(filter(self.meets, options), key=self._order, default=None)

    def nearest(self, options: Sequence[Option]) -> Option:
        """What comes closest: the fastest point, or the most accurate one."""
        if self.max_ms is not None:
            return min(options, key=lambda option: (self.ms(option), -option.exact))
        return max(options, key=lambda option: (option.exact, -self.ms(option)))

    def promise(self, options: Sequence[Option]) -> tuple[float, float]:
        """How much a side may still turn out to be worth, judged kindly: smaller is better.

        For accuracy, the time of its fastest point that *may* be accurate enough; for latency, the accuracy that its
        points within the limit *may* have.
        """
        if self.max_ms is not None:
            within = [option for option in options if self.ms(option) <= self.max_ms]
            return min(((-o.interval[1], self.ms(o)) for o in within), default=(math.inf, self._fastest(options)))
        hopeful = [self.ms(option) for option in options if option.interval[1] >= self._least]
        return min(hopeful, default=math.inf), -max(option.exact for option in options)

    def check_puzzles(self, count: int) -> None:
        """Refuse to choose on so few puzzles that even if all were right they could not vouch for the wish.

        Raises:
            InvalidInput: they are; says how many it takes.
        """
        if self.min_exact is None or self.by_estimate or wilson(count, count)[0] >= self.min_exact:
            return
        best = f"{count} puzzles to choose on, all of them right, vouch for {100 * wilson(count, count)[0]:.1f} %"
        if self.min_exact == 1:
            raise InvalidInput(f"{best}, and no number of them for 100 %: ask for less, or pass --by-estimate")
        needed = math.ceil(Z_95**2 * self.min_exact / (1 - self.min_exact))
        raise InvalidInput(
            f"{best}, not for {100 * self.min_exact:g} %: give --puzzles {2 * needed} (half of them are for choosing), "
            "or pass --by-estimate"
        )

    @property
    def _least(self) -> float:
        assert self.min_exact is not None
        return self.min_exact

    def _fastest(self, options: Sequence[Option]) -> float:
        return min(map(self.ms, options))

    def _order(self, option: Option) -> tuple[float, ...]:
        by_time, by_accuracy = self.ms(option), -option.exact
        return (by_accuracy, by_time) if self.max_ms is not None else (by_time, by_accuracy)
