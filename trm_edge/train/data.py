"""Puzzles for training: rows of tokens, in memory or memory-mapped, and which of them a step gets.

What a draw gives depends only on the seed and the step, never on earlier draws, so that a resumed run
sees the puzzles it would have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task, Tokens
from trm_edge.tasks.generating import generate_one
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
class Grouping:
    """How rows belong together, as in the official data sets: a group's puzzles are versions of one original.

    Attributes:
        puzzle_rows: [puzzles + 1], where each puzzle's rows begin.
        group_puzzles: [groups + 1], where each group's puzzles begin.
    """

    puzzle_rows: NDArray[np.int64]
    group_puzzles: NDArray[np.int64]

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.intp]:
        """Rows: a group in proportion to the examples that one of its puzzles has, then one of its puzzles and rows.

        An official epoch takes one puzzle of every group with all its examples: the same shares.
        """
        versions = np.diff(self.group_puzzles)
        examples = np.diff(self.puzzle_rows[self.group_puzzles]) / versions
        ends = np.cumsum(examples)
        group = np.searchsorted(ends, rng.random(count) * ends[-1], side="right").clip(max=len(ends) - 1)
        puzzle = self.group_puzzles[group] + _below(rng, versions[group])
        rows: NDArray[np.intp] = self.puzzle_rows[puzzle] + _below(rng, np.diff(self.puzzle_rows)[puzzle])
        return rows


def _below(rng: np.random.Generator, limit: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number from 0 to ``limit - 1`` for each limit."""
    return np.minimum((rng.random(len(limit)) * limit).astype(np.int64), limit - 1)


@dataclass(frozen=True, eq=False)
class Puzzles:
    """Puzzles with answers.

    Attributes:
        task: what they are puzzles of.
        inputs: [n, seq] tokens of any integer type; may be memory-mapped.
        labels: [n, seq] tokens of the answers, :data:`PAD` where a cell does not count.
        puzzle_ids: [n] rows of the puzzle-embedding table.
        ratings: [n] difficulty on the source's own scale, or None.
        grouping: None where every row is as likely as another.
    """

    task: Task
    inputs: NDArray[Any]
    labels: NDArray[Any]
    puzzle_ids: NDArray[np.int32]
    ratings: NDArray[np.float32] | None = None
    grouping: Grouping | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, index: NDArray[np.intp] | slice = slice(None)) -> Rows:
        """The chosen puzzles as they are."""
        labels = self.labels[index].astype(np.int64)
        labels[labels == PAD] = IGNORE
        return Rows(self.inputs[index].astype(np.int32), labels, np.asarray(self.puzzle_ids[index], dtype=np.int32))

    def draw(self, seed: int, step: int, count: int) -> Rows:
        """``count`` random puzzles for ``step``."""
        rng = np.random.default_rng([seed, step])
        return self.rows(
            rng.integers(len(self), size=count) if self.grouping is None else self.grouping.draw(rng, count)
        )

    def fingerprint(self) -> str:
        """A short hash that tells these puzzles from others: of their number and of 64 of them."""
        sample = np.unique(np.linspace(0, len(self) - 1, 64).astype(np.intp))
        rows = self.rows(sample)
        parts = (np.array([len(self)], np.int64), rows.tokens, rows.labels, rows.puzzle_ids)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]


class Feed:
    """Draws for one step after the other, each made in the background while the step before it is computed."""

    def __init__(self, puzzles: Puzzles, seed: int, count: int) -> None:
        self._puzzles, self._seed, self._count = puzzles, seed, count
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._next: tuple[int, Future[Rows]] | None = None

    def take(self, step: int) -> Rows:
        """The draw of ``step``; that of the next one is begun."""
        ready = self._next if self._next is not None and self._next[0] == step else self._begin(step)
        rows = ready[1].result()
        self._next = self._begin(step + 1)
        return rows

    def _begin(self, step: int) -> tuple[int, Future[Rows]]:
        return step, self._thread.submit(self._puzzles.draw, self._seed, step, self._count)

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=True)


def collect(task: Task, puzzles: Iterable[Puzzle], *, source: str) -> Puzzles:
    """Hold ``puzzles`` in memory.

    Raises:
        InvalidInput: there is none, or one has no answer.
    """
    kind = np.uint8 if task.vocab_size <= 256 else np.int32
    inputs, labels, ids, ratings = [], [], [], []
    for number, puzzle in enumerate(puzzles, start=1):
        if puzzle.answer is None:
            raise InvalidInput(f"{source}: puzzle {number} has no answer; training and evaluation need one.")
        inputs.append(task.encode(puzzle.question).astype(kind))
        labels.append(task.encode(puzzle.answer).astype(kind))
        ids.append(puzzle.puzzle_id)
        ratings.append(puzzle.rating)
    if not inputs:
        raise InvalidInput(f"{source} holds no puzzles.")
    rated = None if None in ratings else np.array(ratings, dtype=np.float32)
    return Puzzles(task, np.stack(inputs), np.stack(labels), np.array(ids, dtype=np.int32), rated)


def load_puzzles(task: Task, path: Path, *, split: str = "train", limit: int | None = None) -> Puzzles:
    """Read puzzles with answers: a CSV, JSON or text file, or a data set's folder (memory-mapped).

    Args:
        task: of the puzzles.
        path: file, or folder in the official layout (docs/data.md).
        split: ``train`` or ``test``, of a folder.
        limit: take the first puzzles only.
    """
    from trm_edge.tasks.reading import read_file

    if path.is_dir():
        return _open_folder(task, path, split, limit)
    return collect(task, islice(read_file(task, path), limit), source=str(path))


def _open_folder(task: Task, path: Path, split: str, limit: int | None) -> Puzzles:
    from trm_edge.data.official import open_split

    found = open_split(path, split)
    shape = found.metadata.seq_len, found.metadata.vocab_size
    if shape != (task.seq_len, task.vocab_size):
        raise InvalidInput(
            f"{path}: {shape[0]} tokens of a vocabulary of {shape[1]}; "
            f"{task.id} has {task.seq_len} tokens of {task.vocab_size}. Name the recipe whose task it is."
        )
    rows = np.asarray(found.puzzle_indices, dtype=np.int64)
    ids = np.repeat(np.asarray(found.puzzle_identifiers, dtype=np.int32), np.diff(rows))
    if limit is not None:
        return Puzzles(task, found.inputs[:limit], found.labels[:limit], ids[:limit])
    grouping = Grouping(rows, np.asarray(found.group_indices, dtype=np.int64))
    return Puzzles(task, found.inputs, found.labels, ids, grouping=grouping)


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
