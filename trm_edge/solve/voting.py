"""Several starts at one puzzle, and one answer made of them.

A start is the whole recursion on a variant of the puzzle (:mod:`trm_edge.solve.variants`), its answer mapped back. The
cost of a vote is counted in supervision steps, all starts summed. Only the inputs of a session change: any bundle and
any runtime can vote.

Grammar::

    vote = ("verified" | "majority" | "confident" | "top2") ":" starts
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from trm_edge.errors import InvalidInput, Refused, unknown
from trm_edge.solve.rows import Solution
from trm_edge.solve.solver import Solver
from trm_edge.solve.variants import Variant, Variants, symmetric
from trm_edge.tasks.base import Puzzle, Task, Tokens

KINDS = ("verified", "majority", "confident", "top2")
MAX_STARTS = 10_000  #: ten times the official voting on ARC

_BATCHES = 16  #: batches of puzzles that go through their starts together: few end up in batches that are not full
_EXAMPLES = f" Examples: verified:8, majority:8, confident:8, top2:8; at most {MAX_STARTS} starts"


@dataclass(frozen=True, slots=True)
class Vote:
    """How many starts a puzzle gets, and which of their answers wins. ``str(vote)`` is its text form.

    Attributes:
        kind: ``verified``: the first that obeys the rules, after which no more starts are made; if none does, the
            one with the highest halting logit. ``majority``: the most frequent; of equally frequent ones the one
            whose starts believe in it most (mean of the sigmoid of the halting logit, as the official
            ``evaluators/arc.py`` does). ``confident``: the one with the highest halting logit. ``top2``: the first
            two of ``majority``.
        starts: most starts.

    Raises:
        InvalidInput: no such kind, or a number of starts out of range.
    """

    kind: str
    starts: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(unknown("vote", self.kind[:40], KINDS) + _EXAMPLES)
        if not 1 <= self.starts <= MAX_STARTS:
            raise InvalidInput(f"Vote '{self.kind}:{self.starts}': 1 to {MAX_STARTS} starts.{_EXAMPLES}")

    @property
    def answers(self) -> int:
        """How many answers win."""
        return 2 if self.kind == "top2" else 1

    def __str__(self) -> str:
        return f"{self.kind}:{self.starts}"


def parse_vote(text: str) -> Vote:
    """Read a vote; ``parse_vote(str(vote)) == vote``. Spaces do not count.

    >>> parse_vote("verified:8")
    Vote(kind='verified', starts=8)

    Raises:
        InvalidInput: unknown kind, or no readable number of starts.
    """
    kind, _, starts = "".join(text.split()).partition(":")
    if kind in KINDS and not (starts.isascii() and starts.isdigit() and len(starts) < 10):
        raise InvalidInput(f"Vote '{text[:60]}': '{starts[:20]}' is not a number of starts.{_EXAMPLES}")
    return Vote(kind, int(starts) if kind in KINDS else 1)


@dataclass(frozen=True, eq=False, slots=True)
class Voted:
    """What became of one puzzle.

    Attributes:
        answers: the winners, best first: one, or up to two of ``top2``; each as the most confident start that gave
            it, in the symbols of the puzzle itself.
        alone: what the first start, the puzzle as it is, came to by itself.
        starts: starts made.
        votes: how many of them gave the winning answer.
        steps: supervision steps of all of them.
    """

    answers: tuple[Solution, ...]
    alone: Solution
    starts: int
    votes: int
    steps: int

    @property
    def best(self) -> Solution:
        """The winner."""
        return self.answers[0]


def vote(
    solver: Solver,
    puzzles: Iterable[Puzzle],
    how: Vote | str,
    *,
    variants: Variants | None = None,
    trace: bool = False,
) -> Iterator[Voted]:
    """Give every puzzle several starts and yield what they agree on, in the order of the puzzles.

    All puzzles that still need one get their next start together, so that batches stay full; for that, 16 batches of
    puzzles are read ahead (none with a batch size of 1).

    Args:
        solver: session, halting policy and budget of one start.
        puzzles: any iterable.
        how: the vote or its text.
        variants: the starts of a puzzle; default: random symmetries, the same for every puzzle and in every run.
        trace: keep the trajectories of the winners.

    Raises:
        InvalidInput: an unreadable vote.
        Refused: ``verified`` for a task without rules; ``trace`` with a loop graph.
    """
    how = parse_vote(how) if isinstance(how, str) else how
    if how.kind == "verified" and not solver.task.has_rules:
        raise Refused(f"{solver.task.id} has no rules to verify an answer by: use majority, confident or top2")
    return _vote(solver, iter(puzzles), how, variants or symmetric(solver.task, how.starts), trace)


def _vote(solver: Solver, puzzles: Iterator[Puzzle], how: Vote, variants: Variants, trace: bool) -> Iterator[Voted]:
    together = 1 if solver.batch_size == 1 else _BATCHES * solver.batch_size
    while polls := [_Poll(solver.task, how, puzzle, variants(puzzle)) for puzzle in islice(puzzles, together)]:
        going = polls
        while going:
            questions = (poll.question for poll in going)
            for poll, solution in zip(going, solver.solve_many(questions, trace=trace), strict=True):
                poll.add(solution)
            going = [poll for poll in going if not poll.ended]
        for poll in polls:
            yield poll.result()


@dataclass(slots=True)
class _Tally:
    """One answer: how many starts gave it, how much they believe in it in sum, and the most confident of them."""

    solution: Solution
    votes: int
    belief: float

    @property
    def mean_belief(self) -> float:
        return self.belief / self.votes


class _Poll:
    """The starts at one puzzle, and what they said so far."""

    def __init__(self, task: Task, how: Vote, puzzle: Puzzle, variants: Sequence[Variant]) -> None:
        self._task, self._how, self._puzzle = task, how, puzzle
        self._variants = variants[: how.starts]
        self._tallies: dict[tuple[tuple[int, ...], bytes], _Tally] = {}
        self._alone: Solution | None = None
        self._starts = self._steps = 0
        self._verified = False

    @property
    def question(self) -> Puzzle:
        """What the next start sees."""
        return self._variants[self._starts].of(self._puzzle)

    @property
    def ended(self) -> bool:
        """Whether no more starts are to be made."""
        return self._starts == len(self._variants) or (self._how.kind == "verified" and self._verified)

    def add(self, found: Solution) -> None:
        """Take in what became of :attr:`question`."""
        solution = _restored(self._task, self._puzzle, found, self._variants[self._starts])
        self._starts += 1
        self._steps += solution.steps
        self._verified |= bool(solution.solved)
        if self._alone is None:
            self._alone = solution
        tally = self._tallies.setdefault(
            (solution.grid.shape, solution.grid.tobytes()), _Tally(solution, votes=0, belief=0.0)
        )
        tally.votes += 1
        tally.belief += _sigmoid(solution.q_halt)
        if solution.q_halt > tally.solution.q_halt:
            tally.solution = solution

    def result(self) -> Voted:
        """The winners; of equals, the one that was found first."""
        ranked = sorted(self._tallies.values(), key=self._rank, reverse=True)  # a stable order
        winners = tuple(tally.solution for tally in ranked[: self._how.answers])
        assert self._alone is not None, "every poll has a start"
        return Voted(winners, self._alone, self._starts, ranked[0].votes, self._steps)

    def _rank(self, tally: _Tally) -> tuple[float, float]:
        if self._how.kind == "verified":
            return bool(tally.solution.solved), tally.solution.q_halt
        if self._how.kind == "confident":
            return tally.solution.q_halt, 0.0
        return tally.votes, tally.mean_belief


def _restored(task: Task, puzzle: Puzzle, found: Solution, variant: Variant) -> Solution:
    """The solution of a variant as one of the puzzle itself. What obeys the rules there does so here."""

    def back(tokens: Tokens) -> Tokens:
        grid = variant.symmetry.invert(task.decode(tokens))
        return task.encode(grid) if grid.size else np.zeros_like(tokens)  # a model may answer ARC with an empty grid

    trace = found.trace
    if trace is not None:
        trace = replace(trace, answers=np.stack([back(answer) for answer in trace.answers]))
    grid = variant.symmetry.invert(found.grid)
    return replace(found, puzzle=puzzle, answer=back(found.answer), grid=grid, trace=trace)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > 0 else math.exp(logit) / (1 + math.exp(logit))
