"""Reading the official layout, and refusing what only looks like it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.data.official import DatasetMetadata, open_split, split_names
from trm_edge.errors import InvalidInput

METADATA: dict[str, Any] = {
    "pad_id": 0,
    "ignore_label_id": 0,
    "blank_identifier_id": 0,
    "vocab_size": 11,
    "seq_len": 4,
    "num_puzzle_identifiers": 3,
    "total_groups": 2,
    "mean_puzzle_examples": 5 / 3,
    "total_puzzles": 3,
    "sets": ["all"],
}


def official_arrays() -> dict[str, np.ndarray[Any, Any]]:
    """Two groups of two puzzles and one; the puzzles have two, one and two examples."""
    tokens = np.arange(20, dtype=np.uint8).reshape(5, 4) % 11
    return {
        "inputs": tokens,
        "labels": tokens[::-1].copy(),
        "puzzle_identifiers": np.array([1, 2, 2], dtype=np.int32),
        "puzzle_indices": np.array([0, 2, 3, 5], dtype=np.int32),
        "group_indices": np.array([0, 2, 3], dtype=np.int32),
    }


def write_official(folder: Path, arrays: dict[str, Any], metadata: dict[str, Any], name: str = "all") -> Path:
    """As the official scripts write it: ``json.dump`` and ``np.save``."""
    (folder / "train").mkdir(parents=True, exist_ok=True)
    (folder / "train" / "dataset.json").write_text(json.dumps(metadata), encoding="utf-8")
    for field, array in arrays.items():
        np.save(folder / "train" / f"{name}__{field}.npy", array, allow_pickle=True)
    return folder


def test_an_official_folder_is_read_and_stays_on_disk(tmp_path: Path) -> None:
    arrays = official_arrays()
    split = open_split(write_official(tmp_path, arrays, METADATA), "train")
    assert split.metadata == DatasetMetadata(**{**METADATA, "sets": ("all",)})
    assert len(split) == 5
    assert (split.only.examples, split.only.puzzles, split.only.groups) == (5, 3, 2)
    for field, array in arrays.items():
        read = getattr(split, field)
        assert isinstance(read, np.memmap)
        assert not read.flags.writeable
        np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(split.only.puzzle_of(np.arange(5)), [0, 0, 1, 2, 2])
    np.testing.assert_array_equal(split.only.identifiers_of(np.array([4, 0])), [2, 1])
    assert split_names(tmp_path) == ["train"]


def test_what_official_scripts_differ_in_is_read_too(tmp_path: Path) -> None:
    """HRM knows no ``total_puzzles``; Sudoku and mazes put groups there; augmented Sudoku is int64."""
    arrays = official_arrays() | {"inputs": official_arrays()["inputs"].astype(np.int64)}
    hrm = {name: value for name, value in METADATA.items() if name != "total_puzzles"}
    for metadata in (hrm, METADATA | {"total_puzzles": 2}, METADATA | {"ignore_label_id": None, "extra": 1}):
        split = open_split(write_official(tmp_path, arrays, metadata), "train")
        np.testing.assert_array_equal(split.inputs, arrays["inputs"])


def test_several_sets(tmp_path: Path) -> None:
    metadata = METADATA | {"sets": ["all", "more"], "total_groups": 4, "total_puzzles": 6}
    write_official(tmp_path, official_arrays(), metadata)
    split = open_split(write_official(tmp_path, official_arrays(), metadata, "more"), "train")
    assert list(split.sets) == ["all", "more"]
    assert len(split) == 10
    with pytest.raises(InvalidInput, match="sets all, more; one is needed"):
        _ = split.inputs


Arrays = dict[str, Any]


def change(field: str, how: Callable[[Any], Any]) -> Callable[[Arrays], None]:
    """Replace one array."""
    return lambda arrays: arrays.update({field: how(arrays[field])})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change("inputs", lambda a: a[:, :3]), "inputs.npy has 3 tokens a row, but dataset.json says 4"),
        (change("labels", lambda a: a[:4]), "labels.npy has 4 rows, but all__inputs.npy 5"),
        (change("inputs", lambda a: a + 20), "holds 20..30, but dataset.json says vocab_size = 11"),
        (change("labels", lambda a: a.astype(np.int8) - 1), "holds -1..9"),
        (change("labels", lambda a: a.astype(np.float32)), "holds float32"),
        (change("labels", lambda a: a.ravel()), "2 dimension"),
        (change("labels", lambda a: np.array([{}, 1], dtype=object)), "labels.npy is not a whole array of numbers"),
        (change("puzzle_identifiers", lambda a: a + 1), "says num_puzzle_identifiers = 3"),
        (change("puzzle_identifiers", lambda a: a[:2]), "puzzle_indices.npy has 4 entries, but 2 puzzles"),
        (change("puzzle_indices", lambda a: a + 1), "runs from 1 to 6, but there are 5 examples"),
        (change("puzzle_indices", lambda a: np.array([0, 3, 3, 5])), "does not rise at entry 2"),
        (change("puzzle_indices", lambda a: np.array([0, 4, 3, 5])), "does not rise at entry 2"),
        (change("group_indices", lambda a: np.array([0, 1, 4])), "runs from 0 to 4, but there are 3 puzzles"),
        (change("group_indices", lambda a: np.array([0, 0, 3])), "a group has no puzzles"),
        (change("group_indices", lambda a: np.array([0, 3])), "says 2 groups, but there are 1"),
        (change("group_indices", lambda a: np.zeros(0, np.int32)), "not a whole array|0 entries"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(
    tmp_path: Path, damage: Callable[[Arrays], None], message: str
) -> None:
    arrays = official_arrays()
    damage(arrays)
    write_official(tmp_path, arrays, METADATA)
    with pytest.raises(InvalidInput, match=message) as refused:
        open_split(tmp_path, "train")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sets": ["../all"]}, "cannot name a set"),
        ({"sets": []}, "must be a list of names"),
        ({"sets": ["all", "all"]}, "appears twice"),
        ({"sets": ["other"]}, r"Cannot read .*other__inputs.npy: No such file"),
        ({"seq_len": 0}, "'seq_len' is 0, but must be a whole number of at least 1"),
        ({"vocab_size": "11"}, "'vocab_size' is '11'"),
        ({"mean_puzzle_examples": 0}, "must be a positive number"),
        ({"total_groups": 7}, "says 7 groups, but there are 2"),
        ({"total_puzzles": 7}, "says 7 puzzles, but there are 3"),
    ],
)
def test_metadata_that_is_wrong_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_official(tmp_path, official_arrays(), METADATA | changes)
    with pytest.raises(InvalidInput, match=message):
        open_split(tmp_path, "train")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not readable as JSON"), ("[]", "not a JSON object"), ("{}", "'pad_id' is missing")]
)
def test_a_description_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    write_official(tmp_path, official_arrays(), METADATA)
    (tmp_path / "train" / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        open_split(tmp_path, "train")


def test_files_that_are_cut_off_or_no_arrays(tmp_path: Path) -> None:
    write_official(tmp_path, official_arrays(), METADATA)
    path = tmp_path / "train" / "all__labels.npy"
    whole = path.read_bytes()
    for content in (whole[:-1], whole[:40], b"", b"no array"):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"labels.npy is not a whole array"):
            open_split(tmp_path, "train")
    np.savez(tmp_path / "archive.npz", a=np.zeros(3))
    path.write_bytes((tmp_path / "archive.npz").read_bytes())
    with pytest.raises(InvalidInput, match="archive"):
        open_split(tmp_path, "train")


def test_no_dataset_at_all(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Is .* a dataset"):
        open_split(tmp_path, "train")
    with pytest.raises(InvalidInput, match="cannot name a split"):
        open_split(tmp_path, "../train")
    with pytest.raises(InvalidInput, match="is no dataset"):
        split_names(tmp_path)


def test_looking_up_a_few_examples_copies_no_indices(tmp_path: Path) -> None:
    puzzles = 1_000_000
    arrays = {
        "inputs": np.ones((puzzles, 4), np.uint8),
        "labels": np.ones((puzzles, 4), np.uint8),
        "puzzle_identifiers": np.arange(puzzles, dtype=np.int32) % 3,
        "puzzle_indices": np.arange(puzzles + 1, dtype=np.int32),
        "group_indices": np.arange(puzzles + 1, dtype=np.int32),
    }
    counts = {"total_groups": puzzles, "total_puzzles": puzzles}
    tracemalloc.start()
    split = open_split(write_official(tmp_path, arrays, METADATA | counts), "train")
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    np.testing.assert_array_equal(split.only.identifiers_of(np.array([0, 7, puzzles - 1])), [0, 1, 0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 1e5
