"""``sudoku-extreme``: what the official script makes of the same file under the same seed."""

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
from trm_edge.data.sudoku import draw_official
from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.sudoku import SudokuTask

Array = np.ndarray[Any, Any]
Generated = Callable[[str, int], Chunk]
WriteCsv = Callable[[str, str, Chunk], Path]


def official_image(question: Array, answer: Array) -> tuple[Array, Array]:
    """One augmentation as the official script makes it, cell by cell, from numpy's global random numbers."""
    digits = [0, *np.random.permutation(np.arange(1, 10)).tolist()]
    transpose = np.random.rand() < 0.5
    rows = [3 * band + row for band in np.random.permutation(3) for row in np.random.permutation(3)]
    columns = [3 * stack + column for stack in np.random.permutation(3) for column in np.random.permutation(3)]

    def image(grid: Array) -> Array:
        old = grid.T if transpose else grid
        return np.array([[digits[old[row, column]] for column in columns] for row in rows])

    return image(question), image(answer)


def official_train(
    puzzles: Chunk, *, seed: int, size: int | None, least: int | None, num_aug: int
) -> tuple[Array, Array]:
    """Inputs and labels of the official train split."""
    np.random.seed(seed)
    kept = [number for number in range(len(puzzles)) if least is None or int(puzzles.ratings[number]) >= least]
    if size is not None and size < len(kept):
        kept = [kept[number] for number in np.random.choice(len(kept), size=size, replace=False)]
    inputs, labels = [], []
    for number in kept:
        pair = puzzles.questions[number], puzzles.answers[number]
        for image in (pair, *(official_image(*pair) for _ in range(num_aug))):
            inputs.append(image[0].ravel() + 1)
            labels.append(image[1].ravel() + 1)
    return np.array(inputs), np.array(labels)


@pytest.mark.parametrize(
    ("size", "least", "num_aug", "seed"),
    [(None, None, 0, 0), (None, None, 3, 0), (7, None, 2, 5), (7, 20, 2, 5), (100, 5, 1, 1)],
)
def test_the_official_arrays_come_out(
    tmp_path: Path,
    csv_file: WriteCsv,
    generated: Generated,
    size: int | None,
    least: int | None,
    num_aug: int,
    seed: int,
) -> None:
    puzzles, held_out = generated("sudoku-9x9", 40), generated("sudoku-9x9", 3)
    out = tmp_path / "set"
    options = BuildOptions(
        "sudoku-extreme",
        out,
        train=csv_file("train.csv", "sudoku-9x9", puzzles),
        test=csv_file("test.csv", "sudoku-9x9", held_out),
        subsample_size=size,
        min_difficulty=None if least is None else least,
        num_aug=num_aug,
        seed=seed,
    )
    if least is not None:  # it holds for the test split, too
        with pytest.raises(InvalidInput, match="test split would hold no puzzles"):
            build_dataset(options)
        options = BuildOptions(**{**vars(options), "test": None})
    build_dataset(options)
    inputs, labels = official_train(puzzles, seed=seed, size=size, least=least, num_aug=num_aug)
    train = open_split(out, "train")
    np.testing.assert_array_equal(train.inputs, inputs)
    np.testing.assert_array_equal(train.labels, labels)
    groups, rows = len(inputs) // (1 + num_aug), len(inputs)
    np.testing.assert_array_equal(train.group_indices, np.arange(groups + 1) * (1 + num_aug))
    np.testing.assert_array_equal(train.puzzle_indices, np.arange(rows + 1))
    np.testing.assert_array_equal(train.puzzle_identifiers, np.zeros(rows))
    assert train.inputs.dtype == np.uint8
    assert (train.metadata.seq_len, train.metadata.vocab_size) == (81, 11)
    assert (train.metadata.total_groups, train.metadata.total_puzzles) == (groups, groups)  # as the script has it
    assert train.metadata.mean_puzzle_examples == 1
    if least is None:
        test = open_split(out, "test")
        np.testing.assert_array_equal(test.inputs, held_out.questions.reshape(3, 81) + 1)  # never augmented


def test_images_are_puzzles_with_the_same_number_of_clues(
    tmp_path: Path, csv_file: WriteCsv, generated: Generated
) -> None:
    for task_id in ("sudoku-4x4", "sudoku-6x6"):
        out, puzzles, task = tmp_path / task_id, generated(task_id, 10), get_task(task_id)
        path = csv_file("train.csv", task_id, puzzles)
        build_dataset(BuildOptions("sudoku-extreme", out, train=path, task=task_id, num_aug=20))
        train = open_split(out, "train")
        assert len(train) == 210
        assert task.solved(train.inputs.astype(np.int32), train.labels.astype(np.int32)).all()
        clues = (train.inputs > 1).sum(axis=1).reshape(10, 21)
        assert (clues == clues[:, :1]).all()
        assert len(np.unique(train.inputs, axis=0)) > 180


