"""Groups of outcomes by difficulty: number of givens, quartile of the rating, or source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from trm_edge.errors import InvalidInput, unknown
from trm_edge.tasks import difficulty
from trm_edge.tasks.base import Task
from trm_edge.tasks.difficulty import Groups

if TYPE_CHECKING:
    from trm_edge.verify.accuracy import Outcome

GROUPINGS = ("givens", "rating", "source", "none")

Grouping = Callable[[Sequence["Outcome"]], dict[str, list["Outcome"]]]

_MOST_SOURCES = 50  #: beyond these, a table by source is no summary


def default_grouping(task: Task) -> str:
    """Givens where a task has them."""
    return "givens" if task.family == "sudoku" else "none"


def group_of(by: str, task: Task) -> Grouping:
    """How to sort outcomes into groups, easiest label first read: each is ``label -> outcomes`` in rising order.

    Raises:
        InvalidInput: no such grouping, or the task has none of it.
    """
    match by:
        case "givens":
            if task.family != "sudoku":
                raise InvalidInput(f"{task.id} has no givens to group by. Use rating, source or none.")
            return lambda outcomes: by_givens(outcomes, task)
        case "rating":
            return by_rating
        case "source":
            return by_source
        case "none":
            return lambda outcomes: {}
    raise InvalidInput(unknown("grouping", by, GROUPINGS))


def by_givens(outcomes: Sequence[Outcome], task: Task) -> dict[str, list[Outcome]]:
    """Bins of givens; empty ones are left out."""
    return _members(outcomes, difficulty.by_givens(task, np.array([outcome.givens for outcome in outcomes])))


def by_rating(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Quartiles of the ratings, equal ratings always together; puzzles without one come last."""
    ratings = np.array([np.nan if outcome.rating is None else outcome.rating for outcome in outcomes])
    if np.isnan(ratings).all():
        raise InvalidInput("The puzzles have no rating to group by. Use givens, source or none.")
    return _members(outcomes, difficulty.by_quartile("rating", ratings))


def by_source(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """By source, the largest first; those beyond the largest fifty together."""
    names = [outcome.source or "no source" for outcome in outcomes]
    found, counts = np.unique(names, return_counts=True)
    order = [str(name) for name in found[np.argsort(-counts, kind="stable")]]
    kept = set(order[:_MOST_SOURCES])
    rest = "other sources"
    return _grouped(outcomes, [name if name in kept else rest for name in names], [*order[:_MOST_SOURCES], rest])


def _members(outcomes: Sequence[Outcome], groups: Groups) -> dict[str, list[Outcome]]:
    return _grouped(outcomes, [groups.labels[number] for number in groups.member], groups.labels)


def _grouped(outcomes: Sequence[Outcome], of_each: Sequence[str], order: Sequence[str]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {label: [] for label in order}
    for outcome, label in zip(outcomes, of_each, strict=True):
        groups[label].append(outcome)
    return {label: members for label, members in groups.items() if members}
