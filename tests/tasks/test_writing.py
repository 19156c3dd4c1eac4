from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task, task_ids
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.reading import read_file
from trm_edge.tasks.writing import write_csv


@pytest.mark.parametrize("id", [id for id in task_ids() if "16x16" not in id])
def test_every_task_reads_back_what_was_written(id: str, tmp_path: Path) -> None:
    task, path = get_task(id), tmp_path / "puzzles.csv"
    puzzle = task.generate(np.random.default_rng(1))
    assert write_csv(path, task, [puzzle, Puzzle(puzzle.question, source='a, "b"')]) == 2
    first, second = read_file(task, path)
    assert puzzle.answer is not None
    assert first.answer is not None
    assert np.array_equal(first.question, puzzle.question)
    assert np.array_equal(first.answer, puzzle.answer)
    assert first.rating == pytest.approx(puzzle.rating, rel=1e-5)
    assert (second.answer, second.rating, second.source) == (None, None, 'a, "b"')


def test_a_puzzle_that_cannot_be_made_leaves_no_file(tmp_path: Path) -> None:
    def puzzles() -> object:
        yield get_task("sudoku-4x4").generate(np.random.default_rng(0))
        raise InvalidInput("no more")

    with pytest.raises(InvalidInput, match="no more"):
        write_csv(tmp_path / "puzzles.csv", get_task("sudoku-4x4"), puzzles())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
