"""How hard a Sudoku is: the hardest technique a human needs, and the backtracks of the solver.

Works on the boards of :mod:`trm_edge.tasks.sudoku_solve`. The easiest technique that helps is always used first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from trm_edge.tasks import sudoku_solve
from trm_edge.tasks.bitmask import bits
from trm_edge.tasks.sudoku_solve import Boards, Geometry


class Technique(StrEnum):
    """What a human needs, from easy to hard."""

    NAKED_SINGLE = "naked single"  #: a cell with one candidate
    HIDDEN_SINGLE = "hidden single"  #: a digit with one cell in a unit
    PAIRS = "pairs and pointing"  #: naked and hidden pairs, pointing and claiming
    SEARCH = "search"  #: more than these: chains, fish, or trial and error


@dataclass(frozen=True)
class Rating:
    """Difficulty of a puzzle.

    Attributes:
        technique: the hardest that is needed.
        backtracks: wrong guesses of the solver, 0 where singles suffice; of the kind of the public dataset's
            ``rating`` column, though another solver counts other guesses.
    """

    technique: Technique
    backtracks: int


def rate(grid: NDArray[np.int8], box_rows: int, box_cols: int) -> Rating:
    """Rate a puzzle that has a solution; ``grid`` is int8 [n, n], 0 for a blank."""
    masks = sudoku_solve.geometry(box_rows, box_cols)
    boards, left = sudoku_solve.start(masks, grid)
    technique = Technique.NAKED_SINGLE
    while True:
        todo = sudoku_solve.place_naked_singles(masks, boards, left)
        if not todo:
            break
        left = todo
        if sudoku_solve.expose_hidden_singles(masks, boards, left):
            technique = max(technique, Technique.HIDDEN_SINGLE, key=_rank)
        elif _lock(masks, boards) or _pair(masks, boards, left):
            technique = max(technique, Technique.PAIRS, key=_rank)
        else:
            technique = Technique.SEARCH
            break
    backtracks = 0
    if technique in (Technique.PAIRS, Technique.SEARCH):
        backtracks = sudoku_solve.search(grid, box_rows, box_cols, limit=1).backtracks
    return Rating(technique, backtracks)


def _rank(technique: Technique) -> int:
    return list(Technique).index(technique)


def _lock(masks: Geometry, boards: Boards) -> bool:
    """Pointing and claiming: all cells of a digit in one unit lie in another too, so it leaves the rest of that one."""
    side = masks.side
    boxes, lines = masks.units[2 * side :], masks.units[: 2 * side]
    crossing = [(a, b) for box in boxes for line in lines if box & line for a, b in ((box, line), (line, box))]
    for digit, board in enumerate(boards):
        for inside, beyond in crossing:
            places = board & inside
            if not places & ~beyond and board & beyond & ~places:
                boards[digit] = board & ~(beyond & ~places)
                return True
    return False


def _pair(masks: Geometry, boards: Boards, todo: int) -> bool:
    """Naked and hidden pairs: two digits confined to two cells of a unit."""
    for unit in masks.units:
        cells = list(bits(unit & todo))
        held = {cell: [digit for digit, board in enumerate(boards) if board & cell] for cell in cells}
        for first, second in combinations(cells, 2):
            if held[first] == held[second] and len(held[first]) == 2:  # naked: the pair's digits leave the unit
                rest = unit & ~(first | second)
                hit = [digit for digit in held[first] if boards[digit] & rest]
                for digit in hit:
                    boards[digit] &= ~rest
                if hit:
                    return True
        places = {digit: board & unit for digit, board in enumerate(boards)}
        twins = [digit for digit, mask in places.items() if mask.bit_count() == 2]
        for first, second in combinations(twins, 2):
            if places[first] == places[second]:  # hidden: other digits leave the two cells
                others = [d for d in range(masks.side) if d not in (first, second) and boards[d] & places[first]]
                for digit in others:
                    boards[digit] &= ~places[first]
                if others:
                    return True
    return False
