"""What every comparison of models shares: the puzzles it runs on, and what counts as a right answer.

Knows puzzles; does not know models or bundles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from trm_edge.tasks.base import Grid, Puzzle, Task
from trm_edge.tasks.generating import generate_many
from trm_edge.tasks.reading import read_file

SEED = 0  #: of generated puzzles; comparisons always run on the same ones


def comparison_puzzles(task: Task, data: Path | None, count: int, kept: Sequence[int] = ()) -> Iterator[Puzzle]:
    """The first ``count`` puzzles of a file, or as many generated ones, always the same.

    Args:
        task: reads or generates them.
        data: CSV, JSON or text file; None: generate.
        count: how many, at least 1.
        kept: puzzle embeddings that all models know, see :func:`with_kept_ids`.

    Raises:
        InvalidInput: ``count`` below 1, an unreadable file.
        InvalidPuzzle: a puzzle of the file is malformed.
    """
    puzzles = generate_many(task, count, SEED)  # checks count, too
    if data is not None:
        puzzles = islice(read_file(task, data), count)
    return with_kept_ids(puzzles, kept)


def with_kept_ids(puzzles: Iterable[Puzzle], kept: Sequence[int]) -> Iterator[Puzzle]:
    """Give puzzles whose puzzle embedding is not among ``kept`` one that is, in turn; nothing is kept: none needs one.

    For a comparison it does not matter which, as long as all sides take the same.
    """
    known = set(kept)
    for number, puzzle in enumerate(puzzles):
        fits = not known or puzzle.puzzle_id in known
        yield puzzle if fits else replace(puzzle, puzzle_id=kept[number % len(kept)])


def is_right(puzzle: Puzzle, answer: Grid, by_rules: bool | None) -> bool | None:
    """Whether an answer is the known one; by the rules where none is known; None where there are no rules either.

    Args:
        puzzle: the puzzle.
        answer: the grid to judge.
        by_rules: whether it obeys the rules; None for a task without.
    """
    return by_rules if puzzle.answer is None else bool(np.array_equal(answer, puzzle.answer))
