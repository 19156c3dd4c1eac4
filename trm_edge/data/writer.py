"""Writing a dataset in the official layout: in pieces of any number, whole or not at all.

Knows the files of :mod:`trm_edge.data.official`; does not know where puzzles come from. What is in memory at any time
is one piece, so a set may be larger than memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trm_edge.atomic import atomic_folder
from trm_edge.data.official import (
    BLANK,
    FIELDS,
    IDENTIFIERS,
    METADATA,
    DatasetMetadata,
    array_path,
    check_name,
)
from trm_edge.errors import InvalidInput

REPORT = "report.json"  #: ours, beside the splits; the official reader does not look at it
_LOOSE_FILES = (IDENTIFIERS, REPORT, "test_puzzles.json")
_MOST = 2**31 - 1  #: indices are int32


class DatasetWriter:
    """A dataset being written: a context that leaves the whole folder, or nothing if it ends by an exception.

    ::

        with DatasetWriter(out) as dataset:
            train = dataset.split("train", seq_len=81, vocab_size=11)
            train.append(inputs, labels)                      # as often as wanted
            dataset.write_json("report.json", {...})

    Args:
        folder: the folder to make.
        overwrite: replace a dataset that is there already. Anything else is never replaced.

    Attributes:
        identifiers: names of the puzzle identifiers, for ``identifiers.json``; their number goes into every
            ``dataset.json``. Set it before the context ends where it is not the default.

    Raises:
        InvalidInput: ``folder`` exists and ``overwrite`` is False or it is no dataset.
    """

    def __init__(self, folder: Path | str, *, overwrite: bool = False) -> None:
        self.folder = Path(folder)
        self.identifiers: Sequence[str] = (BLANK,)
        self._atomic = atomic_folder(self.folder, overwrite=overwrite, replaceable=not_a_dataset)
        self._splits: dict[str, SplitWriter] = {}
        self._files = ExitStack()
        self._scratch: Path | None = None

    def __enter__(self) -> Self:
        self._scratch = self._atomic.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        except BaseException as failure:
            self._files.close()
            self._atomic.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._files.close()
        self._atomic.__exit__(kind, error, trace)

    def split(
        self,
        name: str,
        *,
        seq_len: int,
        vocab_size: int,
        pad_id: int = 0,
        ignore_label_id: int | None = 0,
        total_puzzles_counts_groups: bool = False,
    ) -> SplitWriter:
        """Begin a split (``train``, ``test``); several may be written at the same time.

        Args:
            name: folder of the split.
            seq_len: tokens of an example.
            vocab_size: tokens are below it, at most 256.
            pad_id: as in :class:`DatasetMetadata`.
            ignore_label_id: as in :class:`DatasetMetadata`.
            total_puzzles_counts_groups: put the number of groups into ``total_puzzles``, as the official Sudoku and
                maze scripts do (the ARC script counts puzzles).
        """
        check_name("split", name)
        if name in self._splits:
            raise ValueError(f"split '{name}' has been begun already")
        if not 1 <= vocab_size <= 256:
            raise ValueError(f"vocab_size={vocab_size}: tokens are stored as uint8")
        folder = self._inside(name)
        folder.mkdir()
        settings = {"seq_len": seq_len, "vocab_size": vocab_size, "pad_id": pad_id, "ignore_label_id": ignore_label_id}
        self._splits[name] = SplitWriter(folder.parent, name, settings, self._files, total_puzzles_counts_groups)
        return self._splits[name]

    def write_json(self, name: str, document: Any) -> None:
        """Put a JSON file beside the splits: ``test_puzzles.json``, ``report.json``."""
        if name not in _LOOSE_FILES:
            raise ValueError(f"'{name}' is none of {', '.join(_LOOSE_FILES)}")
        with self._inside(name).open("x", encoding="utf-8") as file:
            for piece in json.JSONEncoder().iterencode(document):
                file.write(piece)
            _sync(file.buffer)

    def _finish(self) -> None:
        if not self._splits:
            raise ValueError("a dataset needs a split")
        self.write_json(IDENTIFIERS, list(self.identifiers))
        for split in self._splits.values():
            split.finish(len(self.identifiers))

    def _inside(self, name: str) -> Path:
        if self._scratch is None:
            raise ValueError("a DatasetWriter is used in a 'with' statement")
        return self._scratch / name


class SplitWriter:
    """One split being written; made by :meth:`DatasetWriter.split`."""

    def __init__(
        self, folder: Path, name: str, settings: dict[str, Any], files: ExitStack, total_puzzles_counts_groups: bool
    ) -> None:
        self._folder, self._name, self._settings, self._files = folder, name, settings, files
        self._counts_groups = total_puzzles_counts_groups
        self._sets: dict[str, dict[str, _ArrayFile]] = {}
        self.examples = self.puzzles = self.groups = 0  #: written so far, all sets together

    def append(
        self,
        inputs: NDArray[Any],
        labels: NDArray[Any],
        *,
        puzzle_sizes: ArrayLike | None = None,
        group_sizes: ArrayLike | None = None,
        identifiers: ArrayLike | None = None,
        set_name: str = "all",
    ) -> None:
        """Add whole groups.

        Args:
            inputs: tokens [examples, seq_len].
            labels: tokens [examples, seq_len].
            puzzle_sizes: examples of each puzzle; by default each example is a puzzle.
            group_sizes: puzzles of each group; by default each puzzle is a group.
            identifiers: identifier of each puzzle; by default 0, as for Sudoku and mazes.
            set_name: which set they belong to.

        Raises:
            ValueError: sizes do not add up, or a token is out of range.
            InvalidInput: more examples than int32 indices can number.
        """
        width, vocab = self._settings["seq_len"], self._settings["vocab_size"]
        for what, tokens in (("inputs", inputs), ("labels", labels)):
            if tokens.shape != (len(inputs), width):
                raise ValueError(f"{what} have shape {tokens.shape}, expected ({len(inputs)}, {width})")
            if tokens.size and (tokens.min() < 0 or tokens.max() >= vocab):
                raise ValueError(f"{what} hold {tokens.min()}..{tokens.max()}, but tokens are 0..{vocab - 1}")
        per_puzzle = _sizes("puzzle_sizes", puzzle_sizes, len(inputs))
        per_group = _sizes("group_sizes", group_sizes, len(per_puzzle))
        ids = np.zeros(len(per_puzzle), np.int32) if identifiers is None else np.asarray(identifiers, np.int32)
        if ids.shape != per_puzzle.shape:
            raise ValueError(f"{len(ids)} identifiers given for {len(per_puzzle)} puzzles")

        files = self._sets.get(set_name) or self._begin(set_name)
        if files["inputs"].rows + len(inputs) > _MOST:
            raise InvalidInput(f"set '{set_name}' would have more than {_MOST} examples; its int32 indices end there")
        example, puzzle = files["inputs"].rows, files["puzzle_identifiers"].rows
        files["inputs"].append(inputs)
        files["labels"].append(labels)
        files["puzzle_identifiers"].append(ids)
        files["puzzle_indices"].append(example + np.cumsum(per_puzzle))
        files["group_indices"].append(puzzle + np.cumsum(per_group))
        self.examples += len(inputs)
        self.puzzles += len(per_puzzle)
        self.groups += len(per_group)

    def finish(self, num_puzzle_identifiers: int) -> None:
        """Complete the files; ``dataset.json`` comes last. Called when the dataset's context ends well."""
        if not self.examples:
            raise InvalidInput(f"The {self._name} split would hold no puzzles.")
        for files in self._sets.values():
            for array in files.values():
                array.finish()
        metadata = DatasetMetadata(
            **self._settings,
            blank_identifier_id=0,
            num_puzzle_identifiers=num_puzzle_identifiers,
            total_groups=self.groups,
            mean_puzzle_examples=self.examples / self.puzzles,
            total_puzzles=self.groups if self._counts_groups else self.puzzles,
            sets=tuple(self._sets),
        )
        with (self._folder / self._name / METADATA).open("x", encoding="utf-8") as file:
            file.write(metadata.to_json())
            _sync(file.buffer)

    def _begin(self, set_name: str) -> dict[str, _ArrayFile]:
        check_name("set", set_name)
        self._sets[set_name] = {}
        for field in FIELDS:
            tokens = field in ("inputs", "labels")
            dtype, width = (np.uint8, self._settings["seq_len"]) if tokens else (np.int32, None)
            file = self._files.enter_context(array_path(self._folder, self._name, set_name, field).open("xb"))
            self._sets[set_name][field] = _ArrayFile(file, np.dtype(dtype), width)
        for field in ("puzzle_indices", "group_indices"):
            self._sets[set_name][field].append(np.zeros(1))
        return self._sets[set_name]


