"""Compiled Sudoku: solve, rate and make one grid of any box shape in microseconds.

The algorithms of :mod:`trm_edge.tasks.sudoku_solve`, ``sudoku_rate`` and ``sudoku_generate`` once more, with an integer
of candidate digits per cell, which suits a processor; techniques and backtracks come out equal. Knows nothing of
batches, options or error messages. Importing it needs numba, so that is done where it is used.

All kernels are in this one file for the sake of numba's cache (:mod:`trm_edge.data.compiling`). Loops run over
indices, because a slice of an array costs more here than what is done with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.compiling import compiled
from trm_edge.data.sudoku_board import Candidates, Flat, Geometry, Workspace

NAKED, HIDDEN, PAIRS, SEARCH = range(4)
"""Techniques, in the order of :class:`trm_edge.tasks.sudoku_rate.Technique`."""

NO_SOLUTION, GAVE_UP = -1, -2
"""What :func:`rate` and :func:`make` say instead of a technique."""


# -- random numbers: splitmix64 (Steele, Lea, Flood 2014) -----------------------------------------
@compiled
def _mix(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def begin(random: NDArray[np.uint64], seed: np.uint64, number: np.uint64) -> None:
    """Begin the random numbers of puzzle ``number`` of the series ``seed``."""
    random[0] = _mix(_mix(seed) ^ _mix(number + np.uint64(0x9E3779B97F4A7C15)))


@compiled
def draw(random: NDArray[np.uint64], bound: int) -> np.int64:
    """A random integer below ``bound``, itself far below 2**32."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    return np.int64(((_mix(random[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


# -- singles --------------------------------------------------------------------------------------
@compiled
def _count(bits: int) -> int:
    found = 0
    while bits:
        bits &= bits - 1
        found += 1
    return found


@compiled
def _copy(source: NDArray[np.generic], target: NDArray[np.generic]) -> None:
    for index in range(source.size):  # numba spends two seconds on compiling target[:] = source
        target[index] = source[index]


@compiled
def _open(geo: Geometry, work: Workspace, grid: Flat, cell: int, banned: int) -> int:
    """Write the candidates that the clues leave to depth 0, but without ``banned`` in ``cell``, and queue the singles.

    Returns:
        The length of the queue, or -1 for a contradiction.
    """
    taken = np.zeros(3 * geo.side, dtype=np.int32)
    for given in range(grid.size):
        if grid[given]:
            bit = 1 << (grid[given] - 1)
            for kind in range(3):
                unit = geo.units_of[given, kind]
                if taken[unit] & bit:
                    return -1
                taken[unit] |= bit
    every = (1 << geo.side) - 1
    waiting = 0
    for blank in range(grid.size):
        if grid[blank]:  # its peers know already
            work.states[0, blank] = 1 << (grid[blank] - 1)
            continue
        row, column, box = geo.units_of[blank, 0], geo.units_of[blank, 1], geo.units_of[blank, 2]
        held = every & ~(taken[row] | taken[column] | taken[box])
        if blank == cell:
            held &= ~banned
        if held == 0:
            return -1
        work.states[0, blank] = held
        if held & (held - 1) == 0:
            work.queue[waiting] = blank
            waiting += 1
    return waiting


@compiled
def _settle(geo: Geometry, candidates: Candidates, queue: NDArray[np.uint16], waiting: int) -> bool:
    """Take the digits of the queued cells from their peers, and so on with naked singles; False: a contradiction."""
    while waiting:
        waiting -= 1
        cell = queue[waiting]
        bit = candidates[cell]
        for index in range(geo.peers.shape[1]):
            peer = geo.peers[cell, index]
            held = candidates[peer]
            if held & bit:
                held ^= bit
                if held == 0:
                    return False
                candidates[peer] = held
                if held & (held - 1) == 0:
                    queue[waiting] = peer
                    waiting += 1
    return True


@compiled
def _expose(geo: Geometry, candidates: Candidates, queue: NDArray[np.uint16]) -> int:
    """Place the hidden singles of each unit and settle; 1: there was one, 0: none, -1: a contradiction."""
    every = (1 << geo.side) - 1
    found = 0
    for unit in range(3 * geo.side):
        once = twice = fixed = 0
        for index in range(geo.side):
            held = candidates[geo.units[unit, index]]
            twice |= once & held
            once |= held
            if held & (held - 1) == 0:
                fixed |= held
        if once != every:  # a digit without a cell
            return -1
        hidden = once & ~twice & ~fixed
        if hidden:
            found = 1
            waiting = 0
            for index in range(geo.side):
                cell = geo.units[unit, index]
                only = candidates[cell] & hidden
                if only:
                    if only & (only - 1):  # two digits want this one cell
                        return -1
                    candidates[cell] = only
                    queue[waiting] = cell
                    waiting += 1
            if not _settle(geo, candidates, queue, waiting):
                return -1
    return found


