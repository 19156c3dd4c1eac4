"""Selecting from a stream of puzzles as the official scripts select from a list."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from trm_edge.data.chunks import CHUNK, Chunk, rated_at_least, subsample
from trm_edge.errors import InvalidInput


def stream(count: int, size: int) -> Iterator[Chunk]:
    """Puzzles whose only cell, in question and answer, is a part of their number, which is their rating."""
    numbers = np.arange(count)
    for start in range(0, count, size):
        some = numbers[start : start + size]
        grids = (some % 100).astype(np.int8)[:, None, None]
        yield Chunk(grids, grids + 1, some.astype(np.float64))


def ratings(chunks: Iterator[Chunk]) -> list[float]:
    return [rating for chunk in chunks for rating in chunk.ratings.tolist()]


@pytest.mark.parametrize("size", [1, 10, 3000, 4999])
def test_a_subsample_is_drawn_in_the_official_order(size: int) -> None:
    np.random.seed(7)
    expected = np.random.choice(5000, size=size, replace=False)
    after = np.random.rand()
    rng = np.random.RandomState(7)
    chunks = list(subsample(lambda: stream(5000, 333), size, rng))
    np.testing.assert_array_equal(ratings(iter(chunks)), expected)
    np.testing.assert_array_equal(np.concatenate([chunk.questions for chunk in chunks]).ravel(), expected % 100)
    np.testing.assert_array_equal(np.concatenate([chunk.answers for chunk in chunks]).ravel(), expected % 100 + 1)
    assert max(len(chunk) for chunk in chunks) <= CHUNK
    assert rng.rand() == after  # as many numbers were drawn


@pytest.mark.parametrize("size", [None, 50, 51])
def test_everything_is_taken_without_drawing(size: int | None) -> None:
    rng = np.random.RandomState(7)
    assert ratings(subsample(lambda: stream(50, 20), size, rng)) == list(range(50))
    assert rng.rand() == np.random.RandomState(7).rand()


def test_ratings_are_a_floor() -> None:
    assert ratings(rated_at_least(stream(50, 20), 30)) == list(range(30, 50))
    assert [len(chunk) for chunk in rated_at_least(stream(50, 20), 40)] == [10]  # no chunk is empty
    assert ratings(rated_at_least(stream(50, 20), None)) == list(range(50))
    unrated = Chunk(np.zeros((1, 1, 1), np.int8), np.zeros((1, 1, 1), np.int8), np.array([np.nan]))
    with pytest.raises(InvalidInput, match="needs a rating for every puzzle"):
        list(rated_at_least([unrated], 1))
