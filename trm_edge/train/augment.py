"""Augmentation on the device: random symmetries of whole batches of tokens, and easier versions of puzzles.

The symmetries are those of the official data builders, drawn anew for every puzzle: digits, bands, rows, stacks,
columns and transposition for Sudoku (``shuffle_sudoku``), the eight of the square for mazes (``dihedral_transform``).
ARC puzzles are augmented when their data set is built, because each version has a puzzle embedding of its own.

:mod:`trm_edge.tasks.sudoku_augment` does the same on grids, in numpy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trm_edge.tasks.base import Task
from trm_edge.tasks.maze import MazeTask
from trm_edge.tasks.maze_paths import FLOOR, GOAL, PATH, START
from trm_edge.tasks.sudoku import SudokuTask

BLANK = 1
"""Token of a blank cell of a Sudoku; digit d is d + 1."""


def generator(device: torch.device, seed: int, step: int, stream: int) -> torch.Generator:
    """Random numbers of one step; ``stream`` (0 or 1) keeps those of different uses apart."""
    return torch.Generator(device).manual_seed((seed << 32) + 2 * step + stream)


def augment(random: torch.Generator, task: Task, tokens: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """One random symmetry for each puzzle, the same for question and answer.

    Args:
        random: source of randomness, on the device of ``tokens``.
        task: of the puzzles.
        tokens: [batch, seq] int64.
        labels: [batch, seq] int64, all of them tokens.

    Returns:
        New ``(tokens, labels)``.
    """
    if isinstance(task, SudokuTask):
        cells = _sudoku_cells(random, task, len(tokens))
        digits = _orders(random, len(tokens), task.side)
        relabel = torch.arange(task.vocab_size, device=cells.device).repeat(len(tokens), 1)  # pad and blank stay
        relabel[:, 2:] = 2 + digits
        return relabel.gather(1, tokens.gather(1, cells)), relabel.gather(1, labels.gather(1, cells))
    if isinstance(task, MazeTask):
        cells = _dihedral_cells(random, task, len(tokens))
        return tokens.gather(1, cells), labels.gather(1, cells)
    return tokens, labels


def reveal(
    random: torch.Generator, task: Task, tokens: Tensor, labels: Tensor, low: float, high: float
) -> tuple[Tensor, Tensor]:
    """Make puzzles easier by a random share of their answers, drawn for each from [``low``, ``high``).

    Sudoku: that share of the blanks becomes clues; more clues of a puzzle with one solution leave it that one solution.
    Mazes: S and G move towards each other along the path until that share of it is gone; a part of the only
    shortest path is the only shortest path between its ends.

    Arguments as in :func:`augment`; returns new ``(tokens, labels)``. Other tasks are left alone.
    """
    share = low + (high - low) * torch.rand(len(tokens), generator=random, device=random.device)
    if isinstance(task, SudokuTask):
        return _fill(random, tokens, labels, share), labels
    if isinstance(task, MazeTask):
        return _shorten(random, task, tokens, labels, share)
    return tokens, labels


def _fill(random: torch.Generator, tokens: Tensor, labels: Tensor, share: Tensor) -> Tensor:
    blank = tokens == BLANK
    count = (share * blank.sum(1)).round()
    draw = torch.rand(tokens.shape, generator=random, device=random.device).where(blank, 2.0)
    rank = draw.argsort(1).argsort(1)  # the smallest draws are blanks, chosen uniformly
    return torch.where(rank < count[:, None], labels, tokens)


def _shorten(
    random: torch.Generator, task: MazeTask, tokens: Tensor, labels: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    order = path_order(labels.view(-1, task.rows, task.columns)).flatten(1)
    length = order.amax(1)
    cut = (share * length).minimum(length - 2).clamp(min=0)  # one cell of path stays
    front = (cut * torch.rand(len(cut), generator=random, device=random.device)).floor()
    start, goal = front[:, None], (length - (cut - front).floor())[:, None]
    trail = order >= 0
    left = torch.full_like(tokens, FLOOR)  # what becomes of the cells of the old trail
    left = torch.where(order == start, START, torch.where(order == goal, GOAL, left))
    inside = (order > start) & (order < goal)
    return torch.where(trail, left, tokens), torch.where(trail, torch.where(inside, PATH, left), labels)


def path_order(grids: Tensor) -> Tensor:
    """Steps from S of every cell of a maze's answer, [batch, rows, columns]; -1 off the path, G has the most."""
    here, ahead = grids == START, (grids == PATH) | (grids == GOAL)
    order = torch.where(here, 0, -1)
    for step in range(1, int(ahead.sum((1, 2)).max()) + 1):
        wide = torch.nn.functional.pad(here, (1, 1, 1, 1))
        near = wide[:, :-2, 1:-1] | wide[:, 2:, 1:-1] | wide[:, 1:-1, :-2] | wide[:, 1:-1, 2:]
        here = near & ahead
        ahead = ahead & ~here
        order = order.where(~here, step)
    return order


def _sudoku_cells(random: torch.Generator, task: SudokuTask, batch: int) -> Tensor:
    """Where each cell comes from, [batch, side * side]."""
    rows = _lines(random, batch, task.side, task.box_rows)
    columns = _lines(random, batch, task.side, task.box_cols)
    cells = rows[:, :, None] * task.side + columns[:, None, :]
    if task.box_rows == task.box_cols:
        transposed = torch.rand(batch, generator=random, device=random.device) < 0.5
        cells = torch.where(transposed[:, None, None], cells.transpose(1, 2), cells)
    return cells.flatten(1)


def _lines(random: torch.Generator, batch: int, side: int, height: int) -> Tensor:
    """Orders of ``side`` lines that keep bands of ``height`` lines together, [batch, side]."""
    outer = _orders(random, batch, side // height)
    inner = _orders(random, batch, side // height, height)
    return (outer[:, :, None] * height + inner).flatten(1)


def _orders(random: torch.Generator, *shape: int) -> Tensor:
    """Random orders of 0 .. n - 1 along the last dimension of ``shape``."""
    return torch.rand(shape, generator=random, device=random.device).argsort(-1)


def _dihedral_cells(random: torch.Generator, task: MazeTask, batch: int) -> Tensor:
    """Where each cell comes from, [batch, rows * columns]: rotations and reflections, those that keep the shape."""
    square = torch.arange(task.seq_len, device=random.device).view(task.rows, task.columns)
    turns = (0, 1, 2, 3) if task.rows == task.columns else (0, 2)
    versions = [version.rot90(turn).flatten() for turn in turns for version in (square, square.flip(1))]
    choice = torch.randint(len(versions), (batch,), generator=random, device=random.device)
    return torch.stack(versions)[choice]
