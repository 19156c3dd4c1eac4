"""``maze-hard``: what the official script makes of the same file, and mazes of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.data.build import build_dataset
from trm_edge.data.build_options import BuildOptions
from trm_edge.data.chunks import Chunk
from trm_edge.data.official import open_split
from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.maze_paths import PATH

Array = np.ndarray[Any, Any]
Generated = Callable[[str, int], Chunk]
WriteCsv = Callable[[str, str, Chunk], Path]

# In the order of `dihedral_transform` of the official dataset/common.py, by the definition of each.
TURNS: tuple[Callable[[Array], Array], ...] = (
    lambda m: m,
    lambda m: m[:, ::-1].T,
    lambda m: m[::-1, ::-1],
    lambda m: m[::-1].T,
    lambda m: m[:, ::-1],
    lambda m: m[::-1],
    lambda m: m.T,
    lambda m: m[::-1, ::-1].T,
)


@pytest.mark.parametrize(("aug", "size"), [(False, None), (True, None), (True, 4)])
def test_the_official_arrays_come_out(
    tmp_path: Path, csv_file: WriteCsv, generated: Generated, aug: bool, size: int | None
) -> None:
    puzzles = generated("maze-10x10", 6)
    path = csv_file("train.csv", "maze-10x10", puzzles)
    options = BuildOptions(
        "maze-hard", tmp_path / "set", train=path, test=path, task="maze-10x10", aug=aug, subsample_size=size, seed=3
    )
    build_dataset(options)
    np.random.seed(3)
    chosen = range(6) if size is None else np.random.choice(6, size=size, replace=False)
    turns = TURNS if aug else TURNS[:1]
    train, test = open_split(options.out, "train"), open_split(options.out, "test")
    for grids, tokens in ((puzzles.questions, train.inputs), (puzzles.answers, train.labels)):
        expected = np.array([turn(grids[number]).ravel() for number in chosen for turn in turns], dtype=np.uint8)
        np.testing.assert_array_equal(tokens, expected)
    np.testing.assert_array_equal(test.inputs, puzzles.questions.reshape(6, 100))
    np.testing.assert_array_equal(train.group_indices, np.arange(len(chosen) + 1) * len(turns))
    assert (train.metadata.vocab_size, train.metadata.total_puzzles) == (6, len(chosen))
    task = get_task("maze-10x10")
    assert task.solved(train.inputs.astype(np.int32), train.labels.astype(np.int32)).all()


def test_mazes_that_are_not_square_have_four_images(tmp_path: Path, csv_file: WriteCsv, generated: Generated) -> None:
    path = csv_file("train.csv", "maze-8x12", generated("maze-8x12", 6))
    build_dataset(BuildOptions("maze-hard", tmp_path / "set", train=path, task="maze-8x12", aug=True))
    train = open_split(tmp_path / "set", "train")
    assert (train.only.groups, train.only.puzzles) == (6, 24)
    assert get_task("maze-8x12").solved(train.inputs.astype(np.int32), train.labels.astype(np.int32)).all()


def test_generated_mazes_are_hard_and_the_same_for_a_seed(tmp_path: Path) -> None:
    options = BuildOptions("maze-hard", tmp_path / "a", generate=2, generate_test=1)
    report = build_dataset(options)
    build_dataset(BuildOptions(**{**vars(options), "out": tmp_path / "b"}))
    assert report is not None
    assert report["source"] == {"generated": {"test": 1, "train": 2}, "seed": 0, "min_length": 111, "loops": 0.02}
    for split in ("train", "test"):
        first, second = (open_split(tmp_path / name, split) for name in "ab")
        np.testing.assert_array_equal(first.inputs, second.inputs)
        assert ((first.labels == PATH).sum(axis=1) + 1 > 110).all()
    other = BuildOptions(**{**vars(options), "out": tmp_path / "c", "seed": 1})
    build_dataset(other)
    assert not np.array_equal(open_split(other.out, "test").inputs, second.inputs)


def test_other_sizes_are_generated_as_the_task_does_it(tmp_path: Path) -> None:
    options = BuildOptions("maze-hard", tmp_path / "a", task="maze-12x12", generate=40, generator={"min_length": 20})
    build_dataset(options)
    train, test = open_split(options.out, "train"), open_split(options.out, "test")
    assert (len(train), len(test), train.metadata.seq_len) == (40, 4, 144)
    assert ((train.labels == PATH).sum(axis=1) + 1 >= 20).all()
    assert not (train.inputs[:, None] == test.inputs[None]).all(axis=2).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "sudoku-9x9"}, "maze-hard cannot be made of sudoku-9x9"),
        ({"generate": 5, "generator": {"givens": 5}}, "Unknown option of the maze generator"),
        ({"generate": 0}, "--generate 0"),
        ({"generate": 5, "subsample_size": 2}, "leave --subsample-size out"),
        ({"generate": 5, "seed": -1}, "--seed -1: it must be at least 0"),
        ({"generator": {"loops": 0.1}}, "need --generate N"),
        ({"num_aug": 5}, "maze-hard has no use for --num-aug"),
        ({"task": "maze-12x12"}, "The hub has no maze-12x12"),
        ({"train": Path("a"), "source": "b"}, "--source and --train both say"),
        ({"test": Path("a")}, "--test FILE needs --train"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        build_dataset(BuildOptions(**{"name": "maze-hard", "out": tmp_path / "set", **changes}))
    assert not list(tmp_path.iterdir())
