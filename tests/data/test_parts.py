"""Several processes make one dataset, and it is the one that a single process makes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from trm_edge.data.build import build_dataset
from trm_edge.data.build_options import BuildOptions
from trm_edge.data.chunks import Chunk
from trm_edge.data.parts import Parts, Ranks
from trm_edge.errors import InvalidInput, TrmEdgeError


def make(number: int) -> Chunk:
    grids = np.full((2, 3, 3), number, dtype=np.int8)
    return Chunk(grids, grids + 1, np.full(2, number, dtype=np.float64))


def test_parts_come_in_order_whoever_makes_them(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    made: list[int] = []

    def noted(number: int) -> Chunk:
        made.append(number)
        return make(number)

    others = [
        threading.Thread(target=Parts(folder, Ranks(rank, 3)).contribute, args=("train", 7, make)) for rank in (1, 2)
    ]
    for other in others:
        other.start()
    parts = Parts(folder, Ranks(0, 3))
    chunks = list(parts.collect("train", 7, noted))
    for other in others:
        other.join()
    assert [int(chunk.ratings[0]) for chunk in chunks] == list(range(7))
    for number, chunk in enumerate(chunks):
        np.testing.assert_array_equal(chunk.answers, make(number).answers)
        assert chunk.questions.dtype == np.int8
    assert made == [0, 3, 6]
    parts.remove()
    assert not list(tmp_path.iterdir())


def test_one_process_needs_no_folder(tmp_path: Path) -> None:
    assert len(list(Parts(tmp_path / "parts", Ranks()).collect("train", 3, make))) == 3
    assert not list(tmp_path.iterdir())


def test_a_part_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts", Ranks(1, 2))
    parts.contribute("train", 4, make)

    def never(number: int) -> Chunk:
        raise AssertionError(number)

    parts.contribute("train", 4, never)


def test_a_rank_that_does_not_deliver_is_named(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts", Ranks(0, 4), patience=0.2)
    began = time.monotonic()
    with pytest.raises(TrmEdgeError, match=r"Rank 1 of 4 has not delivered train-00000001.npz within 0.2 s"):
        list(parts.collect("train", 4, make))
    assert time.monotonic() - began < 5


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "train-00000001.npz").write_bytes(b"no archive")
    with pytest.raises(TrmEdgeError, match="is no part of a dataset"):
        list(Parts(folder, Ranks(0, 2)).collect("train", 2, make))


def test_a_rank_stops_when_the_first_has_ended(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts", Ranks(1, 2))

    def gone(number: int) -> Chunk:
        parts.remove()
        return make(number)

    with pytest.raises(TrmEdgeError, match="rank 0 has ended"):
        parts.contribute("train", 4, gone)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("environment", [{"RANK": "2", "WORLD_SIZE": "2"}, {"RANK": "-1"}, {"RANK": "a"}])
def test_ranks_that_do_not_fit(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="are not what torchrun sets"):
        Ranks.from_environment(environment)
    assert Ranks.from_environment({}) == Ranks(0, 1)
    assert Ranks.from_environment({"RANK": "1", "WORLD_SIZE": "2"}) == Ranks(1, 2)


def test_two_processes_give_the_dataset_of_one(tmp_path: Path) -> None:
    options = ["--task", "maze-10x10", "--generate", "60", "--generate-test", "20", "--aug", "--seed", "5"]

    def start(out: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "trm_edge", "data", "build", "maze-hard", "--out", str(tmp_path / out)]
        return subprocess.Popen(
            [*command, *options], env={**os.environ, **environment}, text=True, stdout=-1, stderr=subprocess.STDOUT
        )

    alone = start("alone")
    ranks = [start("shared", RANK=str(rank), WORLD_SIZE="2") for rank in (1, 0)]
    for process in (alone, *ranks):
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "shared"]
    files = sorted(path.relative_to(tmp_path / "alone") for path in (tmp_path / "alone").rglob("*.*"))
    assert len(files) == 14
    for file in files:
        assert (tmp_path / "alone" / file).read_bytes() == (tmp_path / "shared" / file).read_bytes(), file


def test_other_ranks_have_nothing_to_do_with_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert build_dataset(BuildOptions("sudoku-extreme", tmp_path / "set", train=tmp_path / "absent.csv")) is None
    assert not list(tmp_path.iterdir())
