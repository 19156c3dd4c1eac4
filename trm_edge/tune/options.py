"""From samples to the ways a bundle could be run: every budget, with every threshold of the halting logit.

As in :mod:`trm_edge.profile.summary`, a puzzle that was taken through all supervision steps has passed the answers of
all policies that stop earlier; here thresholds are combined with smaller budgets, too, and there are no intervals of
time, for a race asks for hundreds of points. Graphs that show no single steps (loop, unrolled) are known by the policy
that they were measured under. Times are the median of the rounds, puzzle by puzzle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.profile.samples import Samples, Whole
from trm_edge.profile.summary import THRESHOLDS
from trm_edge.solve.policies import Act, Fixed
from trm_edge.tune.wish import Option


def options_of(samples: Samples) -> list[Option]:
    """All ways to run one side.

    Of those that stop every puzzle at the same steps, the one is named that leaves harder puzzles the most.
    """
    if not samples.runs:
        return [_measured(samples.name, whole) for whole in samples.whole]
    return list(_derived(samples))


def option_of(samples: Samples, policy: str, budget: int) -> Option:
    """One way to run a side that :func:`options_of` named, on other puzzles.

    Raises:
        InvalidInput: it does not follow from the samples.
    """
    if samples.runs:
        table = _Table(samples)
        policies: list[Act | Fixed] = [Fixed(budget), *map(Act, THRESHOLDS)]
        for known in policies:
            if str(known) == policy and budget <= samples.steps:
                return table.option(known, budget)
    for whole in samples.whole:
        if (whole.policy, whole.budget) == (policy, budget):
            return _measured(samples.name, whole)
    raise InvalidInput(f"{samples.name}: nothing is known of '{policy}' with at most {budget} steps")


def joined(first: Samples, more: Samples) -> Samples:
    """Samples of a side and of the same side on further puzzles, which are numbered after the first ones.

    Raises:
        InvalidInput: they have not as many rounds.
    """
    start = first.puzzles
    rounds, more_rounds = ([len(one.runs), *(len(w.rounds) for w in one.whole)] for one in (first, more))
    if rounds != more_rounds:
        raise InvalidInput(f"{first.name}: samples of different rounds cannot be joined")
    runs = tuple(
        (*old, *(replace(run, puzzle=run.puzzle + start) for run in new))
        for old, new in zip(first.runs, more.runs, strict=True)
    )
    whole = tuple(_longer(old, new, start) for old, new in zip(first.whole, more.whole, strict=True))
    return replace(first, runs=runs, whole=whole, reference_seconds=first.reference_seconds + more.reference_seconds)


def _longer(first: Whole, more: Whole, start: int) -> Whole:
    rounds = (
        (*old, *(replace(solve, puzzle=solve.puzzle + start) for solve in new))
        for old, new in zip(first.rounds, more.rounds, strict=True)
    )
    return replace(first, rounds=tuple(rounds))


def _derived(samples: Samples) -> Iterator[Option]:
    """Largest budgets first, and ``act`` with the usual threshold before others: the first of its kind stays."""
    table, seen = _Table(samples), set[bytes]()
    for budget in range(samples.steps, 0, -1):
        policies: list[Act | Fixed] = [*map(Act, sorted(THRESHOLDS, key=abs)), Fixed(budget)]
        for policy in policies:
            stops = table.stops(policy, budget)
            if stops.tobytes() not in seen and not (isinstance(policy, Act) and (stops == budget).all()):
                seen.add(stops.tobytes())
                yield table.option(policy, budget)


class _Table:
    """What happened at every step of every puzzle."""

    def __init__(self, samples: Samples) -> None:
        first = samples.runs[0]
        seconds = np.median([[run.step_seconds for run in one] for one in samples.runs], axis=0)
        self._side = samples.name
        self._elapsed = 1e3 * np.cumsum(seconds, axis=1)  # [puzzles, steps], milliseconds
        self._q_halt = np.array([run.q_halt for run in first], np.float32)  # [puzzles, steps]
        self._verdicts = [run.right for run in first]

    def stops(self, policy: Act | Fixed, budget: int) -> NDArray[np.int64]:
        """The step that each puzzle halts at, counted from 1, at the budget at the latest."""
        stops = np.full(len(self._elapsed), budget, np.int64)
        if isinstance(policy, Act):
            halts = self._q_halt[:, :budget] > np.float32(policy.threshold)
            stops = np.where(halts.any(1), halts.argmax(1) + 1, stops)
        return stops

    def option(self, policy: Act | Fixed, budget: int) -> Option:
        """A policy with a budget, as it would have gone."""
        stops = self.stops(policy, budget)
        answers = [right[step - 1] for right, step in zip(self._verdicts, stops.tolist(), strict=True)]
        return Option(
            self._side,
            str(policy),
            budget,
            right=sum(answer is True for answer in answers),
            judged=sum(answer is not None for answer in answers),
            ms=tuple(self._elapsed[np.arange(len(stops)), stops - 1].tolist()),
            steps=float(stops.mean()),
        )


def _measured(side: str, whole: Whole) -> Option:
    ms = 1e3 * np.median([[solve.seconds for solve in one] for one in whole.rounds], axis=0)
    first = whole.rounds[0]
    return Option(
        side,
        whole.policy,
        whole.budget,
        right=sum(solve.right is True for solve in first),
        judged=sum(solve.right is not None for solve in first),
        ms=tuple(ms.tolist()),
        steps=float(np.mean([solve.steps for solve in first])),
    )
