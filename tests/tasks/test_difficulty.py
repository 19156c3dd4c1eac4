from __future__ import annotations

import numpy as np
import pytest

from trm_edge.tasks import get_task
from trm_edge.tasks.base import Task
from trm_edge.tasks.difficulty import Groups, by_givens, by_quartile, natural_groups, natural_measure
from trm_edge.tasks.generating import generate_many


def sizes(groups: Groups) -> dict[str, int]:
    return dict(zip(groups.labels, np.bincount(groups.member).tolist(), strict=True))


def generated(task: Task, count: int) -> tuple[np.ndarray, np.ndarray]:
    puzzles = list(generate_many(task, count, 0))
    answers = [puzzle.answer for puzzle in puzzles if puzzle.answer is not None]
    return np.stack([task.encode(p.question) for p in puzzles]), np.stack([task.encode(grid) for grid in answers])


def test_bins_of_givens_in_rising_order() -> None:
    given = np.array([36, 17, 19, 20, 24, 30, 34, 35, 81])
    found = by_givens(get_task("sudoku-9x9"), given)
    assert found.by == "givens"
    assert sizes(found) == {"< 20 givens": 2, "20-24 givens": 2, "30-34 givens": 2, "35+ givens": 3}
    assert [found.labels[number] for number in found.member[:2]] == ["35+ givens", "< 20 givens"]


def test_quartiles_keep_equal_values_together_and_put_what_is_not_rated_last() -> None:
    assert sizes(by_quartile("rating", np.array([3, np.nan, 0, 1, 2, 4, 5, 6, 7]))) == {
        "rating 0 to 1": 2,
        "rating 2 to 3": 2,
        "rating 4 to 5": 2,
        "rating 6 to 7": 2,
        "not rated": 1,
    }
    assert sizes(by_quartile("rating", np.array([0, 0, 0, 0, 0, 0, 3, 9]))) == {"rating 0 to 0": 6, "rating 3 to 9": 2}
    assert sizes(by_quartile("path length", np.array([2, 9]), label="path")) == {"path 2 to 2": 1, "path 9 to 9": 1}


def test_what_makes_sudokus_and_mazes_hard() -> None:
    task = get_task("sudoku-4x4")
    inputs, labels = generated(task, 5)
    name, givens = natural_measure(task, inputs, labels) or ("", np.array([]))
    assert name == "givens"
    assert givens.tolist() == [(task.decode(row) > 0).sum() for row in inputs]

    task = get_task("maze-6x6")
    inputs, labels = generated(task, 5)
    name, lengths = natural_measure(task, inputs, labels) or ("", np.array([]))
    assert name == "path length"
    assert lengths.tolist() == [puzzle.extra["length"] for puzzle in generate_many(task, 5, 0)]


def test_cells_that_do_not_count_are_no_path() -> None:
    labels = np.array([[-100, -100, 3, 5, 5, 4]])
    found = natural_measure(get_task("maze-6x6"), labels, labels)
    assert found is not None
    assert found[1].tolist() == [3]


def test_a_task_offers_what_it_has() -> None:
    ratings = np.arange(4, dtype=np.float32)
    blank = np.ones((4, 16), dtype=np.uint8)
    sudoku = natural_groups(get_task("sudoku-4x4"), blank, blank, ratings)
    assert [groups.by for groups in sudoku] == ["givens", "rating"]
    assert [groups.by for groups in natural_groups(get_task("sudoku-4x4"), blank, blank)] == ["givens"]
    maze = np.full((4, 36), 5, dtype=np.uint8)
    assert [groups.by for groups in natural_groups(get_task("maze-6x6"), maze, maze, ratings)] == ["path length"]
    arc = np.zeros((4, 900), dtype=np.uint8)
    assert [groups.by for groups in natural_groups(get_task("arc-30x30"), arc, arc, ratings)] == ["rating"]
    assert natural_groups(get_task("arc-30x30"), arc, arc) == []
    assert natural_groups(get_task("arc-30x30"), arc, arc, np.full(4, np.nan, dtype=np.float32)) == []


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_tokens_of_any_integer_type(kind: type[np.generic]) -> None:
    inputs = np.array([[1, 2, 0, 5]], dtype=kind)
    found = natural_measure(get_task("sudoku-4x4"), inputs, inputs)
    assert found is not None
    assert found[1].tolist() == [2]
