"""Writing the official layout: the bytes that numpy would write, in pieces, whole or not at all."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.data.official import open_split
from trm_edge.data.writer import DatasetWriter
from trm_edge.errors import InvalidInput

Array = np.ndarray[Any, Any]


def tokens(rows: int, width: int = 81) -> Array:
    return np.random.default_rng(0).integers(0, 11, (rows, width), dtype=np.uint8)


def saved(array: Array) -> bytes:
    """What ``np.save`` writes."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_pieces_become_what_the_official_script_saves(tmp_path: Path) -> None:
    inputs, labels = tokens(1300), tokens(1300)[::-1]
    with DatasetWriter(tmp_path / "set") as dataset:
        train = dataset.split("train", seq_len=81, vocab_size=11)
        for piece in (slice(0, 1), slice(1, 1001), slice(1001, 1001), slice(1001, 1300)):
            train.append(inputs[piece], labels[piece])
        dataset.write_json("report.json", {"any": 1})
    folder = tmp_path / "set" / "train"
    files = {
        "inputs": inputs,
        "labels": np.ascontiguousarray(labels),
        "puzzle_identifiers": np.zeros(1300, np.int32),
        "puzzle_indices": np.arange(1301, dtype=np.int32),
        "group_indices": np.arange(1301, dtype=np.int32),
    }
    for field, array in files.items():
        assert (folder / f"all__{field}.npy").read_bytes() == saved(array), field
    assert (tmp_path / "set" / "identifiers.json").read_text() == '["<blank>"]'
    expected = (
        '{"pad_id": 0, "ignore_label_id": 0, "blank_identifier_id": 0, "vocab_size": 11, "seq_len": 81, '
        '"num_puzzle_identifiers": 1, "total_groups": 1300, "mean_puzzle_examples": 1.0, "total_puzzles": 1300, '
        '"sets": ["all"]}'
    )
    assert (folder / "dataset.json").read_text() == expected
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["identifiers.json", "report.json", "train"]


def test_groups_puzzles_examples_sets_and_identifiers(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set") as dataset:
        train = dataset.split("train", seq_len=81, vocab_size=12)
        test = dataset.split("test", seq_len=81, vocab_size=12, ignore_label_id=None)
        rows = tokens(6)
        train.append(rows[:5], rows[:5], puzzle_sizes=[2, 1, 2], group_sizes=[2, 1], identifiers=[1, 2, 1])
        train.append(rows[5:], rows[5:], identifiers=[2])
        train.append(rows[:1], rows[:1], set_name="more")
        test.append(rows[:1], rows[:1])
        dataset.identifiers = ["<blank>", "a", "b"]
    split = open_split(tmp_path / "set", "train")
    np.testing.assert_array_equal(split.sets["all"].puzzle_indices, [0, 2, 3, 5, 6])
    np.testing.assert_array_equal(split.sets["all"].group_indices, [0, 2, 3, 4])
    np.testing.assert_array_equal(split.sets["all"].puzzle_identifiers, [1, 2, 1, 2])
    assert list(split.sets) == ["all", "more"]
    assert split.metadata.num_puzzle_identifiers == 3
    assert split.metadata.mean_puzzle_examples == 7 / 5
    assert (split.metadata.total_groups, split.metadata.total_puzzles) == (4, 5)
    assert open_split(tmp_path / "set", "test").metadata.ignore_label_id is None


def test_total_puzzles_counts_groups_where_the_official_script_does(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set") as dataset:
        train = dataset.split("train", seq_len=81, vocab_size=11, total_puzzles_counts_groups=True)
        train.append(tokens(6), tokens(6), group_sizes=[3, 3])
    assert open_split(tmp_path / "set", "train").metadata.total_puzzles == 2


def test_memory_holds_a_piece_and_not_the_set(tmp_path: Path) -> None:
    piece = tokens(1000, 900)  # 0.9 MB; inputs and labels of all pieces are 45 MB
    tracemalloc.start()
    with DatasetWriter(tmp_path / "set") as dataset:
        train = dataset.split("train", seq_len=900, vocab_size=11)
        for _ in range(25):
            train.append(piece, piece)
    split = open_split(tmp_path / "set", "train")
    assert split.inputs[::5000].sum() > 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("before", ["nothing", "a dataset"])
def test_an_interruption_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, error: type[BaseException], before: str
) -> None:
    out = tmp_path / "set"
    if before == "a dataset":
        write_small(out)
    old = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))

    def interrupted() -> None:
        with DatasetWriter(out, overwrite=True) as dataset:
            dataset.split("train", seq_len=81, vocab_size=11).append(tokens(9), tokens(9))
            assert not (out / "train" / "all__inputs.npy").exists() or before == "a dataset"
            raise error

    with pytest.raises(error):
        interrupted()
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == old
    if before == "a dataset":
        assert len(open_split(out, "train")) == 1


