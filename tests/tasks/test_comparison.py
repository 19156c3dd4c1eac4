from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.comparison import comparison_puzzles, is_right, with_kept_ids

TASK = get_task("sudoku-4x4")


def test_generated_puzzles_are_always_the_same() -> None:
    first, second = (list(comparison_puzzles(TASK, None, 3)) for _ in range(2))
    assert len(first) == 3
    assert all(np.array_equal(a.question, b.question) for a, b in zip(first, second, strict=True))
    assert all(puzzle.answer is not None for puzzle in first)


def test_the_first_puzzles_of_a_file(tmp_path: Path) -> None:
    data = tmp_path / "puzzles.csv"
    data.write_text("question\n1234341221434321\n....34122143432.\n1...............\n")
    found = list(comparison_puzzles(TASK, data, 2))
    assert [TASK.format(puzzle.question)[:4] for puzzle in found] == ["1234", "...."]
    assert len(list(comparison_puzzles(TASK, data, 9))) == 3


def test_a_count_below_one_is_refused() -> None:
    with pytest.raises(InvalidInput, match="count must be at least 1, not 0"):
        comparison_puzzles(TASK, None, 0)


def test_puzzles_get_an_embedding_that_was_kept() -> None:
    grid = np.zeros((2, 2), np.int8)
    puzzles = [Puzzle(grid, puzzle_id=number) for number in (3, 0, 0)]
    assert [p.puzzle_id for p in with_kept_ids(puzzles, ())] == [3, 0, 0]
    assert [p.puzzle_id for p in with_kept_ids(puzzles, (7, 3))] == [3, 3, 7]


def test_the_known_answer_decides_else_the_rules() -> None:
    grid = np.ones((2, 2), np.int8)
    puzzle = Puzzle(grid * 0, grid)
    assert is_right(puzzle, grid, None) is True
    assert is_right(puzzle, grid + 1, True) is False, "lawful, but not the answer"
    assert is_right(puzzle, np.ones((2, 3), np.int8), True) is False
    unknown = replace(puzzle, answer=None)
    assert [is_right(unknown, grid, rules) for rules in (True, False, None)] == [True, False, None]
