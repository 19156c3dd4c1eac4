"""Bundles side by side: accuracy, halting, latency, bytes and memory of each, on the same puzzles.

Accuracy counts all puzzles, in batches. Time is measured on a part of them, one by one and in turn, as a device meets
them. Knows candidates; opens none, and draws nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.profile.candidates import Candidate
from trm_edge.profile.interval import wilson
from trm_edge.profile.latency import Timing, time_solvers
from trm_edge.profile.memory import Memory
from trm_edge.profile.pareto import Point, front
from trm_edge.solve import Solution
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.comparison import is_right


@dataclass(frozen=True)
class Spread:
    """Milliseconds: the median and what nine of ten stay below."""

    p50: float
    p90: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one candidate.

    Attributes:
        name: of the candidate.
        is_bundle: False: the float model, shown beside the bundles.
        format: file format of the graph; None for the float model, as the next three.
        graph: layout of the recursion.
        precision: number format.
        target: processor it was made for.
        runtime: what ran it.
        provider: what computed, in the runtime's own words.
        policy: halting policy, as text.
        budget: most supervision steps.
        judged: puzzles whose answers can be judged, by the known answer, else by the rules.
        right: of those, the ones answered rightly.
        same_answers: puzzles answered as the reference answers them, each side at its halting step.
        same_steps: puzzles that halt at the reference's step.
        halted: puzzles that the halting policy ended, not the budget.
        mean_steps: mean of the halting steps.
        steps: halting step -> puzzles, in rising order.
        step_ms: of one supervision step of one puzzle, the host's share included.
        puzzle_ms: of one puzzle.
        file_bytes: of the files that a device loads, without golden vectors and model card.
        load_bytes: growth of resident memory by opening the graph.
        run_bytes: the same after the first puzzle.
    """

    name: str
    is_bundle: bool
    format: str | None
    graph: str | None
    precision: str | None
    target: str | None
    runtime: str
    provider: str
    policy: str
    budget: int
    judged: int
    right: int
    same_answers: int
    same_steps: int
    halted: int
    mean_steps: float
    steps: Mapping[int, int]
    step_ms: Spread
    puzzle_ms: Spread
    file_bytes: int | None
    load_bytes: int | None
    run_bytes: int | None

    @property
    def exact(self) -> float | None:
        """Share of right answers; None where none can be judged."""
        return self.right / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of :attr:`exact`."""
        return wilson(self.right, self.judged) if self.judged else None


@dataclass(frozen=True)
class Comparison:
    """All of it.

    Attributes:
        task: id.
        puzzles: how many counted for accuracy and halting.
        timed: of those, how many were timed.
        repeats: how often.
        reference: name of the row that agreement is with.
        rows: in the order they were given; the float model, if any, comes first.
        remarks: what could not be measured, in sentences.
    """

    task: str
    puzzles: int
    timed: int
    repeats: int
    reference: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()

    @property
    def points(self) -> list[Point]:
        """The rows that have an accuracy, as points of the picture."""
        return [
            Point(row.name, row.puzzle_ms.p50, row.exact, *row.interval, competes=row.is_bundle)
            for row in self.rows
            if row.exact is not None and row.interval is not None
        ]

    @property
    def front(self) -> list[str]:
        """Names of the bundles that no other beats in accuracy and median time, fastest first."""
        return [point.name for point in front(self.points)]


def compare(
    candidates: Iterable[Candidate],
    puzzles: Sequence[Puzzle],
    *,
    timed: int,
    repeats: int,
    memory: Callable[[Path], Memory],
) -> Comparison:
    """Measure every candidate; the first one is what the others are held against.

    Args:
        candidates: at least one; each is read when it is its turn.
        puzzles: at least one.
        timed: how many of them to time, taken evenly from all.
        repeats: counted rounds of timing.
        memory: tells a bundle's memory, as :func:`trm_edge.profile.memory.measure_memory` does.

    Raises:
        InvalidInput: ``timed`` or ``repeats`` below 1.
    """
    for name, value in (("timed", timed), ("repeats", repeats)):
        if value < 1:
            raise InvalidInput(f"{name} must be at least 1, not {value}")
    chosen, solutions, memories = [], [], []
    for candidate in candidates:
        chosen.append(candidate)
        memories.append(Memory() if candidate.path is None else memory(candidate.path))
        solutions.append(list(candidate.solver.solve_many(puzzles)))
    sample = [
        puzzles[place] for place in np.linspace(0, len(puzzles) - 1, min(timed, len(puzzles))).round().astype(int)
    ]
    timings = time_solvers({c.name: c.solver for c in chosen}, sample, repeats=repeats)
    rows = [
        _row(candidate, found, solutions[0], timings[candidate.name], used)
        for candidate, found, used in zip(chosen, solutions, memories, strict=True)
    ]
    failed = [(c.name, used.problem) for c, used in zip(chosen, memories, strict=True) if used.problem]
    return Comparison(
        task=chosen[0].session.manifest.task,
        puzzles=len(puzzles),
        timed=len(sample),
        repeats=repeats,
        reference=chosen[0].name,
        rows=tuple(rows),
        remarks=tuple(f"The memory of {name} was not measured: {problem}" for name, problem in failed),
    )


def _row(candidate: Candidate, found: list[Solution], reference: list[Solution], timing: Timing, memory: Memory) -> Row:
    manifest, is_bundle = candidate.session.manifest, candidate.path is not None
    verdicts = [is_right(s.puzzle, s.grid, s.solved) for s in found]
    pairs = list(zip(reference, found, strict=True))
    steps = Counter(s.steps for s in found)
    return Row(
        name=candidate.name,
        is_bundle=is_bundle,
        format=manifest.format.value if is_bundle else None,
        graph=manifest.graph.value if is_bundle else None,
        precision=manifest.precision.value if is_bundle else None,
        target=manifest.target if is_bundle else None,
        runtime=candidate.session.runtime,
        provider=candidate.session.provider,
        policy=str(candidate.solver.policy),
        budget=candidate.solver.budget,
        judged=sum(verdict is not None for verdict in verdicts),
        right=sum(verdict is True for verdict in verdicts),
        same_answers=sum(np.array_equal(ours.answer, theirs.answer) for ours, theirs in pairs),
        same_steps=sum(ours.steps == theirs.steps for ours, theirs in pairs),
        halted=sum(s.halted for s in found),
        mean_steps=sum(step * count for step, count in steps.items()) / len(found),
        steps=dict(sorted(steps.items())),
        step_ms=_spread(timing.seconds / np.array([s.steps for s in timing.solutions])),
        puzzle_ms=_spread(timing.seconds),
        file_bytes=candidate.file_bytes,
        load_bytes=memory.load_bytes,
        run_bytes=memory.run_bytes,
    )


def _spread(seconds: NDArray[np.float64]) -> Spread:
    return Spread(*(1e3 * float(value) for value in np.percentile(seconds, (50, 90))))