@compiled
def _propagate(geo: Geometry, candidates: Candidates, queue: NDArray[np.uint16], waiting: int) -> bool:
    """Naked and hidden singles until there are none; False: a contradiction."""
    if not _settle(geo, candidates, queue, waiting):
        return False
    found = 1
    while found == 1:
        found = _expose(geo, candidates, queue)
    return found == 0


# -- search ---------------------------------------------------------------------------------------
@compiled
def _fewest(geo: Geometry, work: Workspace, candidates: Candidates, shuffled: bool) -> int:
    """The open cell with the fewest candidates, the first or a random one of them; -1 where no cell is open."""
    chosen = -1
    fewest = geo.side + 1
    ties = 0
    for cell in range(candidates.size):
        held = candidates[cell]
        if held & (held - 1):
            count = _count(held)
            if count < fewest:
                chosen, fewest, ties = cell, count, 1
                if count == 2 and not shuffled:
                    break
            elif shuffled and count == fewest:
                ties += 1
                if draw(work.random, ties) == 0:
                    chosen = cell
    return chosen


@compiled
def _search(geo: Geometry, work: Workspace, waiting: int, limit: int, budget: int, shuffled: bool) -> tuple[int, int]:
    """Depth first from the candidates at depth 0, of which ``waiting`` are queued; -1: they contradict each other.

    Returns:
        Solutions found, at most ``limit``, and contradictions met; more than ``budget`` of these: it gave up.
    """
    solutions = backtracks = depth = 0
    alive = waiting >= 0 and _propagate(geo, work.states[0], work.queue, waiting)
    while True:
        if alive:
            cell = _fewest(geo, work, work.states[depth], shuffled)
            if cell < 0:
                if solutions == 0:
                    for place in range(work.solution.size):
                        work.solution[place] = _count(work.states[depth, place] - 1) + 1
                solutions += 1
                if solutions == limit:
                    return solutions, backtracks
                depth -= 1
            else:
                work.guessed[depth] = cell
                work.untried[depth] = work.states[depth, cell]
        else:
            backtracks += 1
            if backtracks > budget:
                return solutions, backtracks
            depth -= 1
        while depth >= 0 and work.untried[depth] == 0:
            depth -= 1
        if depth < 0:
            return solutions, backtracks
        digits = work.untried[depth]
        if shuffled:
            for _ in range(draw(work.random, _count(digits))):
                digits &= digits - 1
        bit = digits & -digits
        work.untried[depth] ^= bit
        cell = work.guessed[depth]
        _copy(work.states[depth], work.states[depth + 1])
        depth += 1
        work.states[depth, cell] = bit
        work.queue[0] = cell
        alive = _propagate(geo, work.states[depth], work.queue, 1)


@compiled
def solve(geo: Geometry, work: Workspace, grid: Flat, limit: int, budget: int) -> tuple[int, int]:
    """Solutions and backtracks, as of :func:`_search`; the first solution is in ``work.solution``."""
    return _search(geo, work, _open(geo, work, grid, -1, 0), limit, budget, False)


# -- rating ---------------------------------------------------------------------------------------
# Every rule only removes candidates, and removals elsewhere hinder none: the order within a technique does not matter.
# Only grids with a solution come here, so nothing contradicts itself.
@compiled
def _remove(work: Workspace, cell: int, digits: int, waiting: int) -> int:
    """Take ``digits`` from a cell at depth 0 and queue it if that leaves one; returns the length of the queue."""
    held = work.states[0, cell]
    left = held & ~digits
    work.states[0, cell] = left
    if left != held and left & (left - 1) == 0:
        work.queue[waiting] = cell
        waiting += 1
    return waiting


@compiled
def _lock(geo: Geometry, work: Workspace) -> bool:
    """Pointing and claiming: all cells of a digit in one unit lie in another too, so it leaves the rest of that one."""
    removed = False
    for box in range(2 * geo.side, 3 * geo.side):
        for line in range(2 * geo.side):
            kind = line // geo.side
            crossing = in_box = in_line = 0  # digits in both, in the box alone, in the line alone
            for index in range(geo.side):
                cell = geo.units[box, index]
                if geo.units_of[cell, kind] == line:
                    crossing |= work.states[0, cell]
                else:
                    in_box |= work.states[0, cell]
                cell = geo.units[line, index]
                if geo.units_of[cell, 2] != box:
                    in_line |= work.states[0, cell]
            pointing = crossing & in_line & ~in_box
            claiming = crossing & in_box & ~in_line
            if pointing | claiming:
                removed = True
                waiting = 0
                for index in range(geo.side):
                    cell = geo.units[line, index]
                    if geo.units_of[cell, 2] != box:
                        waiting = _remove(work, cell, pointing, waiting)
                    cell = geo.units[box, index]
                    if geo.units_of[cell, kind] != line:
                        waiting = _remove(work, cell, claiming, waiting)
                _settle(geo, work.states[0], work.queue, waiting)
    return removed


