from __future__ import annotations

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_many, generate_one


def test_a_puzzle_depends_on_the_seed_and_its_number_only() -> None:
    task = get_task("sudoku-4x4")
    short = [task.format(puzzle.question) for puzzle in generate_many(task, 2, 7)]
    long = [task.format(puzzle.question) for puzzle in generate_many(task, 4, 7)]
    assert long[:2] == short
    assert len(set(long)) == 4
    assert long != [task.format(puzzle.question) for puzzle in generate_many(task, 4, 8)]


def test_options_reach_the_generator() -> None:
    (puzzle,) = generate_many(get_task("sudoku-4x4"), 1, 0, {"givens": 9})
    assert np.count_nonzero(puzzle.question) == 9


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (-1, 0), (1, -1)])
def test_out_of_range_is_refused_at_once(count: int, seed: int) -> None:
    with pytest.raises(InvalidInput, match="must be at least"):
        generate_many(get_task("sudoku-4x4"), count, seed)


@pytest.mark.parametrize(
    ("task", "options"), [("sudoku-4x4", {"givens": "x"}), ("maze-8x8", {"loops": "x"}), ("arc-6x6", {"rule": [1]})]
)
def test_an_option_of_another_type_is_the_users_error(task: str, options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        generate_one(get_task(task), np.random.default_rng(0), options)
