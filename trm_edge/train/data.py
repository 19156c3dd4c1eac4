"""Puzzles for training: held in memory as grids, encoded, augmented and revealed on the fly.

What a draw gives depends only on the seed and the step, never on earlier draws, so that a resumed run
sees the puzzles it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens
from trm_edge.tasks.generating import generate_one
from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_augment import augment, reveal
from trm_edge.train.loss import IGNORE
from trm_edge.train.recipe import Recipe

PAD = 0
"""Token that fills up a sequence; its cells do not count in the loss (official ``ignore_label_id = 0``)."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Some puzzles as the model wants them: tokens and labels [rows, seq], puzzle ids [rows]."""

    tokens: Tokens
    labels: NDArray[np.int64]
    puzzle_ids: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Puzzles:
    """Puzzles with answers, in memory: grids int8 [n, rows, columns], or [n] grids where their sizes differ (ARC)."""

    task: Task
    questions: NDArray[Any]
    answers: NDArray[Any]
    puzzle_ids: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.questions)

    def rows(self, index: NDArray[np.intp] | slice = slice(None)) -> Rows:
        """Encode the chosen puzzles as they are."""
        return self._encode(self.questions[index], self.answers[index], self.puzzle_ids[index])

    def draw(self, recipe: Recipe, step: int, count: int) -> Rows:
        """``count`` random puzzles for ``step``, augmented and revealed as the recipe says."""
        rng = np.random.default_rng([recipe.seed, step])
        index = rng.integers(len(self), size=count)
        questions, answers = self.questions[index], self.answers[index]
        if isinstance(self.task, SudokuTask):
            if recipe.augment:
                questions, answers = augment(rng, self.task, questions, answers)
            if recipe.reveal[1] > 0:
                questions = reveal(rng, questions, answers, *recipe.reveal)
        return self._encode(questions, answers, self.puzzle_ids[index])

    def _encode(self, questions: NDArray[Any], answers: NDArray[Any], ids: NDArray[np.int32]) -> Rows:
        shape = (len(questions), self.task.seq_len)
        tokens = np.array([self.task.encode(grid) for grid in questions], dtype=np.int32).reshape(shape)
        labels = np.array([self.task.encode(grid) for grid in answers], dtype=np.int64).reshape(shape)
        labels[labels == PAD] = IGNORE
        return Rows(tokens, labels, ids)


def collect(task: Task, puzzles: Iterable[Puzzle], *, source: str) -> Puzzles:
    """Hold ``puzzles`` in memory.

    Raises:
        InvalidInput: there is none, or one has no answer.
    """
    questions, answers, ids = [], [], []
    for number, puzzle in enumerate(puzzles, start=1):
        if puzzle.answer is None:
            raise InvalidInput(f"{source}: puzzle {number} has no answer; training and evaluation need one.")
        questions.append(puzzle.question)
        answers.append(puzzle.answer)
        ids.append(puzzle.puzzle_id)
    if not questions:
        raise InvalidInput(f"{source} holds no puzzles.")
    return Puzzles(task, _stacked(questions), _stacked(answers), np.array(ids, dtype=np.int32))


def _stacked(grids: list[Grid]) -> NDArray[Any]:
    """Grids as one array int8 [n, rows, columns]; as an array of n grids where their sizes differ (ARC)."""
    if len({grid.shape for grid in grids}) == 1:
        return np.stack(grids)
    array = np.empty(len(grids), dtype=object)
    for number, grid in enumerate(grids):
        array[number] = grid
    return array


def load_puzzles(task: Task, path: Path, *, limit: int | None = None) -> Puzzles:
    """Read a CSV, JSON or text file of puzzles with answers."""
    from itertools import islice

    from trm_edge.tasks.reading import read_file

    return collect(task, islice(read_file(task, path), limit), source=str(path))


def generate_puzzles(task: Task, count: int, seed: int, options: Mapping[str, Any] | None = None) -> Puzzles:
    """``count`` fresh puzzles from the task's own generator; equal seeds give equal puzzles."""
    rng = np.random.default_rng([seed, count])
    return collect(task, (generate_one(task, rng, options) for _ in range(count)), source="the generator")


def training_puzzles(recipe: Recipe, data: Path | None) -> Puzzles:
    """The recipe's puzzles: from ``data``, or generated."""
    task = get_task(recipe.task)
    if data is not None:
        return load_puzzles(task, data)
    return generate_puzzles(task, recipe.generate, recipe.seed, recipe.generate_options)
