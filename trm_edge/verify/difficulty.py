"""Groups of puzzles by difficulty: number of givens, quartile of the rating, or source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from trm_edge.errors import InvalidInput, unknown
from trm_edge.tasks.base import Task

if TYPE_CHECKING:
    from trm_edge.verify.accuracy import Outcome

GROUPINGS = ("givens", "rating", "source", "none")

Grouping = Callable[[Sequence["Outcome"]], dict[str, list["Outcome"]]]

_EDGES = (20, 25, 30, 35)  #: givens of a 9x9 Sudoku at which a new bin begins
_EDGES_CELLS = 81
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
            edges = [round(edge * task.seq_len / _EDGES_CELLS) for edge in _EDGES]
            return lambda outcomes: by_givens(outcomes, edges)
        case "rating":
            return by_rating
        case "source":
            return by_source
        case "none":
            return lambda outcomes: {}
    raise InvalidInput(unknown("grouping", by, GROUPINGS))


def by_givens(outcomes: Sequence[Outcome], edges: Sequence[int]) -> dict[str, list[Outcome]]:
    """Bins of givens that begin at ``edges`` (rising); empty ones are left out."""
    labels = [f"< {edges[0]}", *map(_range, edges, edges[1:]), f"{edges[-1]}+"]
    bins = np.searchsorted(edges, [outcome.givens for outcome in outcomes], side="right")
    return _grouped(outcomes, [f"{labels[bin]} givens" for bin in bins], [f"{label} givens" for label in labels])


def by_rating(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Quartiles of the ratings, equal ratings always together; puzzles without one come last."""
    ratings = np.array([outcome.rating for outcome in outcomes if outcome.rating is not None])
    if not len(ratings):
        raise InvalidInput("The puzzles have no rating to group by. Use givens, source or none.")
    inner = np.unique(np.quantile(ratings, (0.25, 0.5, 0.75), method="lower"))  # upper ends of the first three
    quartile = np.searchsorted(inner, ratings, side="left")
    labels = {
        int(number): f"rating {ratings[quartile == number].min():g} to {ratings[quartile == number].max():g}"
        for number in np.unique(quartile)
    }
    of_rated = iter(quartile)
    of_each = [labels[int(next(of_rated))] if o.rating is not None else "not rated" for o in outcomes]
    return _grouped(outcomes, of_each, [*labels.values(), "not rated"])


def by_source(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """By source, the largest first; those beyond the largest fifty together."""
    names = [outcome.source or "no source" for outcome in outcomes]
    found, counts = np.unique(names, return_counts=True)
    order = [str(name) for name in found[np.argsort(-counts, kind="stable")]]
    kept = set(order[:_MOST_SOURCES])
    rest = "other sources"
    return _grouped(outcomes, [name if name in kept else rest for name in names], [*order[:_MOST_SOURCES], rest])


def _grouped(outcomes: Sequence[Outcome], of_each: Sequence[str], order: Sequence[str]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {label: [] for label in order}
    for outcome, label in zip(outcomes, of_each, strict=True):
        groups[label].append(outcome)
    return {label: members for label, members in groups.items() if members}


def _range(low: int, next_low: int) -> str:
    return f"{low}" if next_low == low + 1 else f"{low}-{next_low - 1}"