@compiled
def _pair(geo: Geometry, work: Workspace) -> bool:
    """Naked and hidden pairs: two digits confined to two cells of a unit."""
    places = np.empty(geo.side, dtype=np.int32)  # cells of each digit, as bits in the order of the unit
    removed = False
    for unit in range(3 * geo.side):
        for digit in range(geo.side):
            places[digit] = 0
            for index in range(geo.side):
                places[digit] |= (work.states[0, geo.units[unit, index]] >> digit & 1) << index
        waiting = 0
        for first in range(geo.side):
            for second in range(first + 1, geo.side):
                naked = work.states[0, geo.units[unit, first]]
                is_naked = naked == work.states[0, geo.units[unit, second]] and _count(naked) == 2
                is_hidden = places[first] == places[second] and _count(places[first]) == 2
                if not (is_naked or is_hidden):
                    continue
                for index in range(geo.side):
                    cell = geo.units[unit, index]
                    digits = 0
                    if is_naked and index != first and index != second:  # its digits leave the other cells
                        digits |= naked
                    if is_hidden and places[first] >> index & 1:  # the other digits leave its cells
                        digits |= ~(1 << first | 1 << second)
                    if work.states[0, cell] & digits:
                        removed = True
                        waiting = _remove(work, cell, digits, waiting)
        _settle(geo, work.states[0], work.queue, waiting)
    return removed


@compiled
def rate(geo: Geometry, work: Workspace, grid: Flat, budget: int) -> tuple[int, int]:
    """The hardest technique needed (or :data:`NO_SOLUTION`, :data:`GAVE_UP`), and backtracks to the first solution."""
    found, backtracks = solve(geo, work, grid, 1, budget)
    if found == 0:
        return (GAVE_UP if backtracks > budget else NO_SOLUTION), backtracks
    technique = NAKED
    _settle(geo, work.states[0], work.queue, _open(geo, work, grid, -1, 0))
    while _fewest(geo, work, work.states[0], False) >= 0:
        if _expose(geo, work.states[0], work.queue) == 1:
            technique = max(technique, HIDDEN)
        elif _lock(geo, work) or _pair(geo, work):
            technique = PAIRS
        else:
            return SEARCH, backtracks
    return technique, backtracks


# -- making ---------------------------------------------------------------------------------------
@compiled
def fill(geo: Geometry, work: Workspace, answer: Flat, budget: int) -> None:
    """Write a random full grid.

    Cells and digits are both drawn among equals, so no place and no digit is special: a grid is as likely as any of
    its symmetric images.
    """
    answer.fill(0)
    found = 0
    while found == 0:  # an unlucky first guess is cheaper to drop than to search through
        found, _ = _search(geo, work, _open(geo, work, answer, -1, 0), 1, budget, True)
    _copy(work.solution, answer)


@compiled
def dig(geo: Geometry, work: Workspace, answer: Flat, question: Flat, givens: int, exact: bool, budget: int) -> int:
    """Take clues out of a solved grid in random order down to ``givens``, or to where none can be spared.

    A clue can be spared if no solution has another digit in its cell: with this digit there is but one, as there was
    with the clue. To prove that is a far smaller search than to look for all solutions; where it meets more than
    ``budget`` contradictions, the clue stays. ``exact`` stops as soon as ``givens`` is out of reach.

    Returns:
        The number of clues left.
    """
    order = np.arange(question.size)
    _copy(answer, question)
    left = question.size
    needed = 0
    for place in range(question.size):
        if left == givens or (exact and needed > givens):
            break
        other = place + draw(work.random, question.size - place)
        cell = order[other]
        order[other] = order[place]
        question[cell] = 0
        waiting = _open(geo, work, question, cell, 1 << (answer[cell] - 1))
        found, backtracks = _search(geo, work, waiting, 1, budget, False)
        if found or backtracks > budget:
            question[cell] = answer[cell]
            needed += 1
        else:
            left -= 1
    return left


@compiled
def make(
    geo: Geometry, work: Workspace, answer: Flat, question: Flat, givens: int, exact: bool, budget: int, patience: int
) -> tuple[int, int, int]:
    """One try at a puzzle: fill, dig, rate.

    Returns:
        Clues, technique and backtracks; no more than the clues are meant where ``exact`` was not reached.
    """
    fill(geo, work, answer, budget)
    left = dig(geo, work, answer, question, givens, exact, budget)
    if exact and left != givens:
        return left, GAVE_UP, 0
    technique, backtracks = rate(geo, work, question, patience)
    return left, technique, backtracks
