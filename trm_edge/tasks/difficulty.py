"""Groups of puzzles by difficulty: number of givens (Sudoku), length of the path (maze), quartile of a rating.

Knows arrays of numbers, one a puzzle; does not know who solves them, or how well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.tasks.base import Task
from trm_edge.tasks.maze_paths import PATH

_EDGES = (20, 25, 30, 35)  #: givens of a 9x9 Sudoku at which a new bin begins
_EDGES_CELLS = 81
_BLANK = 1  #: token of a Sudoku's blank cell; a pad is 0
NOT_RATED = "not rated"


@dataclass(frozen=True, eq=False)
class Groups:
    """Puzzles sorted into groups, none of them empty.

    Attributes:
        by: what they are sorted by.
        labels: names of the groups, in rising order.
        member: [puzzles] number of the group that each puzzle is in.
    """

    by: str
    labels: tuple[str, ...]
    member: NDArray[np.intp]


def natural_measure(task: Task, inputs: NDArray[Any], labels: NDArray[Any]) -> tuple[str, NDArray[np.int64]] | None:
    """What makes the task's puzzles hard, as far as they show it themselves: its name, and its value for each.

    Args:
        task: of the puzzles.
        inputs: [puzzles, seq] tokens of the questions.
        labels: [puzzles, seq] tokens of the answers; what is no token is not looked at.
    """
    match task.family:
        case "sudoku":
            return "givens", (inputs > _BLANK).sum(axis=1)
        case "maze":
            return "path length", (labels == PATH).sum(axis=1) + 1
    return None


def natural_groups(
    task: Task, inputs: NDArray[Any], labels: NDArray[Any], ratings: NDArray[np.floating[Any]] | None = None
) -> list[Groups]:
    """Every grouping that the task and what is known of its puzzles offer.

    Args:
        task: of the puzzles.
        inputs: [puzzles, seq] tokens of the questions.
        labels: [puzzles, seq] tokens of the answers.
        ratings: [puzzles] on any scale, NaN where there is none; None: they have none.
    """
    found = []
    match natural_measure(task, inputs, labels):
        case "givens", givens:
            found.append(by_givens(task, givens))
        case by, values:  # a maze's rating says the same, or mixes other things in
            return [by_quartile(by, values, label="path")]
    if ratings is not None and not np.isnan(ratings).all():
        found.append(by_quartile("rating", ratings))
    return found


def by_givens(task: Task, givens: NDArray[np.integer[Any]]) -> Groups:
    """Bins of the givens [puzzles] of a Sudoku; their edges grow with the grid."""
    edges = [round(edge * task.seq_len / _EDGES_CELLS) for edge in _EDGES]
    names = [f"< {edges[0]}", *map(_range, edges, edges[1:]), f"{edges[-1]}+"]
    return _groups("givens", [f"{name} givens" for name in names], np.searchsorted(edges, givens, side="right"))


def by_quartile(by: str, values: NDArray[Any], *, label: str | None = None) -> Groups:
    """Quartiles of ``values`` [puzzles], equal values always together; those that are NaN come last.

    Args:
        by: what the values are.
        values: at least one that is not NaN.
        label: what stands before a group's range; None: ``by``.
    """
    values = np.asarray(values, dtype=np.float64)
    rated = values[~np.isnan(values)]
    inner = np.unique(np.quantile(rated, (0.25, 0.5, 0.75), method="lower"))  # upper ends of the first three
    member = np.searchsorted(inner, values, side="left")  # NaN sorts behind everything
    member[np.isnan(values)] = len(inner) + 1
    names = []
    for number in range(len(inner) + 1):
        inside = rated[member[~np.isnan(values)] == number]
        names.append(f"{label or by} {inside.min():g} to {inside.max():g}" if inside.size else "")
    return _groups(by, [*names, NOT_RATED], member)


def _groups(by: str, names: Sequence[str], member: NDArray[np.intp]) -> Groups:
    """Groups without those that are empty."""
    present, member = np.unique(member, return_inverse=True)
    return Groups(by, tuple(names[number] for number in present), member)


def _range(low: int, next_low: int) -> str:
    return f"{low}" if next_low == low + 1 else f"{low}-{next_low - 1}"
