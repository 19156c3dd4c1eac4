"""A command shared by several processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from trm_edge.cli.ranks import Ranks, joined
from trm_edge.errors import InvalidInput

Cli = Callable[..., Any]

ALONE = {"seconds", "puzzles_per_second", "date", "processes"}  #: what may differ from one process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def together(arguments: Sequence[Sequence[object]]) -> list[tuple[int, str, str]]:
    """Run ``trm-edge`` in one process for each list of arguments, as ``torchrun`` does: exit code, output, errors."""
    common = {**os.environ, "WORLD_SIZE": str(len(arguments)), "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    common["MASTER_PORT"] = str(free_port())
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "trm_edge", *map(str, given)],
            env=common | {"RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, given in enumerate(arguments)
    ]
    ended = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *told) for process, told in zip(processes, ended, strict=True)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=2, halt_max_steps=3)
    checkpoint = Checkpoint(RecursiveModel(config).eval(), "sudoku-4x4")
    return export_bundle(
        checkpoint, ExportOptions(steps=3, golden=1), tmp_path_factory.mktemp("made") / "tiny", name="tiny"
    )


def test_two_processes_report_what_one_does(bundle: Path, tmp_path: Path, cli: Cli) -> None:
    """Nine puzzles: one process has five, the other four."""
    out = tmp_path / "result.json"
    arguments = ("evaluate", bundle, "--generate", 9, "--by", "givens", "--vote", "majority:3", "--threads", 1)
    first, second = together([(*arguments, "--json", out)] * 2)
    assert (first[0], first[2], second) == (0, "", (0, "", "")), "the first speaks, the other is silent"
    assert "9 puzzles, vote majority:3" in first[1]
    shared: dict[str, Any] = json.loads(out.read_text())
    one: dict[str, Any] = json.loads(cli(*arguments, "--json", "-").out)
    assert (shared["processes"], one["processes"]) == (2, 1)
    assert {k: v for k, v in shared.items() if k not in ALONE} == {k: v for k, v in one.items() if k not in ALONE}


def test_a_process_that_fails_alone_ends_the_others_with_one_line(bundle: Path) -> None:
    arguments = ("evaluate", bundle, "--generate", 3, "--threads", 1)
    first, second = together([arguments, (*arguments, "--budget", 0)])
    assert (first[0], second[0]) == (2, 2)
    assert first[2] == "error: Another process of torchrun has ended early: see its own message\n"
    assert second[2].startswith("error: budget must be at least 1")


def test_more_processes_than_puzzles() -> None:
    parts = [[0], [1], []]
    ranks = Ranks(2, 3, lambda _: parts)
    assert list(ranks.share(range(2))) == []
    assert ranks.whole([]) == [0, 1]
    assert ranks.part_of(2) == 0


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8])
def test_shares_make_the_whole(count: int) -> None:
    shares = [list(Ranks(rank, 3).share(range(count))) for rank in range(3)]
    assert [len(share) for share in shares] == [Ranks(rank, 3).part_of(count) for rank in range(3)]
    assert Ranks(1, 3, lambda _: shares).whole(shares[1]) == list(range(count))
    assert Ranks(1, 3).part_of(None) is None


def test_one_process_needs_no_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with joined() as ranks:
        assert ranks.first
        assert ranks.whole(list(ranks.share(range(3)))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"WORLD_SIZE": "2"}, "RANK and MASTER_ADDR and MASTER_PORT missing"),
        ({"WORLD_SIZE": "two", "RANK": "0", "MASTER_ADDR": "h", "MASTER_PORT": "1"}, "RANK=0, WORLD_SIZE=two"),
        ({"WORLD_SIZE": "2", "RANK": "-1", "MASTER_ADDR": "h", "MASTER_PORT": "1"}, "RANK=-1, WORLD_SIZE=2"),
    ],
)
def test_a_strange_environment_is_one_line(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], message: str
) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=message), joined():
        pass