def test_symmetries_are_drawn_evenly() -> None:
    task = get_task("sudoku-9x9")
    assert isinstance(task, SudokuTask)
    drawn = draw_official(np.random.RandomState(0), task, 6000)
    assert abs(drawn.transposed.mean() - 0.5) < 0.03
    for lines in (drawn.rows, drawn.columns):
        bands = lines.reshape(-1, 3, 3) // 3
        assert (bands == bands[:, :, :1]).all()
        counts = np.array([np.bincount(lines[:, place], minlength=9) for place in range(9)])
        assert (abs(counts / 6000 - 1 / 9) < 0.02).all()
    assert (drawn.digits[:, 0] == 0).all()
    counts = np.array([np.bincount(drawn.digits[:, digit], minlength=10)[1:] for digit in range(1, 10)])
    assert (abs(counts / 6000 - 1 / 9) < 0.02).all()


def test_the_shared_standard(tmp_path: Path) -> None:
    """The public puzzles beside the repository, where they are: what the builder says about them."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "sudoku"
    if not folder.is_dir():
        pytest.skip("no shared data beside the repository")
    path = tmp_path / "train.csv"
    with (folder / "train.csv").open(encoding="utf-8") as whole:
        path.write_text("".join(line for line, _ in zip(whole, range(3000), strict=False)), encoding="utf-8")
    options = BuildOptions("sudoku-extreme", tmp_path / "set", train=path, test=folder / "validation.csv")
    report = build_dataset(options)
    assert report is not None
    assert report["puzzles"] == {"test": 1150, "train": 2999}
    assert report["test_in_train"]["exact"] == 0


def test_repeated_and_shared_puzzles_are_dropped_when_asked(
    tmp_path: Path, csv_file: WriteCsv, generated: Generated
) -> None:
    puzzles = generated("sudoku-9x9", 40)
    twice = puzzles.take(np.array([*range(40), 7, 8]))
    options = BuildOptions(
        "sudoku-extreme",
        tmp_path / "set",
        train=csv_file("train.csv", "sudoku-9x9", twice),
        test=csv_file("test.csv", "sudoku-9x9", puzzles.take(slice(0, 5))),
        deduplicate="exact",
    )
    report = build_dataset(options)
    assert report is not None
    assert report["dropped_from_train"] == 7
    assert report["puzzles"] == {"test": 5, "train": 35}
    assert report["test_in_train"] == {"exact": 0, "symmetry": 0}
    np.testing.assert_array_equal(open_split(options.out, "train").inputs, puzzles.questions[5:].reshape(35, 81) + 1)


def test_generated_puzzles_have_one_answer_and_the_clues_that_are_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    options = BuildOptions("sudoku-extreme", tmp_path / "a", generate=30, generator={"givens": (26, 30)}, num_aug=2)
    report = build_dataset(options)
    again = BuildOptions(**{**vars(options), "out": tmp_path / "b", "generate": 60, "generate_test": 3})
    build_dataset(again)
    assert report is not None
    assert report["source"] == {"generated": {"test": 3, "train": 30}, "seed": 0, "givens": (26, 30)}
    train, longer = open_split(options.out, "train"), open_split(again.out, "train")
    clues = (train.inputs > 1).sum(axis=1)
    assert clues.min() >= 26
    assert clues.max() <= 30
    assert (train.only.groups, train.only.puzzles, longer.only.groups) == (30, 90, 60)
    np.testing.assert_array_equal(train.inputs, longer.inputs[:90])  # a longer series begins like a shorter one
    np.testing.assert_array_equal(open_split(options.out, "test").inputs, open_split(again.out, "test").inputs)
    task = get_task("sudoku-9x9")
    assert isinstance(task, SudokuTask)
    assert task.solved(train.inputs.astype(np.int32), train.labels.astype(np.int32)).all()
    for tokens in train.inputs[:5]:
        assert task.count_solutions(task.decode(tokens)) == 1


def test_other_sizes_and_difficulties_are_generated(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    options = BuildOptions(
        "sudoku-extreme", tmp_path / "a", task="sudoku-6x6", generate=20, generator={"difficulty": "easy"}
    )
    build_dataset(options)
    train = open_split(options.out, "train")
    assert (train.metadata.seq_len, train.metadata.vocab_size, len(train)) == (36, 8, 20)
    with pytest.raises(InvalidInput, match="Unknown option of the sudoku generator 'min_length'"):
        build_dataset(BuildOptions("sudoku-extreme", tmp_path / "b", generate=5, generator={"min_length": 5}))
    with pytest.raises(InvalidInput, match="Unknown difficulty 'harder'"):
        build_dataset(BuildOptions("sudoku-extreme", tmp_path / "b", generate=5, generator={"difficulty": "harder"}))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
