"""What the compiled Sudoku works on: flat grids, who sees whom, and the memory of one search.

Plain numpy, no numba: the kernels are in :mod:`trm_edge.data.sudoku_kernels`. Their cache on disk does not notice
changes of this file: another field or another type makes numba compile anew, but fields of one type that swap places
or meaning do not, so rename the class with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Flat = NDArray[np.int8]
"""A grid row by row, int8 [cells], 0 for a blank."""

Candidates = NDArray[np.int32]
"""The digits each cell may still hold, int32 [cells]: bit ``d`` is digit ``d + 1``."""


class Geometry(NamedTuple):
    """Who sees whom. Unsigned, because numba then need not look out for negative indices: a tenth of the time.

    Attributes:
        side: n, the number of digits.
        units: cells of the n rows, n columns and n boxes, uint16 [3n, n].
        units_of: row, column and box of each cell, uint16 [cells, 3], indices into ``units``.
        peers: the other cells of those, uint16 [cells, peers].
    """

    side: int
    units: NDArray[np.uint16]
    units_of: NDArray[np.uint16]
    peers: NDArray[np.uint16]


class Workspace(NamedTuple):
    """Memory of one search; not to be shared between threads.

    Attributes:
        states: candidates at each depth of guessing, int32 [cells + 1, cells].
        guessed: the cell guessed at each depth, uint16 [cells + 1].
        untried: digits not yet tried there, int32 [cells + 1].
        queue: cells whose only candidate their peers do not know of yet, uint16 [cells].
        solution: the first solution found, int8 [cells].
        random: state of the random numbers, uint64 [1].
    """

    states: NDArray[np.int32]
    guessed: NDArray[np.uint16]
    untried: NDArray[np.int32]
    queue: NDArray[np.uint16]
    solution: Flat
    random: NDArray[np.uint64]


def geometry(box_rows: int, box_cols: int) -> Geometry:
    """The geometry of boxes of ``box_rows`` x ``box_cols``."""
    side = box_rows * box_cols
    rows, columns = (index.ravel() for index in np.indices((side, side)))
    boxes = rows // box_rows * box_rows + columns // box_cols
    units_of = np.stack([rows, side + columns, 2 * side + boxes], axis=1)
    units = np.stack([np.flatnonzero((units_of == unit).any(axis=1)) for unit in range(3 * side)])
    seen = (units_of[:, None, :] == units_of[None, :, :]).any(axis=2) & ~np.eye(side * side, dtype=bool)
    peers = np.nonzero(seen)[1].reshape(side * side, -1)
    return Geometry(side, units.astype(np.uint16), units_of.astype(np.uint16), peers.astype(np.uint16))


def workspace(geo: Geometry) -> Workspace:
    """Memory for grids of one size."""
    cells = geo.side * geo.side
    return Workspace(
        states=np.zeros((cells + 1, cells), dtype=np.int32),
        guessed=np.zeros(cells + 1, dtype=np.uint16),
        untried=np.zeros(cells + 1, dtype=np.int32),
        queue=np.zeros(cells, dtype=np.uint16),
        solution=np.zeros(cells, dtype=np.int8),
        random=np.zeros(1, dtype=np.uint64),
    )
