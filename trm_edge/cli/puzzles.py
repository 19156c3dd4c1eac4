"""Where the puzzles of a command come from: its arguments, a file or standard input, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from trm_edge.bundle import Manifest
from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.tasks.reading import located, read_file

if TYPE_CHECKING:
    from trm_edge.solve.variants import Variants
    from trm_edge.solve.voting import Vote

STDIN = "-"
MAX_LINE_BYTES = 1 << 20


class PuzzleSource(Iterator[Puzzle]):
    """Puzzles up to the first bad one, whose error :meth:`finish` raises: those before it still get their answers.

    Args:
        task: reads them.
        texts: puzzles as arguments, or ``-`` alone for standard input, one puzzle a line.
        file: a CSV, JSON or text file instead.
        puzzle_id: puzzle embedding for all of them; None keeps each puzzle's own.

    Raises:
        InvalidInput: both ``texts`` and ``file`` are given, or neither.
    """

    def __init__(
        self, task: Task, texts: Sequence[str] = (), file: Path | None = None, *, puzzle_id: int | None = None
    ) -> None:
        if bool(texts) == (file is not None):
            raise InvalidInput("Give puzzles as arguments, or --file FILE, or '-' for standard input: one of the three")
        if STDIN in texts and len(texts) > 1:
            raise InvalidInput("'-' reads all puzzles from standard input: give it alone")
        self._puzzle_id = puzzle_id
        self._count = 0
        self._error: InvalidInput | None = None
        if file is not None:
            self._name, self._puzzles = str(file), read_file(task, file)
        elif texts[0] == STDIN:
            self._name, self._puzzles = "standard input", _read_lines(task, sys.stdin.buffer)
        else:
            self._name, self._puzzles = "the command line", _parse_all(task, texts)

    def __next__(self) -> Puzzle:
        if self._error is not None:
            raise StopIteration
        try:
            puzzle = next(self._puzzles)
        except InvalidInput as error:
            self._error = error
            raise StopIteration from None
        self._count += 1
        return puzzle if self._puzzle_id is None else replace(puzzle, puzzle_id=self._puzzle_id)

    def only(self, what_for: str) -> Iterator[Puzzle]:
        """The one puzzle of the source.

        Raises:
            InvalidInput: there are more.
        """
        puzzles = list(islice(self, 2))
        if len(puzzles) > 1:
            raise InvalidInput(f"{what_for} draws one puzzle, but {self._name} holds more")
        return iter(puzzles)

    def finish(self) -> None:
        """Call it when all puzzles have been taken.

        Raises:
            InvalidInput: the error that ended them, or there was none at all.
        """
        if self._error is not None:
            raise self._error
        if not self._count:
            raise InvalidInput(f"{self._name} holds no puzzles")


def usual_puzzle_id(manifest: Manifest, asked: int | None) -> int | None:
    """The puzzle embedding to use: the one asked for, or the only one that the bundle keeps."""
    return manifest.puzzles[0] if asked is None and len(manifest.puzzles) == 1 else asked


def starts(
    manifest: Manifest, vote: str | None, identifiers: Path | None, puzzle_id: int | None
) -> tuple[Vote | None, Variants | None]:
    """What ``--vote`` and ``--identifiers`` ask for: the vote, and the starts of a puzzle where they are not the usual.

    Raises:
        InvalidInput: an unreadable vote or file, names of another data set, or options that do not go together.
    """
    from trm_edge.solve.variants import named, read_identifiers
    from trm_edge.solve.voting import parse_vote

    if identifiers is None:
        return (None, None) if vote is None else (parse_vote(vote), None)
    if vote is None:
        raise InvalidInput(
            "--identifiers belongs to --vote: it names a puzzle's other starts. One start: --vote top2:1"
        )
    if puzzle_id is not None:
        raise InvalidInput("--puzzle-id and --identifiers both say which puzzle embedding to use: give one of them")
    return parse_vote(vote), named(read_identifiers(identifiers), manifest.puzzles)


def _parse_all(task: Task, texts: Sequence[str]) -> Iterator[Puzzle]:
    for number, text in enumerate(texts, start=1):
        with located(f"puzzle {number}"):
            puzzle = task.parse(text)
        yield puzzle


def _read_lines(task: Task, stream: IO[bytes]) -> Iterator[Puzzle]:
    """One puzzle a line, each handed on before the next line is read."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        with located(f"standard input, line {number}"):
            if len(line) > MAX_LINE_BYTES:
                raise InvalidPuzzle(f"longer than {MAX_LINE_BYTES} bytes")
            try:
                text = line.decode().rstrip("\r\n")
            except UnicodeDecodeError:
                raise InvalidPuzzle("not UTF-8 text") from None
            puzzle = task.parse(text) if text.strip() else None
        if puzzle is not None:
            yield puzzle
