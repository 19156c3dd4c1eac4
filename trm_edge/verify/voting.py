"""What voting gains: the same puzzles by one start and by the vote of several.

Both are judged as any solution is (:mod:`trm_edge.verify.accuracy`). Knows votes; how they are taken is the business of
:mod:`trm_edge.solve.voting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from trm_edge.solve import Solver
from trm_edge.solve.variants import Variants
from trm_edge.solve.voting import Vote, Voted, parse_vote, vote
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify import accuracy
from trm_edge.verify.accuracy import Evaluation, Judged, Outcome
from trm_edge.verify.difficulty import Grouping, group_of


@dataclass(frozen=True, slots=True)
class VoteOutcome:
    """What became of one puzzle.

    Attributes:
        alone: the first start by itself.
        voted: the vote, with the steps of all starts; of ``top2`` the right answer, if one of the two is.
        starts: starts made.
        lawful_but_wrong: the puzzle as text, where the vote's answer obeys the rules and is not the known one.
    """

    alone: Outcome
    voted: Outcome
    starts: int
    lawful_but_wrong: str | None


@dataclass(frozen=True)
class VoteEvaluation:
    """The result of a run over puzzles.

    Attributes:
        vote: its text.
        alone: the first starts by themselves; their seconds are those of the whole run.
        voted: the votes; steps are those of all starts.
        starts: starts made -> puzzles.
        lawful_but_wrong: puzzles, as text, whose answer obeys the rules and is not the known one.
    """

    vote: str
    alone: Evaluation
    voted: Evaluation
    starts: Mapping[int, int]
    lawful_but_wrong: tuple[str, ...]

    @property
    def mean_starts(self) -> float:
        """Starts of a puzzle."""
        return sum(starts * puzzles for starts, puzzles in self.starts.items()) / self.voted.total.puzzles


def evaluate(
    solver: Solver, puzzles: Iterable[Puzzle], how: Vote | str, *, variants: Variants | None = None, by: str = "none"
) -> VoteEvaluation:
    """Vote on ``puzzles`` as they come, and judge every answer.

    Args:
        solver: session, policy and budget of one start.
        puzzles: at least one.
        how: the vote or its text.
        variants: see :func:`trm_edge.solve.voting.vote`.
        by: what to group by, see :data:`trm_edge.verify.difficulty.GROUPINGS`.

    Raises:
        InvalidInput: no puzzles, an unreadable vote, or a grouping that the task does not have.
        Refused: a vote that needs rules, for a task without.
    """
    how = parse_vote(how) if isinstance(how, str) else how
    label = group_of(by, solver.task)
    return summary(judged(solver, puzzles, how, variants), solver, how, label)


def judged(
    solver: Solver, puzzles: Iterable[Puzzle], how: Vote, variants: Variants | None = None
) -> Judged[VoteOutcome]:
    """The votes on ``puzzles``, judged."""
    return accuracy.timed(
        puzzles,
        lambda source: (judge(solver.task, voted) for voted in vote(solver, source, how, variants=variants)),
    )


def summary(found: Judged[VoteOutcome], solver: Solver, how: Vote, label: Grouping) -> VoteEvaluation:
    """Add up what :func:`judged` found; see :func:`trm_edge.verify.accuracy.summary`."""
    alone, voted = (
        accuracy.summary(Judged(tuple(outcomes), found.seconds), solver, label)
        for outcomes in ([one.alone for one in found.outcomes], [one.voted for one in found.outcomes])
    )
    return VoteEvaluation(
        vote=str(how),
        alone=alone,
        voted=voted,
        starts=dict(sorted(Counter(one.starts for one in found.outcomes).items())),
        lawful_but_wrong=tuple(one.lawful_but_wrong for one in found.outcomes if one.lawful_but_wrong is not None),
    )


def judge(task: Task, voted: Voted) -> VoteOutcome:
    """Compare a vote, and its first start, with the known answer of the puzzle."""
    answers = [accuracy.judge(solution) for solution in voted.answers]
    best = next((outcome for outcome in answers if outcome.correct), answers[0])
    wrong = best.by_rules and best.correct is False
    return VoteOutcome(
        alone=accuracy.judge(voted.alone),
        voted=replace(best, steps=voted.steps),
        starts=voted.starts,
        lawful_but_wrong=task.format(voted.best.puzzle.question) if wrong else None,
    )
