"""Random mazes of any size with one shortest path from start to goal.

A tree of corridors is grown at random, some walls are opened so that wrong turns and loops appear, and a far goal is
chosen that has only one shortest path. Deterministic for a given generator state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.tasks import maze_paths
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.bitmask import bits
from trm_edge.tasks.maze_paths import FLOOR, GOAL, PATH, START, WALL

_TRIES = 50


def generate(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    *,
    loops: float = 0.05,
    min_length: int | None = None,
) -> Puzzle:
    """A maze with exactly one shortest path.

    Args:
        rng: source of randomness.
        rows: height.
        columns: width.
        loops: share of the walls that are opened again after the corridors are cut, 0 (a tree) to 0.5.
        min_length: least number of steps from start to goal; by default half the longer side.

    Returns:
        A puzzle whose ``rating`` is the number of steps plus the number of junctions passed on the way, where a
        wrong turn is possible; ``extra`` holds ``length`` and ``junctions``.

    Raises:
        InvalidInput: ``loops`` out of range, or ``min_length`` not reached after many tries.
    """
    if not 0 <= loops <= 0.5:
        raise InvalidInput(f"loops={loops}: the share of opened walls is 0 to 0.5")
    least = max(rows, columns) // 2 if min_length is None else min_length
    if not 1 <= least < rows * columns:
        raise InvalidInput(f"min_length={least}: a path in {rows}x{columns} cells has 1 to {rows * columns - 1} steps")
    longest = 0
    for _ in range(_TRIES):
        passable = _open_walls(rng, _corridors(rng, rows, columns), loops)
        path = _unique_path(rng, passable)
        longest = max(longest, len(path) - 1)
        if len(path) > least:
            return _puzzle(passable, path)
    raise InvalidInput(
        f"min_length={least}: not reached in {_TRIES} tries with loops={loops}; the longest path had {longest} steps. "
        "Ask for less, a larger maze or fewer loops."
    )


def _corridors(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.bool_]:
    """A random tree of corridors: a wall is cut only where it touches no corridor but the one it comes from."""
    passable = np.zeros((rows, columns), dtype=np.bool_)
    row, column = int(rng.integers(rows)), int(rng.integers(columns))
    passable[row, column] = True
    trail = [(row, column)]
    while trail:
        row, column = trail[-1]
        nexts = [
            cell
            for cell in _neighbours(row, column, rows, columns)
            if not passable[cell] and sum(passable[near] for near in _neighbours(*cell, rows, columns)) == 1
        ]
        if not nexts:
            trail.pop()
            continue
        cell = nexts[int(rng.integers(len(nexts)))]
        passable[cell] = True
        trail.append(cell)
    return passable


def _neighbours(row: int, column: int, rows: int, columns: int) -> list[tuple[int, int]]:
    around = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    return [(r, c) for r, c in around if 0 <= r < rows and 0 <= c < columns]


def _open_walls(rng: np.random.Generator, passable: NDArray[np.bool_], loops: float) -> NDArray[np.bool_]:
    walls = np.flatnonzero(~passable)
    opened = passable.copy()
    opened.flat[rng.permutation(walls)[: round(loops * len(walls))]] = True
    return opened


def _unique_path(rng: np.random.Generator, passable: NDArray[np.bool_]) -> tuple[int, ...]:
    """The longest unique shortest path from a random cell, as masks of one cell each."""
    columns = passable.shape[1]
    mask = maze_paths.to_mask(passable)
    cells = list(bits(mask))
    flood = maze_paths.flood(mask, cells[int(rng.integers(len(cells)))], columns)
    for layer in reversed(flood.layers):
        for goal in bits(layer):
            path = flood.shortest(goal)
            if maze_paths.is_unique(path):
                return path
    raise AssertionError("the start alone is a unique path")


def _puzzle(passable: NDArray[np.bool_], path: tuple[int, ...]) -> Puzzle:
    rows, columns = passable.shape
    question = np.where(passable, FLOOR, WALL).astype(np.int8)
    question[maze_paths.to_cells(path[0], rows, columns)] = START
    question[maze_paths.to_cells(path[-1], rows, columns)] = GOAL
    answer = question.copy()
    answer[maze_paths.to_cells(sum(path[1:-1]), rows, columns)] = PATH
    mask = maze_paths.to_mask(passable)
    # A cell inside the path has two neighbours on it: a third is a wrong turn.
    junctions = sum((maze_paths.beside(cell, columns) & mask).bit_count() > 2 for cell in path[1:-1])
    length = len(path) - 1
    extra = {"length": length, "junctions": junctions}
    return Puzzle(question, answer, source="generated", rating=float(length + junctions), extra=extra)
