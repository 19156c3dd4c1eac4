"""What a dataset in the official layout holds, whoever made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trm_edge.data.chunks import CHUNK, Chunk
from trm_edge.data.grids import GridGame
from trm_edge.data.official import PuzzleSet, Split, open_split, split_names
from trm_edge.data.overlap import Census
from trm_edge.data.writer import REPORT
from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Task, Tokens

MAX_REPORT_BYTES = 1 << 26
_LOOKED_AT = 8  #: examples by which the rules tell one kind of puzzle from another


@dataclass(frozen=True)
class SplitInfo:
    """What a split holds; ``bytes`` are those of its tokens."""

    examples: int
    puzzles: int
    groups: int
    sets: tuple[str, ...]
    seq_len: int
    vocab_size: int
    puzzle_identifiers: int
    dtype: str
    bytes: int


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset holds.

    Attributes:
        folder: where it lies.
        task: id of its task, as far as sizes, rules and the report tell; None: unknown.
        splits: by name.
        report: ``report.json`` where there is one; else what is there twice, counted anew for Sudoku and mazes.
    """

    folder: Path
    task: str | None
    splits: dict[str, SplitInfo]
    report: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {**asdict(self), "folder": str(self.folder)}

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.folder}: {self.report.get('name', 'dataset')}, task {self.task or 'unknown'}"
        for name, split in self.splits.items():
            yield (
                f"  {name}: {split.groups:,} groups, {split.puzzles:,} puzzles, {split.examples:,} examples of "
                f"{split.seq_len} tokens (vocabulary {split.vocab_size}, {split.dtype}), {split.bytes / 1e6:,.1f} MB"
            )
        for name, count in self.report.get("repeated", {}).items():
            yield f"  repeated in {name}: {count['exact']:,}, up to symmetry {count['symmetry']:,}"
        if "test" in self.splits and "test_in_train" in self.report:
            count = self.report["test_in_train"]
            yield f"  test puzzles that train holds: {count['exact']:,}, up to symmetry {count['symmetry']:,}"
        if self.report.get("dropped_from_train"):
            yield f"  dropped from train ({self.report.get('deduplicate')}): {self.report['dropped_from_train']:,}"


def inspect_dataset(folder: Path) -> DatasetInfo:
    """Open all splits, which checks their files, and describe them.

    Raises:
        InvalidInput: no dataset, or a damaged one.
    """
    splits = {name: open_split(folder, name) for name in split_names(folder)}
    report = _report(folder)
    task = _task(splits, report)
    if not report and task is not None and task.has_rules:
        report = _count(splits, _game(task))
    return DatasetInfo(folder, None if task is None else task.id, {n: _info(s) for n, s in splits.items()}, report)


def draw(folder: Path, count: int) -> Iterator[Any]:
    """The first ``count`` examples of every split, question and answer, as rich renderables.

    Raises:
        InvalidInput: no dataset, or one of an unknown task.
    """
    splits = {name: open_split(folder, name) for name in split_names(folder)}
    task = _task(splits, _report(folder))
    if task is None:
        raise InvalidInput(f"{folder} holds no Sudoku, maze or ARC puzzles: they cannot be drawn.")
    for split in splits.values():
        for set_name, one in split.sets.items():
            for number in range(min(count, one.examples)):
                yield f"{split.name}/{set_name}, example {number}"
                for tokens in (array[number].astype(np.int32) for array in (one.inputs, one.labels)):
                    yield task.render_text(task.decode(_unshifted(tokens) if task.family == "arc" else tokens))


def _info(split: Split) -> SplitInfo:
    sets = split.sets.values()
    return SplitInfo(
        examples=len(split),
        puzzles=sum(one.puzzles for one in sets),
        groups=sum(one.groups for one in sets),
        sets=tuple(split.sets),
        seq_len=split.metadata.seq_len,
        vocab_size=split.metadata.vocab_size,
        puzzle_identifiers=split.metadata.num_puzzle_identifiers,
        dtype=str(next(iter(sets)).inputs.dtype),
        bytes=sum(one.inputs.nbytes + one.labels.nbytes for one in sets),
    )


def _report(folder: Path) -> dict[str, Any]:
    path = folder / REPORT
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_REPORT_BYTES:
        raise InvalidInput(f"{path} is larger than {MAX_REPORT_BYTES} bytes.")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is not readable as JSON ({error}).") from None
    try:
        counts = (*report.get("repeated", {}).values(), report.get("test_in_train", {"exact": 0, "symmetry": 0}))
        [int(count[level]) for count in counts for level in ("exact", "symmetry")]
        int(report.get("dropped_from_train", 0))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InvalidInput(f"{path} is no report of trm-edge data build. Remove it, and it is counted anew.") from None
    return dict(report)


def _task(splits: dict[str, Split], report: dict[str, Any]) -> Task | None:
    """The task of the report; else the one whose sizes fit, and whose rules the first examples keep."""
    split = next(iter(splits.values()))
    sizes = split.metadata.seq_len, split.metadata.vocab_size
    side = round(sizes[0] ** 0.5)
    guesses = [f"{family}-{side}x{side}" for family in ("sudoku", "maze", "arc")]
    for name in [report["task"]] if "task" in report else guesses:
        try:
            task = get_task(str(name))
        except InvalidInput:
            continue
        if (task.seq_len, task.vocab_size) == sizes and (not task.has_rules or _keeps_rules(task, split)):
            return task
    return None


def _unshifted(tokens: Tokens) -> Tokens:
    """An ARC grid that was shifted on its canvas, back in the corner where decoding begins."""
    side = round(len(tokens) ** 0.5)
    canvas = tokens.reshape(side, side)
    shift = (-int(canvas.any(axis=1).argmax()), -int(canvas.any(axis=0).argmax()))
    return np.roll(canvas, shift, axis=(0, 1)).ravel()


def _keeps_rules(task: Task, split: Split) -> bool:
    one = next(iter(split.sets.values()))
    return bool(task.solved(*(tokens[:_LOOKED_AT].astype(np.int32) for tokens in (one.inputs, one.labels))).all())


def _game(task: Task) -> GridGame:
    from trm_edge.data import maze, sudoku

    return sudoku.game(task.id) if task.family == "sudoku" else maze.game(task.id)


def _count(splits: dict[str, Split], game: GridGame) -> dict[str, Any]:
    """What is there twice, among the first puzzles of the groups: the others are their augmentations."""
    census = Census(game.orbits)
    for name, split in splits.items():
        for one in split.sets.values():
            for chunk in _first_of_groups(one, game):
                census.add(name, chunk)
    return census.report()


def _first_of_groups(one: PuzzleSet, game: GridGame) -> Iterator[Chunk]:
    for start in range(0, one.groups, CHUNK):
        rows = one.puzzle_indices[one.group_indices[start : min(start + CHUNK, one.groups)]]
        questions, answers = (game.grids(tokens[rows]) for tokens in (one.inputs, one.labels))
        yield Chunk(questions, answers, np.full(len(rows), np.nan))
