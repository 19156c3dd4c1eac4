"""Random symmetries of Sudoku grids, and random extra clues, for whole batches at once.

Pure numpy on grids ``[batch, n, n]`` (0 blank, 1..n digits): knows nothing of tokens, models or how a batch is
sampled. The symmetry group is the one of ``shuffle_sudoku`` in the official ``dataset/build_sudoku_dataset.py``,
for boxes of any shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from trm_edge.tasks.sudoku import SudokuTask


def augment(
    rng: np.random.Generator, task: SudokuTask, questions: NDArray[np.int8], answers: NDArray[np.int8]
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Apply one random symmetry per puzzle, the same to its question and its answer.

    Drawn independently for each puzzle: a relabelling of the digits, an order of the bands and of the rows in
    each band, the same for stacks and columns and, where boxes are square, a transposition with probability 1/2.
    Validity, uniqueness and the number of clues are unchanged.

    Args:
        rng: source of randomness.
        task: only ``box_rows`` and ``box_cols`` are read.
        questions: int8 [batch, n, n], 0 for a blank.
        answers: int8 [batch, n, n].

    Returns:
        New arrays ``(questions, answers)``, int8 [batch, n, n]; the inputs are left as they were.
    """
    batch: int = questions.shape[0]
    side = task.box_rows * task.box_cols
    both = np.stack([questions, answers], axis=1)  # [batch, 2, n, n]
    if task.box_rows == task.box_cols:
        transposed = rng.random(batch) < 0.5
        both = np.where(transposed[:, None, None, None], both.swapaxes(2, 3), both)

    rows = _line_order(rng, batch, side, task.box_rows)
    columns = _line_order(rng, batch, side, task.box_cols)
    relabel = np.zeros((batch, side + 1), dtype=np.int8)  # a blank stays 0
    relabel[:, 1:] = 1 + rng.random((batch, side)).argsort(axis=1)

    puzzle = np.arange(batch)[:, None, None, None]
    which = np.arange(2)[None, :, None, None]
    both = both[puzzle, which, rows[:, None, :, None], columns[:, None, None, :]]
    both = relabel[puzzle, both]
    return both[:, 0], both[:, 1]


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


def _line_order(rng: np.random.Generator, batch: int, side: int, height: int) -> NDArray[np.intp]:
    """Orders of ``side`` lines that keep bands of ``height`` lines together, [batch, side]."""
    bands = side // height
    outer = rng.random((batch, bands)).argsort(axis=1)
    inner = rng.random((batch, bands, height)).argsort(axis=2)
    return (outer[:, :, None] * height + inner).reshape(batch, side)
