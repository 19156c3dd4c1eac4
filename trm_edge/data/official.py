"""Datasets on disk in the official layout, and reading them without holding them in memory.

Knows files, dtypes and indices; does not know puzzles, models or batches. Writing is :mod:`trm_edge.data.writer`.

The layout is that of ``dataset/build_*_dataset.py`` and ``puzzle_dataset.py`` of TinyRecursiveModels (and of HRM, whose
``dataset.json`` lacks ``total_puzzles``)::

    DIR/identifiers.json                   names of the puzzle identifiers, "<blank>" first
    DIR/SPLIT/dataset.json                 the metadata; SPLIT is "train" or "test"
    DIR/SPLIT/SET__inputs.npy              tokens [examples, seq_len]; SET is one of the `sets` there, usually "all"
    DIR/SPLIT/SET__labels.npy              tokens [examples, seq_len]
    DIR/SPLIT/SET__puzzle_identifiers.npy  int32 [puzzles]
    DIR/SPLIT/SET__puzzle_indices.npy      int32 [puzzles + 1], first example of each puzzle, and the end
    DIR/SPLIT/SET__group_indices.npy       int32 [groups + 1], first puzzle of each group, and the end

A group is a puzzle and its augmentations; an epoch draws one puzzle of every group. A Sudoku or a maze is one example;
an ARC puzzle has several. Tokens are uint8; an augmented Sudoku set of the official script holds the same values as
int64 (its digit map widens them), so any integer type is read.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput

METADATA = "dataset.json"
IDENTIFIERS = "identifiers.json"
BLANK = "<blank>"  #: name of identifier 0
FIELDS = ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices")
MAX_METADATA_BYTES = 1 << 20
CHECKED_ROWS = 1 << 16  #: token rows whose range is looked at when a split is opened, in blocks
LARGE = 1 << 30  #: bytes of a file from which rows are read alone, see :func:`_expect_random_access`
_BLOCK = 1 << 10
CHUNK = 1 << 22  #: indices that are held in memory at once while they are checked

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class DatasetMetadata:
    """``dataset.json``: names and order as in the official ``PuzzleDatasetMetadata``.

    Attributes:
        pad_id: token that fills up a sequence.
        ignore_label_id: label that does not count in the loss, or None.
        blank_identifier_id: puzzle identifier of rows that fill up a batch.
        vocab_size: tokens are 0..vocab_size - 1.
        seq_len: tokens of one example.
        num_puzzle_identifiers: identifiers are 0..num_puzzle_identifiers - 1, of all splits together.
        total_groups: groups of all sets.
        mean_puzzle_examples: examples of a puzzle, on average.
        total_puzzles: puzzles of all sets; the official Sudoku and maze scripts put the number of groups here.
        sets: names of the sets.
    """

    pad_id: int
    ignore_label_id: int | None
    blank_identifier_id: int
    vocab_size: int
    seq_len: int
    num_puzzle_identifiers: int
    total_groups: int
    mean_puzzle_examples: float
    total_puzzles: int
    sets: tuple[str, ...]

    def to_json(self) -> str:
        """The text of ``dataset.json``, as the official scripts write it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read ``dataset.json``; keys of other versions are ignored, ``total_puzzles`` may be missing (then -1).

        Raises:
            InvalidInput: not such a document; the message does not name the file.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"not readable as JSON ({error})") from None
        if not isinstance(document, dict):
            raise InvalidInput("not a JSON object")
        values = {"total_puzzles": -1, **document}
        missing = [field.name for field in fields(cls) if field.name not in values]
        if missing:
            raise InvalidInput(f"'{missing[0]}' is missing")
        for name, least in _LEAST.items():
            value = values[name]
            if name == "ignore_label_id" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidInput(f"'{name}' is {value!r}, but must be a whole number of at least {least}")
        mean = values["mean_puzzle_examples"]
        if not isinstance(mean, int | float) or isinstance(mean, bool) or not 0 < mean < float("inf"):
            raise InvalidInput(f"'mean_puzzle_examples' is {mean!r}, but must be a positive number")
        values["sets"] = _set_names(values["sets"])
        return cls(**{field.name: values[field.name] for field in fields(cls)})


_LEAST = {
    "pad_id": 0,
    "ignore_label_id": 0,
    "blank_identifier_id": 0,
    "vocab_size": 1,
    "seq_len": 1,
    "num_puzzle_identifiers": 1,
    "total_groups": 1,
    "total_puzzles": -1,
}


def _set_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InvalidInput(f"'sets' is {value!r}, but must be a list of names such as [\"all\"]")
    for name in value:
        check_name("set", name)
    if len(set(value)) != len(value):
        raise InvalidInput(f"'sets' is {value!r}: a name appears twice")
    return tuple(value)


