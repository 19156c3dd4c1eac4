"""Puzzles out of CSV files of any size, here or on the hub (``source,question,answer,rating``).

Files are read line by line. Symbols are looked up and rules checked for many rows at once; only where something is
wrong, or written in an unusual way, does the task's own reader look at each row, and says what it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.chunks import CHUNK, Chunk
from trm_edge.data.grids import GridGame
from trm_edge.errors import InvalidInput, InvalidPuzzle, TrmEdgeError
from trm_edge.optional import require
from trm_edge.tasks.base import Grid
from trm_edge.tasks.reading import Row, csv_rows, located

MAX_LINE = 1 << 16  #: characters of a line; a maze of 64x64 has 8192 in question and answer
_UNKNOWN = -1


class CsvSource:
    """The puzzles of one CSV file for each split.

    Args:
        game: what kind of puzzles they are.
        paths: file of each split.
        check: hold the answers against the rules.
    """

    def __init__(self, game: GridGame, paths: Mapping[str, Path], *, check: bool = True) -> None:
        self._game, self._paths, self._check = game, dict(paths), check
        self._value_of = np.full(256, _UNKNOWN, dtype=np.int8)
        for value, characters in game.symbols.items():
            self._value_of[[ord(character) for character in characters]] = value

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that there are files for."""
        return tuple(self._paths)

    def chunks(self, split: str) -> Iterator[Chunk]:
        """The puzzles of a split, in the order of the file.

        Raises:
            InvalidInput: the file cannot be read, or holds no text.
            InvalidPuzzle: a row is malformed, has no answer, or one that breaks the rules; file and line are named.
        """
        path = self._paths[split]
        try:
            with path.open(encoding="utf-8-sig", newline="") as file, located(str(path)):
                rows = csv_rows(_lines(file))
                while batch := list(islice(rows, CHUNK)):
                    yield self._quickly(batch) or self._carefully(batch)
        except OSError as error:
            raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from None
        except UnicodeDecodeError:
            raise InvalidInput(f"{path} is not a text file (UTF-8).") from None

    def close(self) -> None:
        """Nothing is left open, or on disk."""

    def describe(self) -> dict[str, Any]:
        """What the puzzles came from, for a report."""
        return {
            "files": {
                split: {"name": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path)}
                for split, path in self._paths.items()
            }
        }

    def _quickly(self, rows: Sequence[Row]) -> Chunk | None:
        """All rows at once; None if any is not as usual."""
        questions = self._grids([row.question for row in rows])
        answers = self._grids([row.answer or "" for row in rows])
        if questions is None or answers is None:
            return None
        chunk = Chunk(questions, answers, _ratings(rows))
        return None if self._check and not self._game.solved(chunk).all() else chunk

    def _grids(self, texts: Sequence[str]) -> NDArray[np.int8] | None:
        joined = "".join(texts)
        if not joined.isascii() or any(len(text) != self._game.task.seq_len for text in texts):
            return None
        values = self._value_of[np.frombuffer(joined.encode("ascii"), dtype=np.uint8)]
        return None if (values == _UNKNOWN).any() else values.reshape(-1, *self._game.shape)

    def _carefully(self, rows: Sequence[Row]) -> Chunk:
        """Each row by the task's own reader, which says what is wrong."""
        grids = [self._read(row) for row in rows]
        questions, answers = (np.stack(side) for side in zip(*grids, strict=True))
        return Chunk(questions, answers, _ratings(rows))

    def _read(self, row: Row) -> tuple[Grid, Grid]:
        with located(f"line {row.line}"):
            if row.answer is None:
                raise InvalidPuzzle("no answer; training and evaluation need one")
            if not self._check:
                unchecked = [self._grids([text]) for text in (row.question, row.answer)]
                if unchecked[0] is not None and unchecked[1] is not None:
                    return unchecked[0][0], unchecked[1][0]
            alone = io.StringIO()
            csv.writer(alone).writerows([("question", "answer"), (row.question, row.answer)])
            try:
                puzzle = next(self._game.task.read(alone.getvalue(), format="csv"))
            except InvalidPuzzle as error:
                raise InvalidPuzzle(str(error).removeprefix("line 2: ")) from None
        assert puzzle.answer is not None
        return puzzle.question, puzzle.answer


def download(repo: str, splits: Iterable[str]) -> dict[str, Path]:
    """``SPLIT.csv`` of a dataset repository of the hub, out of its cache where they are there.

    ``HF_ENDPOINT``, ``HF_HOME`` and the other settings of ``huggingface_hub`` are honoured.

    Raises:
        MissingDependency: ``huggingface_hub`` is not installed.
        TrmEdgeError: no network, no such repository or file.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the package is imported
    hub = require("huggingface_hub", extra="data")
    errors, constants = (require(f"huggingface_hub.{name}", extra="data") for name in ("errors", "constants"))
    failures = (OSError, ValueError, errors.EntryNotFoundError, errors.HTTPError)  # the last is its HTTP client's
    found = {}
    for split in splits:
        name = f"{split}.csv"
        try:
            found[split] = Path(hub.hf_hub_download(repo, name, repo_type="dataset"))
        except failures as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            raise TrmEdgeError(
                f"Cannot get {name} of the dataset {repo} from {constants.ENDPOINT}: {reason}. "
                "Give files (--train, --test), or generate puzzles (--generate)."
            ) from None
    return found


def _lines(file: TextIO) -> Iterator[str]:
    """Lines of a file, none of them longer than memory allows."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise InvalidPuzzle(f"line {number} is longer than {MAX_LINE} characters")
        yield line


def _ratings(rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([np.nan if row.rating is None else row.rating for row in rows], dtype=np.float64)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
