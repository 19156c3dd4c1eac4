"""What the readers of all tasks share: CSV rows, grids in a text file, and where an error was found.

Knows the columns of the public CSV files (``source,question,answer,rating``) and nothing of what a question means.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trm_edge.errors import InvalidInput, InvalidPuzzle, unknown
from trm_edge.tasks.base import Grid, Puzzle, Task

CSV_COLUMNS = ("source", "question", "answer", "rating")


@dataclass(frozen=True)
class Row:
    """One row of a CSV file; ``answer`` and ``rating`` are None where the file leaves them out."""

    line: int
    question: str
    answer: str | None
    source: str
    rating: float | None


def csv_rows(text: str | Iterable[str]) -> Iterator[Row]:
    """Rows of a CSV file whose header names ``question`` and any of ``source``, ``answer``, ``rating``.

    Args:
        text: the file, or its lines (opened with ``newline=""``) where it is too large to be held.

    Raises:
        InvalidPuzzle: no or an unknown header, a row of another width, a rating that is no number.
    """
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="") if isinstance(text, str) else text
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
        for values in reader:
            if not values:
                continue
            with located(f"line {reader.line_num}"):
                row = _row(reader.line_num, header, values)
            yield row
    except csv.Error as error:
        raise InvalidPuzzle(f"line {reader.line_num}: not readable as CSV ({error})") from None


def _check_header(header: list[str]) -> None:
    if "question" not in header:
        raise InvalidPuzzle(f"line 1: a CSV file needs the header {','.join(CSV_COLUMNS)} (only question is required)")
    for position, name in enumerate(header):
        if name not in CSV_COLUMNS:
            raise InvalidPuzzle("line 1: " + unknown("column", name, CSV_COLUMNS))
        if name in header[:position]:
            raise InvalidPuzzle(f"line 1: column '{name}' appears twice")


def _row(line: int, header: list[str], values: list[str]) -> Row:
    if len(values) != len(header):
        raise InvalidPuzzle(f"{len(values)} fields, but the header has {len(header)} ({','.join(header)})")
    fields = dict(zip(header, values, strict=True))
    rating = fields.get("rating", "").strip()
    return Row(
        line=line,
        question=fields["question"],
        answer=fields.get("answer") or None,
        source=fields.get("source", ""),
        rating=_number(rating) if rating else None,
    )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidPuzzle(f"rating '{text}' is not a number")
    return value


def text_puzzles(
    text: str, *, rows: int | None, symbols: Callable[[str], str], whole: Callable[[str], bool]
) -> Iterator[tuple[int, str]]:
    """Cut a text file into puzzles: one a line, or grids of several lines; empty lines may stand between.

    Args:
        text: the file.
        rows: lines of a grid, after which a new one begins; None where only an empty line ends a grid.
        symbols: a line's symbols without decoration; a line with none is skipped.
        whole: whether a line that does not continue a grid is a puzzle of its own.

    Yields:
        Number of the first line (from 1) and the puzzle's text.
    """
    block: list[str] = []
    start = 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        found = symbols(line)
        if block and (len(block) == rows or not (found or line.strip())):
            yield start, "\n".join(block)
            block = []
        if not found:
            continue
        if not block and whole(line):
            yield number, line
            continue
        start = start if block else number
        block.append(line)
    if block:
        yield start, "\n".join(block)


def grid_puzzles(
    text: str,
    format: str,
    *,
    rows: int,
    symbols: Callable[[str], str],
    whole: Callable[[str], bool],
    parse: Callable[[str], Puzzle],
    grid: Callable[[str], Grid],
    check: Callable[[Grid, Grid], str | None],
) -> Iterator[Puzzle]:
    """Puzzles of a CSV or text file, for tasks whose puzzle is one grid of a known size.

    Args:
        text: the file.
        format: ``"csv"`` or ``"text"``.
        rows: lines of a grid.
        symbols: as for :func:`text_puzzles`.
        whole: as for :func:`text_puzzles`.
        parse: reads a question.
        grid: reads an answer.
        check: the task's rules; an answer in the file must keep them.
    """
    check_format(format, ("csv", "text"))
    if format == "text":
        for line, block in text_puzzles(text, rows=rows, symbols=symbols, whole=whole):
            with located(f"line {line}"):
                puzzle = parse(block)
            yield puzzle
        return
    for row in csv_rows(text):
        with located(f"line {row.line}"):
            question = parse(row.question).question
            answer = None
            if row.answer is not None:
                with located("answer"):
                    answer = grid(row.answer)
                    reason = check(question, answer)
                    if reason:
                        raise InvalidPuzzle(reason)
        yield Puzzle(question, answer, source=row.source, rating=row.rating)


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put the place (``"line 7"``) before the message of a puzzle's error."""
    try:
        yield
    except InvalidPuzzle as error:
        raise InvalidPuzzle(f"{place}: {error}") from None


def check_format(format: str, allowed: tuple[str, ...]) -> None:
    """Refuse a file format that a task cannot read.

    Raises:
        InvalidInput: ``format`` is not among ``allowed``.
    """
    if format not in allowed:
        raise InvalidInput(unknown("puzzle file format", format, allowed))


def check_options(family: str, options: Mapping[str, object], allowed: tuple[str, ...]) -> None:
    """Refuse generator options that a task does not have.

    Raises:
        InvalidInput: a name in ``options`` is not among ``allowed``.
    """
    for name in options:
        if name not in allowed:
            raise InvalidInput(unknown(f"option of the {family} generator", name, allowed))


MAX_FILE_BYTES = 1 << 30  #: a file of puzzles is read whole
_FORMATS = {".csv": "csv", ".json": "json", ".txt": "text", ".sdk": "text", ".sdm": "text"}


def read_file(task: Task, path: Path) -> Iterator[Puzzle]:
    """All puzzles of a file; the name's ending says the format (``.csv``, ``.json``, else text).

    Raises:
        InvalidInput: the file cannot be read, is too large or is not UTF-8.
        InvalidPuzzle: a puzzle in it is malformed; the file and the line are named.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB. Split it, or pass a part of it.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text file (UTF-8).") from None
    with located(str(path)):
        yield from task.read(text, format=_FORMATS.get(path.suffix.lower(), "text"))
