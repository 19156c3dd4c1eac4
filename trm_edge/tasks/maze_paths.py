"""Cell values of mazes, and shortest paths in them by flooding all cells at once with big integers.

A set of cells is one integer with bit ``row * (columns + 1) + column``; the extra column is always wall, so that
shifting by one never leads around the edge. A flood of a 30x30 maze takes well under a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WALL, FLOOR, START, GOAL, PATH = 1, 2, 3, 4, 5


def to_mask(cells: NDArray[np.bool_]) -> int:
    """Cells [rows, columns] as a mask."""
    padded = np.pad(cells, ((0, 0), (0, 1)))
    return int.from_bytes(np.packbits(padded, bitorder="little").tobytes(), "little")


def to_cells(mask: int, rows: int, columns: int) -> NDArray[np.bool_]:
    """A mask as cells [rows, columns]."""
    size = rows * (columns + 1)
    raw = np.frombuffer(mask.to_bytes((size + 7) // 8, "little"), dtype=np.uint8)
    padded = np.unpackbits(raw, bitorder="little")[:size].reshape(rows, columns + 1)
    return padded[:, :columns].astype(np.bool_)


def beside(mask: int, columns: int) -> int:
    """The cells above, below, left and right of a set (walls and cells off the grid among them)."""
    step = columns + 1
    return mask << 1 | mask >> 1 | mask << step | mask >> step


@dataclass(frozen=True)
class Flood:
    """Cells by their distance from the start: ``layers[d]`` is the mask of those d steps away."""

    columns: int
    layers: tuple[int, ...]

    def distance(self, cell: int) -> int | None:
        """Steps from the start to a cell (a mask of one bit), or None if it is out of reach."""
        return next((steps for steps, layer in enumerate(self.layers) if layer & cell), None)

    def shortest(self, cell: int) -> tuple[int, ...]:
        """For each distance the cells on *any* shortest path from the start to ``cell``, both ends among them.

        Every entry is one cell where the shortest path is the only one; empty if ``cell`` is out of reach.
        """
        steps = self.distance(cell)
        if steps is None:
            return ()
        path = [cell]
        for layer in reversed(self.layers[:steps]):
            path.append(beside(path[-1], self.columns) & layer)
        return tuple(reversed(path))


def flood(passable: int, start: int, columns: int) -> Flood:
    """Distances from ``start`` through the passable cells."""
    layers = []
    unseen = passable & ~start
    layer = start
    while layer:
        layers.append(layer)
        layer = beside(layer, columns) & unseen
        unseen &= ~layer
    return Flood(columns, tuple(layers))


def is_unique(path: tuple[int, ...]) -> bool:
    """Whether the result of :meth:`Flood.shortest` is one path only."""
    return bool(path) and all(cells & (cells - 1) == 0 for cells in path)
