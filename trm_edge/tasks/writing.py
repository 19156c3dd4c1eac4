"""Writing puzzles as a CSV file of the public format, ``source,question,answer,rating``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from trm_edge.atomic import atomic_file
from trm_edge.tasks.reading import CSV_COLUMNS

if TYPE_CHECKING:
    from trm_edge.tasks.base import Puzzle, Task


def write_csv(path: Path, task: Task, puzzles: Iterable[Puzzle], *, overwrite: bool = False) -> int:
    """Write ``puzzles`` one by one to ``path``, whole or not at all; ``task.read`` gives them back.

    Returns:
        How many there were.

    Raises:
        InvalidInput: ``path`` exists and ``overwrite`` is False.
        TrmEdgeError: the system could not write it.
    """
    count = 0
    with atomic_file(path, overwrite=overwrite) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for puzzle in puzzles:
            answer = "" if puzzle.answer is None else task.format(puzzle.answer)
            rating = "" if puzzle.rating is None else f"{puzzle.rating:g}"
            writer.writerow((puzzle.source, task.format(puzzle.question), answer, rating))
            count += 1
        text.flush()
        text.detach()  # the file is the other's to close
    return count
