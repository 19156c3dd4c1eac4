from __future__ import annotations

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_generate import DIFFICULTIES


@pytest.mark.parametrize(("box", "givens"), [((2, 2), 6), ((2, 3), 12), ((3, 3), 30), ((4, 4), 128)])
def test_one_solution_and_as_many_givens_as_asked(box: tuple[int, int], givens: int) -> None:
    task = SudokuTask(*box)
    puzzle = task.generate(np.random.default_rng(0), givens=givens)
    assert puzzle.answer is not None
    assert np.count_nonzero(puzzle.question) == givens == puzzle.extra["givens"]
    assert task.check(puzzle.question, puzzle.answer) is None
    assert task.count_solutions(puzzle.question) == 1


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_difficulty_is_the_rated_one(difficulty: str) -> None:
    task = SudokuTask(3, 3)
    puzzle = task.generate(np.random.default_rng(1), difficulty=difficulty)
    assert task.rate(puzzle.question).technique is DIFFICULTIES[difficulty]
    assert puzzle.extra["technique"] == DIFFICULTIES[difficulty].value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"givens": 0}, "1 to 15 clues"),
        ({"givens": 16}, "1 to 15 clues"),
        ({"givens": 3}, "fewest clues with one solution were 4. Ask for 4 or more"),
        ({"difficulty": "hrad"}, "Did you mean 'hard'"),
        ({"difficulty": "extreme"}, "difficulty 'extreme': not reached .* .reached: easy"),
        ({"difficulty": "hard", "givens": 2}, "with 2 clues: not reached .*none with so few clues"),
    ],
)
def test_what_cannot_be_made_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        SudokuTask(2, 2).generate(np.random.default_rng(0), **options)