def check_name(what: str, name: str) -> None:
    """Refuse the name of a split or set that could lead out of its folder.

    Raises:
        InvalidInput: anything but letters, digits, ``_`` and ``-``.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} cannot name a {what}: letters, digits, '_' and '-' are allowed")


def array_path(folder: Path, split: str, set_name: str, field: str) -> Path:
    """Where an array of a set lies."""
    return folder / split / f"{set_name}__{field}.npy"


@dataclass(frozen=True, eq=False)
class PuzzleSet:
    """One set of a split; the arrays are read from disk as they are touched.

    Attributes:
        inputs: tokens [examples, seq_len], uint8 (or a wider integer).
        labels: tokens [examples, seq_len]; `ignore_label_id` marks what does not count.
        puzzle_identifiers: [puzzles], int32.
        puzzle_indices: [puzzles + 1], int32; the examples of puzzle p are puzzle_indices[p] to [p + 1].
        group_indices: [groups + 1], int32; the puzzles of group g are group_indices[g] to [g + 1].
    """

    inputs: NDArray[np.integer[Any]]
    labels: NDArray[np.integer[Any]]
    puzzle_identifiers: NDArray[np.integer[Any]]
    puzzle_indices: NDArray[np.integer[Any]]
    group_indices: NDArray[np.integer[Any]]

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return len(self.inputs)

    @property
    def puzzles(self) -> int:
        """How many puzzles there are, augmentations counted."""
        return len(self.puzzle_identifiers)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.group_indices) - 1

    def puzzle_of(self, examples: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
        """The puzzle that each of ``examples`` belongs to."""
        same = examples.astype(self.puzzle_indices.dtype)  # of another type, numpy would copy all indices to compare
        return np.searchsorted(self.puzzle_indices, same, side="right") - 1

    def identifiers_of(self, examples: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """The puzzle identifier of each of ``examples``."""
        return self.puzzle_identifiers[self.puzzle_of(examples)].astype(np.int32)


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a dataset, memory-mapped.

    The arrays of its only set are attributes of its own; a split with several has them in ``sets`` alone.

    Attributes:
        folder: of the dataset.
        name: of the split.
        metadata: its ``dataset.json``.
        sets: by name.
    """

    folder: Path
    name: str
    metadata: DatasetMetadata
    sets: Mapping[str, PuzzleSet]

    def __len__(self) -> int:
        """Examples of all sets."""
        return sum(one.examples for one in self.sets.values())

    @property
    def only(self) -> PuzzleSet:
        """The set of a split that has one, as all official ones do.

        Raises:
            InvalidInput: there are several.
        """
        if len(self.sets) != 1:
            raise InvalidInput(f"{self.folder / self.name} has the sets {', '.join(self.sets)}; one is needed here.")
        return next(iter(self.sets.values()))

    @property
    def inputs(self) -> NDArray[np.integer[Any]]:
        """See :class:`PuzzleSet`."""
        return self.only.inputs

    @property
    def labels(self) -> NDArray[np.integer[Any]]:
        """See :class:`PuzzleSet`."""
        return self.only.labels

    @property
    def puzzle_identifiers(self) -> NDArray[np.integer[Any]]:
        """See :class:`PuzzleSet`."""
        return self.only.puzzle_identifiers

    @property
    def puzzle_indices(self) -> NDArray[np.integer[Any]]:
        """See :class:`PuzzleSet`."""
        return self.only.puzzle_indices

    @property
    def group_indices(self) -> NDArray[np.integer[Any]]:
        """See :class:`PuzzleSet`."""
        return self.only.group_indices


def open_split(folder: Path | str, split: str) -> Split:
    """Open ``folder/split``, memory-mapped, after checking that its files fit together.

    Shapes, dtypes and all indices are checked, and the range of the tokens of :data:`CHECKED_ROWS` rows.

    Raises:
        InvalidInput: a file is missing, unreadable or contradicts another; one line says which.
    """
    folder = Path(folder)
    check_name("split", split)
    metadata = read_metadata(folder, split)
    sets = {name: _open_set(folder, split, name, metadata) for name in metadata.sets}
    groups = sum(one.groups for one in sets.values())
    if groups != metadata.total_groups:
        raise InvalidInput(f"{folder / split / METADATA} says {metadata.total_groups} groups, but there are {groups}.")
    puzzles = sum(one.puzzles for one in sets.values())
    if metadata.total_puzzles not in (-1, groups, puzzles):
        raise InvalidInput(
            f"{folder / split / METADATA} says {metadata.total_puzzles} puzzles, but there are {puzzles}."
        )
    return Split(folder, split, metadata, sets)


