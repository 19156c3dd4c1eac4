"""Puzzles by the thousand: what flows from a source through selection and augmentation to a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput

CHUNK = 1024  #: puzzles that are handled together


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some puzzles of one size with their answers.

    Attributes:
        questions: grids, int8 [n, rows, columns], in the task's own symbols.
        answers: grids, int8 [n, rows, columns].
        ratings: difficulty on the source's own scale, float64 [n]; NaN where there is none.
    """

    questions: NDArray[np.int8]
    answers: NDArray[np.int8]
    ratings: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.questions)

    def take(self, index: NDArray[Any] | slice) -> Self:
        """The puzzles at ``index`` (numbers, a mask or a slice)."""
        return type(self)(self.questions[index], self.answers[index], self.ratings[index])

    def pieces(self, size: int) -> Iterator[Self]:
        """The puzzles by at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))

    def empty(self, size: int) -> Self:
        """Room for ``size`` puzzles of the same kind."""
        return type(self)(*(np.empty((size, *array.shape[1:]), array.dtype) for array in self._arrays()))

    def put(self, index: NDArray[Any], puzzles: Self) -> None:
        """Store ``puzzles`` at ``index``."""
        for array, values in zip(self._arrays(), puzzles._arrays(), strict=True):
            array[index] = values

    def _arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        return self.questions, self.answers, self.ratings


Chunks = Callable[[], Iterable[Chunk]]
"""A stream of puzzles that can be begun again."""


def rated_at_least(chunks: Iterable[Chunk], least: int | None) -> Iterator[Chunk]:
    """Only puzzles whose rating is ``least`` or more (official ``min_difficulty``); None: all. No chunk is empty.

    Raises:
        InvalidInput: a puzzle has no rating.
    """
    for chunk in chunks:
        if least is not None:
            if np.isnan(chunk.ratings).any():
                raise InvalidInput("--min-difficulty needs a rating for every puzzle; one has none (column 'rating').")
            chunk = chunk.take(chunk.ratings >= least)
        if len(chunk):
            yield chunk


def subsample(chunks: Chunks, size: int | None, rng: np.random.RandomState) -> Iterator[Chunk]:
    """``size`` puzzles chosen at random, in the order they were drawn; all where there are no more, or for None.

    As the official scripts do, with the same numbers from ``rng``. The stream is gone through twice, and only what is
    chosen is held in memory.
    """
    total = 0 if size is None else sum(len(chunk) for chunk in chunks())
    if size is None or size >= total:
        yield from chunks()
        return
    numbers = rng.choice(total, size=size, replace=False)
    order = numbers.argsort()
    wanted = numbers[order]
    chosen: Chunk | None = None
    start = 0
    for chunk in chunks():
        if chosen is None:
            chosen = chunk.empty(size)
        low, high = np.searchsorted(wanted, (start, start + len(chunk)))
        chosen.put(order[low:high], chunk.take(wanted[low:high] - start))
        start += len(chunk)
    assert chosen is not None  # there are more than `size` puzzles
    yield from chosen.pieces(CHUNK)