def write_small(out: Path, *, rows: int = 1, overwrite: bool = False) -> None:
    with DatasetWriter(out, overwrite=overwrite) as dataset:
        dataset.split("train", seq_len=81, vocab_size=11).append(tokens(rows), tokens(rows))


def test_a_killed_build_does_not_look_whole(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "set")
    writer.__enter__()
    writer.split("train", seq_len=81, vocab_size=11).append(tokens(9), tokens(9))
    (hidden,) = tmp_path.iterdir()
    assert hidden.name.startswith(".set.")
    assert not (hidden / "train" / "dataset.json").exists()
    with pytest.raises(InvalidInput):
        open_split(hidden, "train")
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not list(tmp_path.iterdir())


def test_only_a_dataset_is_replaced_and_only_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "set"
    write_small(out)
    with pytest.raises(InvalidInput, match="exists"):
        write_small(out, rows=2)
    write_small(out, rows=2, overwrite=True)
    assert len(open_split(out, "train")) == 2
    for stranger in (out / "notes.txt", out / "train" / "notes.txt"):
        stranger.write_text("mine")
        with pytest.raises(InvalidInput, match=r"notes.txt' in it is no part of a dataset"):
            write_small(out, overwrite=True)
        assert stranger.read_text() == "mine"
        stranger.unlink()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(InvalidInput, match="is not overwritten"):
            write_small(tmp_path / name, overwrite=True)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"puzzle_sizes": [2, 2]}, "puzzle_sizes must be at least 1 each and add up to 3"),
        ({"puzzle_sizes": [3, 0]}, "at least 1"),
        ({"group_sizes": [1]}, "group_sizes must .* add up to 3"),
        ({"identifiers": [1]}, "1 identifiers given for 3 puzzles"),
        ({"set_name": "../x"}, "cannot name a set"),
    ],
)
def test_wrong_pieces_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    def build() -> None:
        with DatasetWriter(tmp_path / "set") as dataset:
            dataset.split("train", seq_len=81, vocab_size=11).append(tokens(3), tokens(3), **settings)

    with pytest.raises((ValueError, InvalidInput), match=message):
        build()
    assert not list(tmp_path.iterdir())


def test_wrong_tokens_and_empty_splits_are_refused(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set") as dataset:
        train = dataset.split("train", seq_len=81, vocab_size=11)
        with pytest.raises(ValueError, match=r"inputs hold 2\.\.12"):
            train.append(tokens(3) + 2, tokens(3))
        with pytest.raises(ValueError, match="labels have shape"):
            train.append(tokens(3), tokens(2))
        with pytest.raises(ValueError, match="begun already"):
            dataset.split("train", seq_len=81, vocab_size=11)
        with pytest.raises(ValueError, match="is none of"):
            dataset.write_json("other.json", {})
        train.append(tokens(3), tokens(3))
    with (
        pytest.raises(InvalidInput, match="test split would hold no puzzles"),
        DatasetWriter(tmp_path / "2") as dataset,
    ):
        dataset.split("test", seq_len=81, vocab_size=11)
    assert json.loads((tmp_path / "set" / "train" / "dataset.json").read_text())["total_groups"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
