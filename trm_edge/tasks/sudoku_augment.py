"""Random symmetries of Sudoku grids, and random extra clues, for single puzzles and whole batches.

Pure numpy on grids ``[..., n, n]`` (0 blank, 1..n digits): knows nothing of tokens, models or how a batch is
sampled. The symmetry group is the one of ``shuffle_sudoku`` in the official ``dataset/build_sudoku_dataset.py``,
for boxes of any shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from trm_edge.tasks.sudoku import SudokuTask


@dataclass(frozen=True, eq=False, slots=True)
class SudokuSymmetry:
    """A symmetry of one grid (leading shape ``()``), or one for each grid of a batch (``(batch,)``).

    First the transposition, then the order of the lines, then the digits. Validity, uniqueness and the number of
    clues are unchanged.

    Attributes:
        transposed: bool [...].
        rows: row ``r`` of the image is row ``rows[r]``, [..., n].
        columns: the same for columns, [..., n].
        digits: ``digits[d]`` replaces ``d``, int8 [..., n + 1]; a blank stays: ``digits[0]`` is 0.
    """

    transposed: NDArray[np.bool_]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    digits: NDArray[np.int8]

    def apply(self, grids: NDArray[np.int8]) -> NDArray[np.int8]:
        """The images, int8 [..., n, n], as new arrays."""
        return _relabelled(_ordered(self._turned(grids), self.rows, self.columns), self.digits)

    def invert(self, grids: NDArray[np.int8]) -> NDArray[np.int8]:
        """The grids that ``grids`` are the images of, int8 [..., n, n]."""
        digits = self.digits.argsort(axis=-1).astype(np.int8)
        rows, columns = self.rows.argsort(axis=-1), self.columns.argsort(axis=-1)
        return self._turned(_ordered(_relabelled(grids, digits), rows, columns))

    def _turned(self, grids: NDArray[np.int8]) -> NDArray[np.int8]:
        return np.where(self.transposed[..., None, None], grids.swapaxes(-1, -2), grids)


def draw(rng: np.random.Generator, task: SudokuTask, shape: tuple[int, ...] = ()) -> SudokuSymmetry:
    """Draw symmetries, independently and evenly from the whole group.

    That is a relabelling of the digits, an order of the bands and of the rows in each band, the same for stacks and
    columns and, where boxes are square, a transposition with probability 1/2.

    Args:
        rng: source of randomness.
        task: only ``box_rows`` and ``box_cols`` are read.
        shape: leading shape: ``()`` for one, ``(batch,)`` for a batch of them.
    """
    side = task.box_rows * task.box_cols
    square = task.box_rows == task.box_cols
    transposed = np.asarray(rng.random(shape) < 0.5) if square else np.zeros(shape, dtype=np.bool_)
    rows = _line_order(rng, shape, side, task.box_rows)
    columns = _line_order(rng, shape, side, task.box_cols)
    digits = np.zeros((*shape, side + 1), dtype=np.int8)  # a blank stays 0
    digits[..., 1:] = 1 + rng.random((*shape, side)).argsort(axis=-1)
    return SudokuSymmetry(transposed, rows, columns, digits)


def augment(
    rng: np.random.Generator, task: SudokuTask, questions: NDArray[np.int8], answers: NDArray[np.int8]
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Apply one random symmetry per puzzle (see :func:`draw`), the same to its question and its answer.

    Args:
        rng: source of randomness.
        task: only ``box_rows`` and ``box_cols`` are read.
        questions: int8 [batch, n, n], 0 for a blank.
        answers: int8 [batch, n, n].

    Returns:
        New arrays ``(questions, answers)``, int8 [batch, n, n]; the inputs are left as they were.
    """
    symmetry = draw(rng, task, questions.shape[:1])
    return symmetry.apply(questions), symmetry.apply(answers)


def reveal(
    rng: np.random.Generator, questions: NDArray[np.int8], answers: NDArray[np.int8], low: float, high: float
) -> NDArray[np.int8]:
    """Turn a random share of each puzzle's blanks into clues.

    More clues of a puzzle with one solution leave it that one solution, so the results are proper puzzles too,
    and easier ones. Each puzzle draws its own share from [``low``, ``high``) and reveals
    ``round(share * blanks)`` of its blanks.

    Args:
        rng: source of randomness.
        questions: int8 [batch, n, n], 0 for a blank.
        answers: int8 [batch, n, n].
        low: smallest share, at least 0.
        high: largest share, at most 1.

    Returns:
        New questions, int8 [batch, n, n].

    Raises:
        ValueError: ``low`` and ``high`` are not ``0 <= low <= high <= 1``.
    """
    if not 0 <= low <= high <= 1:
        raise ValueError(f"share of revealed blanks: need 0 <= low <= high <= 1, got low={low}, high={high}")
    batch = questions.shape[0]
    flat = questions.reshape(batch, -1)
    blank = flat == 0
    count = np.rint(rng.uniform(low, high, batch) * blank.sum(axis=1)).astype(np.intp)
    # Clues draw 2, above every blank's [0, 1): the `count` smallest draws are blanks, chosen uniformly.
    draw = np.where(blank, rng.random(flat.shape), 2.0)
    rank = draw.argsort(axis=1).argsort(axis=1)
    return np.where(rank < count[:, None], answers.reshape(batch, -1), flat).reshape(questions.shape)


def _ordered(grids: NDArray[np.int8], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.int8]:
    return np.take_along_axis(np.take_along_axis(grids, rows[..., :, None], axis=-2), columns[..., None, :], axis=-1)


def _relabelled(grids: NDArray[np.int8], digits: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.take_along_axis(digits[..., None, :], grids, axis=-1)


def _line_order(rng: np.random.Generator, shape: tuple[int, ...], side: int, height: int) -> NDArray[np.intp]:
    """Orders of ``side`` lines that keep bands of ``height`` lines together, [..., side]."""
    bands = side // height
    outer = rng.random((*shape, bands)).argsort(axis=-1)
    inner = rng.random((*shape, bands, height)).argsort(axis=-1)
    return (outer[..., None] * height + inner).reshape(*shape, side)