def split_names(folder: Path | str) -> list[str]:
    """The splits of a dataset, ``train`` and ``test`` first.

    Raises:
        InvalidInput: there is none.
    """
    folder = Path(folder)
    found = sorted(path.parent.name for path in folder.glob(f"*/{METADATA}") if _NAME.fullmatch(path.parent.name))
    if not found:
        raise InvalidInput(f"{folder} is no dataset: it has no folder with a {METADATA} (train/, test/).")
    return sorted(found, key=lambda name: ("train", "test", name).index(name))


def read_metadata(folder: Path, split: str) -> DatasetMetadata:
    """The metadata of a split, alone.

    Raises:
        InvalidInput: there is none, or it is malformed.
    """
    path = folder / split / METADATA
    try:
        if path.stat().st_size > MAX_METADATA_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_METADATA_BYTES} bytes.")
        return DatasetMetadata.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}. Is {folder} a dataset?") from None
    except (InvalidInput, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not the description of a dataset: {error}.") from None


def _open_set(folder: Path, split: str, name: str, metadata: DatasetMetadata) -> PuzzleSet:
    paths = {field: array_path(folder, split, name, field) for field in FIELDS}
    arrays = {field: _open_array(path, 2 if field in ("inputs", "labels") else 1) for field, path in paths.items()}
    one = PuzzleSet(**arrays)
    for field in ("inputs", "labels"):
        rows, width = arrays[field].shape
        if width != metadata.seq_len:
            raise InvalidInput(f"{paths[field]} has {width} tokens a row, but {METADATA} says {metadata.seq_len}.")
        if rows != one.examples:
            raise InvalidInput(f"{paths[field]} has {rows} rows, but {paths['inputs'].name} {one.examples}.")
        _check_range(paths[field], _some_rows(arrays[field]), metadata.vocab_size, "vocab_size")
    _check_indices(paths["puzzle_indices"], one.puzzle_indices, one.puzzles, one.examples, "puzzle", "examples")
    _check_indices(paths["group_indices"], one.group_indices, one.groups, one.puzzles, "group", "puzzles")
    for start in range(0, one.puzzles, CHUNK):
        _check_range(
            paths["puzzle_identifiers"],
            one.puzzle_identifiers[start : start + CHUNK],
            metadata.num_puzzle_identifiers,
            "num_puzzle_identifiers",
        )
    return one


def _open_array(path: Path, dimensions: int) -> NDArray[np.integer[Any]]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, EOFError) as error:  # not .npy, object dtype, cut off, a header that is too long
        reason = str(error).partition("\n")[0]
        raise InvalidInput(f"{path} is not a whole array of numbers (.npy): {reason}.") from None
    if not isinstance(array, np.ndarray):  # an archive of arrays opens as well
        array.close()
        raise InvalidInput(f"{path} is an archive (.npz), not an array (.npy).")
    if array.ndim != dimensions or not np.issubdtype(array.dtype, np.integer):
        raise InvalidInput(
            f"{path} holds {array.dtype} {list(array.shape)}; whole numbers of {dimensions} dimension(s) are expected."
        )
    _expect_random_access(array)
    return array


def _expect_random_access(array: NDArray[Any]) -> None:
    """Tell the system not to read on after each row of a large file: training touches rows in random order.

    Reading on is good for a file that will soon be in memory as a whole. For one that does not fit, it was five times
    slower (10 GB, 768 random rows: 0.76 s instead of 0.16 s).
    """
    if array.nbytes >= LARGE and isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        array.base.madvise(mmap.MADV_RANDOM)


def _some_rows(array: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """All rows, or blocks of neighbours (each row alone would bring a whole page from the disk)."""
    if len(array) <= CHECKED_ROWS:
        return array
    starts = np.linspace(0, len(array) - _BLOCK, CHECKED_ROWS // _BLOCK, dtype=np.int64)
    return np.concatenate([array[start : start + _BLOCK] for start in starts])


def _check_range(path: Path, values: NDArray[np.integer[Any]], size: int, what: str) -> None:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= size:
        raise InvalidInput(f"{path} holds {low}..{high}, but {METADATA} says {what} = {size} (0..{size - 1}).")


def _check_indices(
    path: Path, indices: NDArray[np.integer[Any]], parts: int, total: int, part: str, whole: str
) -> None:
    """``indices`` begin at 0, rise by at least 1 and end at ``total``."""
    if parts < 1 or len(indices) != parts + 1:
        raise InvalidInput(f"{path} has {len(indices)} entries, but {max(parts, 1)} {part}s need one more than that.")
    if indices[0] != 0 or indices[-1] != total:
        raise InvalidInput(f"{path} runs from {indices[0]} to {indices[-1]}, but there are {total} {whole}.")
    for start in range(0, parts, CHUNK):
        piece = indices[start : start + CHUNK + 1]
        falls = np.flatnonzero(piece[1:] <= piece[:-1])
        if len(falls):
            raise InvalidInput(f"{path} does not rise at entry {start + int(falls[0]) + 1}: a {part} has no {whole}.")
