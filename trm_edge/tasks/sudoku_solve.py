"""An exact solver for Sudoku of any box shape: one big integer of candidate cells per digit.

Bit ``row * n + column`` of ``boards[d]`` says that digit ``d + 1`` may still stand in that cell. A rule that holds
for every cell is then a handful of integer operations, which makes pure Python fast enough to generate with.
Singles first, then guesses in the cell with the fewest candidates. Knows nothing of text, tokens or the task.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trm_edge.tasks.bitmask import bits

Boards = list[int]
"""Candidate cells of each digit, n integers of n * n bits."""


@dataclass(frozen=True)
class Geometry:
    """Rows, columns and boxes as masks.

    Attributes:
        side: n, the number of digits.
        every: mask of all n * n cells.
        units: masks of the n rows, n columns and n boxes, in this order.
        keep: for each cell the mask of the cells that do *not* share a unit with it, and the cell itself.
    """

    side: int
    every: int
    units: tuple[int, ...]
    keep: tuple[int, ...]


@lru_cache(maxsize=16)
def geometry(box_rows: int, box_cols: int) -> Geometry:
    """The masks for boxes of ``box_rows`` x ``box_cols``."""
    side = box_rows * box_cols
    cells = range(side * side)
    rows = [cell // side for cell in cells]
    columns = [cell % side for cell in cells]
    boxes = [rows[cell] // box_rows * box_rows + columns[cell] // box_cols for cell in cells]
    units = tuple(
        sum(1 << cell for cell in cells if index[cell] == unit)
        for index in (rows, columns, boxes)
        for unit in range(side)
    )
    every = (1 << side * side) - 1
    keep = []
    for cell in cells:
        peers = units[rows[cell]] | units[side + columns[cell]] | units[2 * side + boxes[cell]]
        keep.append(every & ~peers | 1 << cell)
    return Geometry(side, every, units, tuple(keep))


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found.

    Attributes:
        solutions: grids int8 [n, n], at most the limit asked for.
        backtracks: guesses that ended in a contradiction.
        complete: False if the budget of guesses ran out first.
    """

    solutions: tuple[NDArray[np.int8], ...]
    backtracks: int
    complete: bool


def search(
    grid: NDArray[np.int8],
    box_rows: int,
    box_cols: int,
    *,
    limit: int = 2,
    budget: int | None = None,
    rng: np.random.Generator | None = None,
) -> Search:
    """Up to ``limit`` solutions of a grid.

    Args:
        grid: int8 [n, n], 0 for a blank.
        box_rows: height of a box.
        box_cols: width of a box.
        limit: stop after so many solutions; 2 tells whether a solution is the only one.
        budget: give up after so many backtracks, None for never.
        rng: guesses digits in random order, for random solutions; ascending order without.
    """
    masks = geometry(box_rows, box_cols)
    boards, todo = start(masks, grid)
    stack = [(boards, todo)]
    solutions: list[NDArray[np.int8]] = []
    backtracks = 0
    while stack:
        boards, todo = stack.pop()
        left = propagate(masks, boards, todo)
        if left is None:
            backtracks += 1
            if budget is not None and backtracks > budget:
                return Search(tuple(solutions), backtracks, complete=False)
        elif left == 0:
            solutions.append(to_grid(masks, boards))
            if len(solutions) >= limit:
                break
        else:
            bit, digits = _fewest(boards, left)
            if rng is not None:
                rng.shuffle(digits)
            for digit in reversed(digits):
                guess = [board & ~bit for board in boards]
                guess[digit] |= bit
                stack.append((guess, left))
    return Search(tuple(solutions), backtracks, complete=True)


def start(masks: Geometry, grid: NDArray[np.int8]) -> tuple[Boards, int]:
    """Boards in which a given allows only itself and a blank allows everything, and the mask of unplaced cells."""
    givens = [0] * masks.side
    taken = 0
    for cell, digit in enumerate(grid.ravel().tolist()):
        if digit:
            givens[digit - 1] |= 1 << cell
            taken |= 1 << cell
    return [masks.every & ~taken | given for given in givens], masks.every


def propagate(masks: Geometry, boards: Boards, todo: int) -> int | None:
    """Place naked and hidden singles in ``boards`` until there are none.

    Returns:
        The mask of cells still to place (0: solved), or None for a contradiction.
    """
    while True:
        left = place_naked_singles(masks, boards, todo)
        if not left:  # solved, or a contradiction
            return left
        todo = left
        found = expose_hidden_singles(masks, boards, todo)
        if found is None:
            return None
        if not found:
            return todo


def place_naked_singles(masks: Geometry, boards: Boards, todo: int) -> int | None:
    """Place every cell that has one candidate, over and over; the mask left to place, or None for a contradiction."""
    while True:
        once = twice = 0
        for board in boards:
            twice |= once & board
            once |= board
        if once != masks.every:  # a cell without any candidate
            return None
        naked = todo & ~twice
        if not naked:
            return todo
        todo &= ~naked
        for digit, board in enumerate(boards):
            # Two such cells in one unit delete each other and are seen above as cells without a candidate.
            for bit in bits(board & naked):
                board &= masks.keep[bit.bit_length() - 1]
            boards[digit] = board


def expose_hidden_singles(masks: Geometry, boards: Boards, todo: int) -> bool | None:
    """Where a unit has one cell for a digit, leave that cell no other candidate.

    Returns:
        Whether there was one, or None for a contradiction (a digit without any cell in some unit).
    """
    hidden = []
    for board in boards:
        single = 0
        for unit in masks.units:
            places = board & unit
            if not places & (places - 1):
                if not places:
                    return None
                single |= places
        hidden.append(single & todo)
    for digit, single in enumerate(hidden):
        if single:
            for other in range(masks.side):
                if other != digit:
                    boards[other] &= ~single
    return any(hidden)


def to_grid(masks: Geometry, boards: Boards) -> NDArray[np.int8]:
    """Solved boards as a grid int8 [n, n]."""
    flat = [0] * (masks.side * masks.side)
    for digit, board in enumerate(boards, start=1):
        for bit in bits(board):
            flat[bit.bit_length() - 1] = digit
    return np.array(flat, dtype=np.int8).reshape(masks.side, masks.side)


def _fewest(boards: Boards, todo: int) -> tuple[int, list[int]]:
    """The unplaced cell with the fewest candidates, and those (digits from 0)."""
    once = twice = thrice = 0
    for board in boards:
        thrice |= twice & board
        twice |= once & board
        once |= board
    pairs = todo & twice & ~thrice
    cell = pairs & -pairs or min(bits(todo), key=lambda bit: sum(1 for board in boards if board & bit))
    return cell, [digit for digit, board in enumerate(boards) if board & cell]
