"""Counting and dropping what is there twice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from trm_edge.data import maze, sudoku
from trm_edge.data.chunks import Chunk
from trm_edge.data.overlap import Census, Deduplicator, KeySet, keys_of, question_keys
from trm_edge.errors import InvalidInput
from trm_edge.tasks.symmetry import EVERY, KEEP_SHAPE, Dihedral

Generated = Callable[[str, int], Chunk]


def image(puzzles: Chunk) -> Chunk:
    """The puzzles with digits 1 and 2 exchanged."""
    relabel = np.array([0, 2, 1, 3, 4], dtype=np.int8)
    return Chunk(relabel[puzzles.questions], relabel[puzzles.answers], puzzles.ratings)


def joined(*chunks: Chunk) -> Chunk:
    return Chunk(
        np.concatenate([chunk.questions for chunk in chunks]),
        np.concatenate([chunk.answers for chunk in chunks]),
        np.concatenate([chunk.ratings for chunk in chunks]),
    )


def test_a_key_set_is_a_set() -> None:
    rng = np.random.default_rng(0)
    keys, reference = KeySet(), set[int]()
    for _ in range(50):
        some = rng.integers(0, 3000, 100).astype(np.uint64)
        expected = []
        for key in some.tolist():
            expected.append(key not in reference)
            reference.add(key)
        np.testing.assert_array_equal(keys.add(some), expected)
        assert len(keys) == len(reference)
    asked = np.arange(3000, dtype=np.uint64)
    np.testing.assert_array_equal(keys.holds(asked), [key in reference for key in asked.tolist()])
    assert len(keys._runs) < 12
    other = KeySet()
    other.add(np.arange(10, dtype=np.uint64))
    assert keys.count_common(other) == len(reference & set(range(10)))
    assert not KeySet().holds(asked).any()


def test_keys_tell_rows_apart() -> None:
    rows = np.array([[1, 2], [1, 2], [2, 1]], dtype=np.int8)
    keys = keys_of(rows)
    assert keys.dtype == np.uint64
    assert keys[0] == keys[1] != keys[2]


def test_a_census_counts_exactly_and_up_to_symmetry(generated: Generated) -> None:
    """9x9 puzzles out of 40 different ones; images are made by exchanging digits."""
    puzzles = generated("sudoku-9x9", 40)
    relabel = np.array([0, 2, 1, *range(3, 10)], dtype=np.int8)
    images = Chunk(relabel[puzzles.questions], relabel[puzzles.answers], puzzles.ratings)
    census = Census(sudoku.game("sudoku-9x9").orbits)
    census.add("test", puzzles.take(slice(0, 10)))
    census.add("train", joined(puzzles.take(slice(8, 20)), puzzles.take(slice(8, 11))))
    census.add("train", images.take(slice(5, 9)))
    assert census.report() == {
        "puzzles": {"test": 10, "train": 19},
        "repeated": {"test": {"exact": 0, "symmetry": 0}, "train": {"exact": 3, "symmetry": 4}},
        "test_in_train": {"exact": 2, "symmetry": 5},
    }


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("none", [0, 1, 2, 3, 4, 5, 2, 3, 103, 104, 108]),
        ("exact", [2, 3, 4, 5, 103, 104, 108]),
        ("symmetry", [2, 3, 4, 5, 108]),
    ],
)
def test_dropping(level: str, kept: list[int], generated: Generated) -> None:
    """Puzzles 0 and 1 are test puzzles, 2 and 3 come twice, 100 + n is an image of n."""
    puzzles = generated("sudoku-9x9", 40)
    relabel = np.array([0, 2, 1, *range(3, 10)], dtype=np.int8)
    images = Chunk(relabel[puzzles.questions], relabel[puzzles.answers], puzzles.ratings + 100)
    orbits = sudoku.game("sudoku-9x9").orbits
    keys = {"none": question_keys, "exact": question_keys, "symmetry": orbits}[level]
    test = KeySet()
    test.add(keys(puzzles.take(slice(0, 2))))
    unique = Deduplicator(level, orbits, test)
    stream = [puzzles.take(slice(0, 6)), joined(puzzles.take(slice(2, 4)), images.take(np.array([3, 4, 8])))]
    for _ in range(2):  # a stream can be gone through again
        found = np.concatenate([chunk.ratings for chunk in unique.kept(stream)])
        np.testing.assert_array_equal(found, kept)
        assert unique.dropped == 11 - len(kept)


def test_levels_are_known() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'exact'"):
        Deduplicator("exakt", question_keys, KeySet())


@pytest.mark.parametrize(("task_id", "turns"), [("maze-10x10", EVERY), ("maze-8x12", KEEP_SHAPE)])
def test_turned_mazes_are_the_same_maze(task_id: str, turns: tuple[int, ...], generated: Generated) -> None:
    puzzles = generated(task_id, 6)
    orbits = maze.game(task_id).orbits
    expected = orbits(puzzles)
    assert len(set(expected.tolist())) == 6
    for turn in turns:
        turned = Chunk(
            np.stack([Dihedral(turn).apply(grid) for grid in puzzles.questions]), puzzles.answers, puzzles.ratings
        )
        np.testing.assert_array_equal(orbits(turned), expected)
