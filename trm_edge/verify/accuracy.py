"""How many puzzles a session solves, how fast it halts, and where it fails: accuracy over any number of puzzles.

Of every puzzle a few numbers are kept, so that a file of any length can stream through. Knows solutions; the engine
behind them is the solver's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

import numpy as np

from trm_edge.errors import InvalidInput
from trm_edge.solve import Solution, Solver
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.comparison import is_right
from trm_edge.verify.difficulty import Grouping, group_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one puzzle.

    Attributes:
        correct: the answer is the known one; by the rules where none is known; None where there are no rules either.
        by_rules: the answer obeys the rules; None for a task without.
        cells: cells of the known answer, 0 where it is not known.
        cells_right: of those, answered right.
        blanks: cells that the known answer changes in the question: the blanks of a Sudoku, the path of a maze.
        blanks_right: of those, answered right.
        steps: supervision steps used.
        halted: the halting policy fired; False: the budget was spent.
        givens: cells of the question that are not 0 (in Sudoku, the givens).
        rating: difficulty on the source's scale, or None.
        source: where the puzzle comes from.
    """

    correct: bool | None
    by_rules: bool | None
    cells: int
    cells_right: int
    blanks: int
    blanks_right: int
    steps: int
    halted: bool
    givens: int
    rating: float | None
    source: str


Found = TypeVar("Found")


@dataclass(frozen=True)
class Judged(Generic[Found]):
    """Outcomes in the order of their puzzles, and the seconds that solving took."""

    outcomes: tuple[Found, ...]
    seconds: float


@dataclass(frozen=True)
class Score:
    """Outcomes added up. Shares are None where nothing can be counted.

    Attributes:
        puzzles: how many.
        exact: share of correct ones among those that can be judged.
        by_rules: share that obeys the rules.
        cells: share of right cells, among puzzles with a known answer.
        blank_cells: share of right cells among those to fill in.
        mean_steps: mean of the halting steps.
        median_steps: their median.
        halted: share that the halting policy ended, not the budget.
    """

    puzzles: int
    exact: float | None
    by_rules: float | None
    cells: float | None
    blank_cells: float | None
    mean_steps: float
    median_steps: float
    halted: float


@dataclass(frozen=True)
class Evaluation:
    """The result of a run over puzzles.

    Attributes:
        total: all of them.
        unjudged: puzzles with neither a known answer nor rules, left out of the share of correct ones.
        steps: halting step -> puzzles.
        groups: the same by difficulty, in rising order; empty if not asked for.
        seconds: wall time of solving, without that of reading or generating the puzzles.
        policy: halting policy, as text.
        budget: most steps.
    """

    total: Score
    unjudged: int
    steps: Mapping[int, int]
    groups: Mapping[str, Score]
    seconds: float
    policy: str
    budget: int

    @property
    def puzzles_per_second(self) -> float:
        """Throughput."""
        return self.total.puzzles / self.seconds if self.seconds > 0 else 0.0


def evaluate(solver: Solver, puzzles: Iterable[Puzzle], *, by: str = "none") -> Evaluation:
    """Solve ``puzzles`` as they come and judge every answer.

    Args:
        solver: session, policy and budget.
        puzzles: at least one.
        by: what to group by, see :data:`trm_edge.verify.difficulty.GROUPINGS`.

    Raises:
        InvalidInput: no puzzles, or a grouping that the task does not have.
    """
    label = group_of(by, solver.task)
    return summary(judged(solver, puzzles), solver, label)


def judged(solver: Solver, puzzles: Iterable[Puzzle]) -> Judged[Outcome]:
    """What became of ``puzzles``."""
    return timed(puzzles, lambda source: map(judge, solver.solve_many(source)))


def timed(puzzles: Iterable[Puzzle], outcomes: Callable[[Iterator[Puzzle]], Iterable[Found]]) -> Judged[Found]:
    """What ``outcomes`` makes of ``puzzles``, and how long it took without the waiting for them."""
    source = _Timed(iter(puzzles))
    start = perf_counter()
    found = tuple(outcomes(source))
    return Judged(found, perf_counter() - start - source.seconds)


def summary(found: Judged[Outcome], solver: Solver, label: Grouping) -> Evaluation:
    """Add up what :func:`judged` found, in one process or in several.

    Args:
        found: what became of the puzzles.
        solver: whose policy and budget are noted.
        label: sorts into groups, see :func:`trm_edge.verify.difficulty.group_of`.

    Raises:
        InvalidInput: no puzzles, or none that the grouping can sort.
    """
    outcomes = found.outcomes
    if not outcomes:
        raise InvalidInput("There are no puzzles to evaluate on")
    return Evaluation(
        total=score(outcomes),
        unjudged=sum(outcome.correct is None for outcome in outcomes),
        steps=dict(sorted(Counter(outcome.steps for outcome in outcomes).items())),
        groups={name: score(members) for name, members in label(outcomes).items()},
        seconds=found.seconds,
        policy=str(solver.policy),
        budget=solver.budget,
    )


def judge(solution: Solution) -> Outcome:
    """Compare a solution with the known answer of its puzzle, on the grid; by the rules where there is none.

    An answer of another size (ARC) has no right cells.
    """
    puzzle, given = solution.puzzle, solution.grid
    answer = puzzle.answer
    cells, cells_right, blanks, blanks_right = 0, 0, 0, 0
    if answer is not None:
        right = given == answer if given.shape == answer.shape else np.zeros(answer.shape, bool)
        same_size = puzzle.question.shape == answer.shape
        blank = puzzle.question != answer if same_size else np.ones(answer.shape, bool)
        cells, cells_right = answer.size, int(right.sum())
        blanks, blanks_right = int(blank.sum()), int((right & blank).sum())
    return Outcome(
        correct=is_right(puzzle, given, solution.solved),
        by_rules=solution.solved,
        cells=cells,
        cells_right=cells_right,
        blanks=blanks,
        blanks_right=blanks_right,
        steps=solution.steps,
        halted=solution.halted,
        givens=int(np.count_nonzero(puzzle.question)),
        rating=puzzle.rating,
        source=puzzle.source,
    )


def score(outcomes: Sequence[Outcome]) -> Score:
    """Add up outcomes, at least one."""
    steps = [outcome.steps for outcome in outcomes]
    return Score(
        puzzles=len(outcomes),
        exact=_share_of_known(outcome.correct for outcome in outcomes),
        by_rules=_share_of_known(outcome.by_rules for outcome in outcomes),
        cells=_ratio(sum(o.cells_right for o in outcomes), sum(o.cells for o in outcomes)),
        blank_cells=_ratio(sum(o.blanks_right for o in outcomes), sum(o.blanks for o in outcomes)),
        mean_steps=float(np.mean(steps)),
        median_steps=float(np.median(steps)),
        halted=sum(outcome.halted for outcome in outcomes) / len(outcomes),
    )


class _Timed(Iterator[Puzzle]):
    """Hands puzzles on and adds up the seconds it waited for them."""

    def __init__(self, puzzles: Iterator[Puzzle]) -> None:
        self._puzzles = puzzles
        self.seconds = 0.0

    def __next__(self) -> Puzzle:
        start = perf_counter()
        try:
            return next(self._puzzles)
        finally:
            self.seconds += perf_counter() - start


def _share_of_known(values: Iterable[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _ratio(sum(known), len(known))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
