"""Symmetries of an ARC task: a dihedral transform, a relabelling of the colours, and a shift on the canvas.

Pure numpy on colour grids (int8, 0..9, [rows, columns]): knows nothing of datasets, models or voting. Numbering and
names are those of the official code (``dihedral_transform`` in ``dataset/common.py``, ``aug`` and ``inverse_aug`` in
``dataset/build_arc_dataset.py``), so a name in the ``identifiers.json`` of either builder reads the same here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.tasks.base import Grid
from trm_edge.tasks.symmetry import EVERY, Dihedral

COLOURS = 10
CANVAS = 30  # side of the official canvas, in cells
SEPARATOR = "|||"  # between the parts of an official puzzle id

_PAD, _END, _FIRST_COLOUR = 0, 1, 2
_SUFFIX = re.compile(r"t([0-7])\|\|\|(0[1-9]{9})")


@dataclass(frozen=True)
class ArcAugmentation:
    """One of the 8 * 9! symmetries that ARC tasks are augmented with: first the colours, then the dihedral transform.

    Attributes:
        dihedral: number of a :class:`~trm_edge.tasks.symmetry.Dihedral`, 0 to 7.
        colors: ``colors[c]`` replaces colour ``c``. A permutation of 0..9 that leaves 0, the background, alone.

    Raises:
        InvalidInput: ``dihedral`` or ``colors`` is neither.
    """

    dihedral: int = 0
    colors: tuple[int, ...] = tuple(range(COLOURS))

    def __post_init__(self) -> None:
        Dihedral(self.dihedral)  # checks the number
        if sorted(self.colors) != list(range(COLOURS)) or self.colors[0] != 0:
            raise InvalidInput(f"Colours {self.colors}: expected a permutation of 0 to 9 that begins with 0")

    def apply(self, grid: Grid) -> Grid:
        """The grid under this symmetry; quarter turns and transpositions exchange rows and columns."""
        return Dihedral(self.dihedral).apply(np.array(self.colors, dtype=np.int8)[grid])

    def invert(self, grid: Grid) -> Grid:
        """The grid that :meth:`apply` made ``grid`` from. An empty grid [0, 0] stays one."""
        return np.argsort(self.colors).astype(np.int8)[Dihedral(self.dihedral).invert(grid)]

    @property
    def is_identity(self) -> bool:
        """Whether every grid stays as it is."""
        return self == _IDENTITY

    @property
    def name(self) -> str:
        """The official suffix of a puzzle id, ``|||t3|||0123456789``. The identity has one too (see :meth:`parse`)."""
        return f"{SEPARATOR}t{self.dihedral}{SEPARATOR}{''.join(map(str, self.colors))}"

    @classmethod
    def parse(cls, puzzle_id: str) -> tuple[str, ArcAugmentation]:
        """Split an official puzzle id into the task's name and its augmentation.

        ``"007bbfb7"`` gives the identity; ``"007bbfb7|||t3|||0213456789"`` what its suffix says.

        Raises:
            InvalidInput: there is a suffix and it names no symmetry.
        """
        name, separator, suffix = puzzle_id.partition(SEPARATOR)
        if not separator:
            return name, _IDENTITY
        match = _SUFFIX.fullmatch(suffix)
        if match is None or len(set(match[2])) != COLOURS:
            raise InvalidInput(
                f"Puzzle id '{puzzle_id:.80}': expected a task's name, or NAME|||tN|||COLOURS with N of 0 to 7 and the "
                "ten colours as digits, 0 first, for example 007bbfb7|||t3|||0213456789"
            )
        return name, cls(int(match[1]), tuple(int(digit) for digit in match[2]))


_IDENTITY = ArcAugmentation()


def random_augmentation(rng: np.random.Generator) -> ArcAugmentation:
    """A symmetry drawn evenly from all 8 * 9!, as the official ``aug`` does (from another stream of numbers)."""
    colors = (0, *(int(color) for color in 1 + rng.permutation(COLOURS - 1)))
    return ArcAugmentation(int(rng.integers(len(EVERY))), colors)


def encode_at(grid: Grid, row: int, column: int, *, canvas: int = CANVAS) -> NDArray[np.uint8]:
    """Tokens of a grid whose top left cell lies at (``row``, ``column``) of the canvas.

    Equal to ``ArcTask.encode`` at (0, 0): colours + 2, ends in the row below and the column right of the grid where
    the canvas has them, pads elsewhere, above and left of the grid too.

    Args:
        grid: colours, [rows, columns].
        row: cells left free above; at most ``canvas - rows``.
        column: cells left free on the left; at most ``canvas - columns``.
        canvas: side of the canvas, in cells.

    Returns:
        uint8 [canvas * canvas], the type the official files hold.

    Raises:
        InvalidInput: the grid would stick out of the canvas.
    """
    bottom, right = row + grid.shape[0], column + grid.shape[1]
    if min(row, column) < 0 or max(bottom, right) > canvas:
        raise InvalidInput(
            f"A grid of {grid.shape[0]}x{grid.shape[1]} cells at row {row}, column {column} "
            f"sticks out of the canvas of {canvas}x{canvas}"
        )
    tokens = np.full((canvas, canvas), _PAD, dtype=np.uint8)
    tokens[row:bottom, column:right] = grid
    tokens[row:bottom, column:right] += _FIRST_COLOUR
    tokens[bottom : bottom + 1, column:right] = _END
    tokens[row:bottom, right : right + 1] = _END
    return tokens.ravel()
