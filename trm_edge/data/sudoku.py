"""Builds ``sudoku-extreme``, or the same for another size, in the official layout.

From the official files and under the same seed, tokens and indices are those of ``dataset/build_sudoku_dataset.py`` of
TinyRecursiveModels: the augmentations are drawn from one legacy numpy stream, in the official order. (That script sets
no seed; run it after ``np.random.seed(seed)`` to compare. Where it augments, it stores the tokens as int64; here they
are uint8 as everywhere else.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.build_options import Advance, BuildOptions
from trm_edge.data.chunks import Chunk
from trm_edge.data.generated import GeneratedSource
from trm_edge.data.grids import GridGame
from trm_edge.data.overlap import keys_of
from trm_edge.data.splits import Images, Source, csv_source, write_splits
from trm_edge.data.sudoku_form import canonical
from trm_edge.data.writer import DatasetWriter
from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.reading import check_options
from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_augment import SudokuSymmetry

REPO = "sapientinc/sudoku-extreme"
OFFICIAL_TASK = "sudoku-9x9"
GENERATED_TOGETHER = 1024
_SYMBOLS = ".123456789ABCDEFGHIJKLMNOP"


def game(task_id: str) -> GridGame:
    """A Sudoku of any size.

    Raises:
        InvalidInput: ``task_id`` names no Sudoku.
    """
    task = _sudoku(task_id)
    symbols = {value: symbol + symbol.lower() for value, symbol in enumerate(_SYMBOLS[: task.side + 1])}
    return GridGame(
        task=task,
        shape=(task.side, task.side),
        symbols=symbols | {0: ".0"},
        first_token=1,
        orbits=lambda chunk: keys_of(canonical(chunk.questions, chunk.answers, task.box_rows, task.box_cols)),
    )


def build(options: BuildOptions, dataset: DatasetWriter, advance: Advance) -> dict[str, Any]:
    """A :data:`~trm_edge.data.build_options.Builder`."""
    kind = game(options.task or OFFICIAL_TASK)
    task = _sudoku(kind.task.id)
    images = 1 + (options.num_aug or 0)

    def augment(rng: np.random.RandomState, chunk: Chunk) -> tuple[Images, Images]:
        symmetry = draw_official(rng, task, len(chunk) * (images - 1))

        def all_images(grids: NDArray[np.int8]) -> Images:
            copies = symmetry.apply(np.repeat(grids, images - 1, axis=0))
            return np.concatenate((grids[:, None], copies.reshape(len(grids), -1, *kind.shape)), axis=1)

        return all_images(chunk.questions), all_images(chunk.answers)

    source: Source = generated(options) if options.generate is not None else csv_source(options, kind, _repo(task))
    return write_splits(kind, source, options, dataset, advance, images=images, augment=augment)


def generated(options: BuildOptions) -> GeneratedSource:
    """The source behind ``--generate``; options of the generator are ``givens`` and ``difficulty``.

    Raises:
        InvalidInput: an option that the generator does not have or cannot meet.
        MissingDependency: numba is not installed.
    """
    from trm_edge.data.sudoku_bulk import generate_many  # loads numba: a second

    task = _sudoku(options.task or OFFICIAL_TASK)
    settings = dict(options.generator)
    check_options(task.family, settings, ("givens", "difficulty"))
    seed = options.seed or 0

    def make(first: int, count: int) -> Chunk:
        made = generate_many(count, seed=seed, first=first, box_rows=task.box_rows, box_cols=task.box_cols, **settings)
        return Chunk(made.questions, made.answers, made.backtracks.astype(np.float64))

    return GeneratedSource(options, make, chunk=GENERATED_TOGETHER, task_id=task.id, generator=settings)


def draw_official(rng: np.random.RandomState, task: SudokuTask, count: int) -> SudokuSymmetry:
    """``count`` symmetries, each from the numbers that the official ``shuffle_sudoku`` draws, in its order.

    Digits, whether to transpose (drawn, but not done, where boxes are not square), bands, the rows of each, stacks,
    the columns of each.
    """
    side = task.side
    digits = np.zeros((count, side + 1), dtype=np.int8)
    transposed = np.zeros(count, dtype=np.bool_)
    rows, columns = np.empty((2, count, side), dtype=np.intp)
    for number in range(count):
        digits[number, 1:] = rng.permutation(np.arange(1, side + 1))
        transposed[number] = rng.rand() < 0.5
        rows[number] = _draw_lines(rng, side // task.box_rows, task.box_rows)
        columns[number] = _draw_lines(rng, side // task.box_cols, task.box_cols)
    if task.box_rows != task.box_cols:
        transposed[:] = False
    return SudokuSymmetry(transposed, rows, columns, digits)


def _draw_lines(rng: np.random.RandomState, bands: int, height: int) -> NDArray[np.intp]:
    return np.concatenate([band * height + rng.permutation(height) for band in rng.permutation(bands)])


def _sudoku(task_id: str) -> SudokuTask:
    task = get_task(task_id)
    if not isinstance(task, SudokuTask):
        raise InvalidInput(f"sudoku-extreme cannot be made of {task_id}: name a Sudoku, such as --task sudoku-6x6.")
    return task


def _repo(task: SudokuTask) -> str | None:
    return REPO if task.id == OFFICIAL_TASK else None
