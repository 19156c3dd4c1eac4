"""Symmetries of puzzles: a map to another puzzle of the same task whose answer is the image of the answer.

A model has no notion of them: it meets each image as a puzzle of its own, which is what several starts at one puzzle
are made of (:mod:`trm_edge.solve.voting`). Knows grids; each task says which symmetries it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from trm_edge.tasks.base import Grid


class Symmetry(Protocol):
    """Maps grids there and back: ``invert(apply(grid))`` equals ``grid``, for questions and for answers."""

    def apply(self, grid: Grid) -> Grid:
        """The image of a grid."""
        ...

    def invert(self, grid: Grid) -> Grid:
        """The grid that ``grid`` is the image of."""
        ...


# Numbered as `dihedral_transform` of the official dataset/common.py does; rotations are counter-clockwise.
_TURNS: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    lambda grid: grid,
    lambda grid: np.rot90(grid, 1),
    lambda grid: np.rot90(grid, 2),
    lambda grid: np.rot90(grid, 3),
    np.fliplr,
    np.flipud,
    np.transpose,
    lambda grid: np.rot90(grid, 2).T,
)
_INVERSE = (0, 3, 2, 1, 4, 5, 6, 7)  # the quarter turns undo each other, all others undo themselves


@dataclass(frozen=True, slots=True)
class Dihedral:
    """One of the eight symmetries of a square.

    Attributes:
        number: 0 identity; 1, 2, 3 quarter turns counter-clockwise; 4 left-right and 5 up-down flip;
            6 transposition; 7 mirror at the other diagonal.

    Raises:
        InvalidInput: there is no such number.
    """

    number: int

    def __post_init__(self) -> None:
        if self.number not in range(len(_TURNS)):
            raise InvalidInput(f"Dihedral transform {self.number}: there are 0 to {len(_TURNS) - 1}")

    def apply(self, grid: Grid) -> Grid:
        """The image; 1, 3, 6 and 7 exchange the numbers of rows and columns."""
        return np.ascontiguousarray(_TURNS[self.number](grid))

    def invert(self, grid: Grid) -> Grid:
        """The grid that ``grid`` is the image of."""
        return np.ascontiguousarray(_TURNS[_INVERSE[self.number]](grid))


IDENTITY = Dihedral(0)
KEEP_SHAPE = (0, 2, 4, 5)  #: numbers of those that map a rectangle to itself
EVERY = tuple(range(len(_TURNS)))
