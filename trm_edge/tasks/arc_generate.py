"""Simple procedural puzzles in the manner of ARC: a few coloured shapes, and one fixed rule that changes the grid.

The rule is not visible in the question, as in ARC without its demonstration pairs: a model learns each rule by its
``puzzle_id``, the position in :data:`RULES` plus 1 (0 is the official blank identifier).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trm_edge.errors import InvalidInput, unknown
from trm_edge.tasks.base import Grid, Puzzle

_COLOURS = 10


def _recolour(grid: Grid) -> Grid:
    """Each colour but the black background becomes the next; the last becomes the first."""
    return np.where(grid == 0, 0, grid % (_COLOURS - 1) + 1).astype(np.int8)


def _fall(grid: Grid) -> Grid:
    """Coloured cells drop to the bottom of their column and keep their order."""
    order = np.argsort(grid != 0, axis=0, kind="stable")
    return np.take_along_axis(grid, order, axis=0)


def _shift(grid: Grid) -> Grid:
    """Everything moves one column to the right; what leaves the grid is lost."""
    moved = np.zeros_like(grid)
    moved[:, 1:] = grid[:, :-1]
    return moved


RULES: dict[str, Callable[[Grid], Grid]] = {
    "flip-horizontal": np.fliplr,
    "flip-vertical": np.flipud,
    "rotate-90": lambda grid: np.rot90(grid, -1),
    "rotate-180": lambda grid: np.rot90(grid, 2),
    "transpose": np.transpose,
    "recolour": _recolour,
    "shift-right": _shift,
    "fall": _fall,
}
"""Rules by name; the order is part of the contract, since it makes the puzzle ids."""


def generate(rng: np.random.Generator, canvas: int, *, rule: str | None = None) -> Puzzle:
    """A grid of random size with a few rectangles on black, and what the rule makes of it.

    Args:
        rng: source of randomness.
        canvas: largest side.
        rule: a name of :data:`RULES`; a random one by default.

    Returns:
        A puzzle whose ``rating`` is the share of cells that change (1 where the size changes), with the rule's
        ``puzzle_id`` and its name in ``extra``.

    Raises:
        InvalidInput: no such rule.
    """
    if rule is not None and rule not in RULES:
        raise InvalidInput(unknown("rule of the arc generator", rule, RULES))
    name = list(RULES)[int(rng.integers(len(RULES)))] if rule is None else rule
    question = _shapes(rng, canvas)
    answer = np.ascontiguousarray(RULES[name](question))
    rating = float(np.mean(question != answer)) if question.shape == answer.shape else 1.0
    number = 1 + list(RULES).index(name)
    return Puzzle(question, answer, source="generated", rating=rating, puzzle_id=number, extra={"rule": name})


def _shapes(rng: np.random.Generator, canvas: int) -> Grid:
    rows, columns = (int(side) for side in rng.integers(2, canvas + 1, size=2))
    grid = np.zeros((rows, columns), dtype=np.int8)
    for _ in range(int(rng.integers(1, 2 + max(rows, columns) // 3))):
        top, left = int(rng.integers(rows)), int(rng.integers(columns))
        height, width = (int(side) for side in rng.integers(1, 2 + canvas // 4, size=2))
        grid[top : top + height, left : left + width] = rng.integers(1, _COLOURS)
    return grid
