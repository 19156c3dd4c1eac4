"""The race: all sides on a few puzzles, the better half of them on twice as many, until the finalists have seen all.

Knows sides, a wish, and a way to measure; opens nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trm_edge.profile.candidates import Candidate
from trm_edge.profile.samples import Samples
from trm_edge.tasks.base import Puzzle
from trm_edge.tune.options import joined, options_of
from trm_edge.tune.walk import heats
from trm_edge.tune.wish import Option, Wish

Measure = Callable[[Sequence[Candidate], Sequence[Puzzle]], list[Samples]]
"""Measures sides on puzzles, interleaved; as many rounds every time."""


@dataclass(frozen=True)
class Raced:
    """How the race ended.

    Attributes:
        samples: of every side, on the puzzles that it has seen; the best first.
        finalists: sides that saw as many puzzles as anybody, the best first.
        remarks: what cut it short, in sentences.
    """

    samples: Mapping[str, Samples]
    finalists: tuple[Candidate, ...]
    remarks: tuple[str, ...] = ()

    @property
    def options(self) -> list[Option]:
        """All ways to run the finalists."""
        return [option for side in self.finalists for option in options_of(self.samples[side.name])]


def race(
    sides: Sequence[Candidate],
    puzzles: Sequence[Puzzle],
    wish: Wish,
    measure: Measure,
    *,
    seconds: float | None = None,
    dropped: Callable[[Candidate], None] = lambda side: None,
) -> Raced:
    """Run it.

    Args:
        sides: at least one, with names of their own.
        puzzles: at least one, in an order that means nothing.
        wish: what makes a side better.
        measure: measures.
        seconds: no heat begins later than this after the first.
        dropped: hears of each side that is out.
    """
    began, seen = time.monotonic(), 0
    running, samples, remarks = list(sides), dict[str, Samples](), list[str]()
    for heat in heats(len(sides), len(puzzles)):
        if seen and seconds is not None and time.monotonic() - began > seconds:
            remarks.append(f"After {seconds:g} s the choice was made: on {seen} of {len(puzzles)} puzzles.")
            break
        for side in running[heat.sides :]:
            dropped(side)
        del running[heat.sides :]
        new, seen = puzzles[seen : heat.puzzles], heat.puzzles
        if new:
            for side, found in zip(running, measure(running, new), strict=True):
                samples[side.name] = joined(samples[side.name], found) if side.name in samples else found
        running.sort(key=lambda side: wish.promise(options_of(samples[side.name])))
    ranked = sorted(samples.values(), key=lambda one: (-one.puzzles, wish.promise(options_of(one))))
    return Raced({one.name: one for one in ranked}, tuple(running), tuple(remarks))