class _ArrayFile:
    """A ``.npy`` file that grows; in the end byte for byte what ``np.save`` writes."""

    def __init__(self, file: BinaryIO, dtype: np.dtype[Any], width: int | None) -> None:
        self._file, self._dtype, self._width = file, dtype, width
        self.rows = 0
        self._write_header()

    def append(self, rows: NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self.rows += len(rows)

    def finish(self) -> None:
        self._file.seek(0)
        self._write_header()
        _sync(self._file)

    def _write_header(self) -> None:
        # numpy pads the header so that its length does not depend on the number of rows
        shape = (self.rows,) if self._width is None else (self.rows, self._width)
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)


def not_a_dataset(folder: Path) -> str | None:
    """Why ``folder`` must not be replaced by a dataset: it holds something else. None: it is a dataset.

    Replacing deletes, and what is not ours is never deleted.
    """
    if folder.is_symlink() or not folder.is_dir():
        return "it is not a folder"
    splits = [path for path in folder.iterdir() if path.name not in _LOOSE_FILES]
    for split in splits:
        if not (split / METADATA).is_file():
            return f"'{split.name}' in it is no part of a dataset"
        for path in split.iterdir():
            known = path.name.removesuffix(".npy").partition("__")[2] in FIELDS
            if path.name != METADATA and not known:
                return f"'{split.name}/{path.name}' in it is no part of a dataset"
    return None if splits else "it is no dataset"


def _sizes(what: str, sizes: ArrayLike | None, total: int) -> NDArray[np.int64]:
    array = np.ones(total, np.int64) if sizes is None else np.asarray(sizes, np.int64)
    if array.ndim != 1 or array.sum() != total or (array < 1).any():
        raise ValueError(f"{what} must be at least 1 each and add up to {total}")
    return array


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
