from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_augment import augment, draw, reveal

Grids = NDArray[np.int8]


def batch_of(task: SudokuTask, size: int = 64) -> tuple[Grids, Grids]:
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    return np.tile(puzzle.question, (size, 1, 1)), np.tile(puzzle.answer, (size, 1, 1))


@pytest.mark.parametrize("box", [(2, 2), (2, 3), (3, 3), (4, 4)])
def test_symmetries_keep_puzzles_valid_and_differ(box: tuple[int, int]) -> None:
    task = SudokuTask(*box)
    questions, answers = batch_of(task)
    before = questions.copy(), answers.copy()
    new_questions, new_answers = augment(np.random.default_rng(1), task, questions, answers)
    assert np.array_equal(questions, before[0])
    assert np.array_equal(answers, before[1])
    assert new_questions.dtype == new_answers.dtype == np.int8
    tokens = [grids.reshape(64, -1).astype(np.int32) + 1 for grids in (new_questions, new_answers)]
    assert task.solved(*tokens).all()
    assert (np.count_nonzero(new_questions, axis=(1, 2)) == np.count_nonzero(questions[0])).all()
    assert task.count_solutions(new_questions[0]) == 1
    assert len({grid.tobytes() for grid in new_questions}) > 32


def test_every_part_of_the_group_is_drawn() -> None:
    """A marked cell of an otherwise empty grid reaches all cells, and all digits; transposition leaves a trace."""
    task = SudokuTask(2, 2)
    questions = np.zeros((4000, 4, 4), dtype=np.int8)
    questions[:, 0, 1] = 1
    questions[:, 0, 0] = 2  # beside it in the row: below it where transposed
    moved, _ = augment(np.random.default_rng(0), task, questions, questions)
    digits = moved.max(axis=(1, 2))
    assert set(digits) == {2, 3, 4}
    assert (moved != 0).any(axis=0).all()
    in_one_row = ((moved != 0).sum(axis=2) == 2).any(axis=1)
    assert 0.45 < in_one_row.mean() < 0.55


def test_boxes_that_are_not_square_are_never_transposed() -> None:
    task = SudokuTask(2, 3)
    questions = np.zeros((200, 6, 6), dtype=np.int8)
    questions[:, 0, :3] = 1, 2, 3
    moved, _ = augment(np.random.default_rng(0), task, questions, questions)
    assert ((moved != 0).sum(axis=2) == 3).any(axis=1).all()


def test_reveal_adds_clues_of_the_answer_only() -> None:
    questions, answers = batch_of(SudokuTask(3, 3), size=200)
    clues = np.count_nonzero(questions[0])
    revealed = reveal(np.random.default_rng(0), questions, answers, 0.0, 0.5)
    assert ((revealed == questions) | (questions == 0)).all()
    assert ((revealed == answers) | (revealed == 0)).all()
    added = np.count_nonzero(revealed, axis=(1, 2)) - clues
    assert added.min() <= 2
    assert (81 - clues) // 2 - 2 <= added.max() <= (81 - clues + 1) // 2
    assert ((revealed != 0).any(axis=0)).all()  # every blank has its chance


def test_reveal_at_the_ends_of_the_range() -> None:
    questions, answers = batch_of(SudokuTask(2, 2), size=3)
    rng = np.random.default_rng(0)
    assert np.array_equal(reveal(rng, questions, answers, 0.0, 0.0), questions)
    assert np.array_equal(reveal(rng, questions, answers, 1.0, 1.0), answers)
    with pytest.raises(ValueError, match=r"low=0\.6, high=0\.5"):
        reveal(rng, questions, answers, 0.6, 0.5)


@pytest.mark.parametrize("box", [(2, 2), (2, 3), (3, 3)])
def test_a_symmetry_is_undone_for_one_grid_and_for_a_batch(box: tuple[int, int]) -> None:
    task = SudokuTask(*box)
    grids, _ = batch_of(task)
    symmetry = draw(np.random.default_rng(0), task, (64,))
    images = symmetry.apply(grids)
    assert np.array_equal(symmetry.invert(images), grids)
    one = draw(np.random.default_rng(0), task)
    assert one.apply(grids[0]).shape == grids[0].shape
    assert np.array_equal(one.invert(one.apply(grids[0])), grids[0])
    assert one.invert(grids[0]).dtype == np.int8
