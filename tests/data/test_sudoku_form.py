"""The form of a Sudoku: equal for images of one puzzle, different for different puzzles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trm_edge.data.chunks import Chunk
from trm_edge.data.sudoku_form import canonical
from trm_edge.tasks import get_task
from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_augment import augment

Generated = Callable[[str, int], Chunk]

Array = np.ndarray[Any, Any]


def forms(task_id: str, questions: Array, answers: Array) -> Array:
    task = sudoku(task_id)
    return canonical(questions, answers, task.box_rows, task.box_cols)


def sudoku(task_id: str) -> SudokuTask:
    task = get_task(task_id)
    assert isinstance(task, SudokuTask)
    return task


@pytest.mark.parametrize(
    ("task_id", "count"), [("sudoku-9x9", 40), ("sudoku-4x4", 40), ("sudoku-6x6", 40), ("sudoku-8x8", 5)]
)
def test_images_of_a_puzzle_have_its_form(task_id: str, count: int, generated: Generated) -> None:
    puzzles = generated(task_id, count)
    expected = forms(task_id, puzzles.questions, puzzles.answers)
    for seed in range(5):
        images = augment(np.random.default_rng(seed), sudoku(task_id), puzzles.questions, puzzles.answers)
        assert not np.array_equal(images[0], puzzles.questions)
        np.testing.assert_array_equal(forms(task_id, *images), expected)


def test_the_form_is_an_image(generated: Generated) -> None:
    """Brute force: among all images of a 4x4 puzzle there is the form."""
    task_id, puzzles = "sudoku-4x4", generated("sudoku-4x4", 3)
    for number in range(3):
        one = puzzles.take(slice(number, number + 1))
        rng = np.random.default_rng(0)
        many = (np.repeat(grids, 40_000, axis=0) for grids in (one.questions, one.answers))
        images, _ = augment(rng, sudoku(task_id), *many)  # 8 * 8 * 2 * 4! = 3072 of them
        (form,) = forms(task_id, one.questions, one.answers)
        assert (images.reshape(len(images), -1) == form).all(axis=1).any()


def test_different_puzzles_have_different_forms(generated: Generated) -> None:
    puzzles = generated("sudoku-9x9", 40)
    first = forms("sudoku-9x9", puzzles.questions, puzzles.answers)
    assert len(np.unique(first, axis=0)) == 40
    fewer = puzzles.questions.copy()  # the same solved grids with one clue less
    for grid in fewer:
        grid.flat[np.flatnonzero(grid)[0]] = 0
    second = forms("sudoku-9x9", fewer, puzzles.answers)
    assert len(np.unique(np.concatenate((first, second)), axis=0)) == 80


def test_classes_of_solved_4x4_grids_are_counted_right() -> None:
    """There are 288 solved 4x4 grids; up to symmetry there are two."""
    from trm_edge.tasks.sudoku_solve import search

    grids = np.stack(search(np.zeros((4, 4), np.int8), 2, 2, limit=1000).solutions)
    assert len(grids) == 288
    assert len(np.unique(canonical(grids, grids, 2, 2), axis=0)) == 2


def test_the_most_symmetric_grid_is_not_too_much(generated: Generated) -> None:
    rows, columns = np.indices((9, 9))
    grid = ((3 * (rows % 3) + rows // 3 + columns) % 9 + 1).astype(np.int8)[None]
    image, _ = augment(np.random.default_rng(1), sudoku("sudoku-9x9"), grid, grid)
    np.testing.assert_array_equal(forms("sudoku-9x9", grid, grid), forms("sudoku-9x9", image, image))


def test_boxes_that_are_not_square_are_not_transposed(generated: Generated) -> None:
    puzzles = generated("sudoku-6x6", 5)
    turned = [grids.swapaxes(1, 2) for grids in (puzzles.questions, puzzles.answers)]
    other = canonical(turned[0], turned[1], 3, 2)  # legal with boxes of 3x2, and then in the form of 3x2
    same = forms("sudoku-6x6", puzzles.questions, puzzles.answers)
    assert not (other == same).all(axis=1).any()
