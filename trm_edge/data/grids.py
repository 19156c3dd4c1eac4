"""What builders need to know of a puzzle that is one grid of a fixed size (Sudoku, mazes), beyond its task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.chunks import Chunk
from trm_edge.tasks.base import Task


@dataclass(frozen=True, eq=False)
class GridGame:
    """A task, and how to treat many of its puzzles at once.

    Attributes:
        task: of the puzzles.
        shape: rows and columns of a grid.
        symbols: characters that stand for each grid value in files.
        first_token: token of the grid value 0; the token of value v is ``first_token + v``.
        orbits: keys of puzzles, uint64 [n], equal where a symmetry of the game maps one to the other.
    """

    task: Task
    shape: tuple[int, int]
    symbols: Mapping[int, str]
    first_token: int
    orbits: Callable[[Chunk], NDArray[np.uint64]]

    def tokens(self, grids: NDArray[np.int8]) -> NDArray[np.uint8]:
        """Grids [..., rows, columns] as tokens uint8 [n, seq_len]: what ``task.encode`` gives for each."""
        return (grids.reshape(-1, self.task.seq_len) + np.int8(self.first_token)).astype(np.uint8)

    def grids(self, tokens: NDArray[np.integer]) -> NDArray[np.int8]:
        """The inverse of :meth:`tokens`, [n, rows, columns]."""
        return (tokens.astype(np.int16) - self.first_token).astype(np.int8).reshape(-1, *self.shape)

    def solved(self, chunk: Chunk) -> NDArray[np.bool_]:
        """Which answers solve their questions by the rules, [n]."""
        return self.task.solved(*(self.tokens(grids).astype(np.int32) for grids in (chunk.questions, chunk.answers)))
