from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.model.official import load_official
from trm_edge.tasks import get_task

Cli = Callable[..., Any]

OFFICIAL = Path(__file__).parent.parent / "fixtures" / "official_checkpoints"
TASKS = {"sudoku_mlp": "sudoku-9x9", "hrm": "sudoku-9x9", "arc_attention": "arc-10x10"}


@pytest.mark.parametrize("fixture", TASKS)
def test_import(cli: Cli, tmp_path: Path, fixture: str) -> None:
    out = tmp_path / "folder" / "imported.safetensors"
    outcome = cli("import", OFFICIAL / fixture, "--task", TASKS[fixture], "--out", out)
    assert (outcome.code, outcome.err, outcome.out.count("\n")) == (0, "", 1)
    assert f"{'HRM' if fixture == 'hrm' else 'TRM'} for {TASKS[fixture]}" in outcome.out
    assert f"Next: trm-edge export {out}" in outcome.out
    assert os.listdir(out.parent) == [out.name]
    checkpoint, official = load_checkpoint(out), load_official(OFFICIAL / fixture, get_task(TASKS[fixture]))
    assert (checkpoint.task, checkpoint.model.config) == (TASKS[fixture], official.model.config)
    for name, tensor in official.model.state_dict().items():
        assert torch.equal(checkpoint.model.state_dict()[name], tensor)


def test_nothing_is_overwritten_unasked(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "taken.safetensors"
    out.write_bytes(b"precious")
    arguments = ("import", OFFICIAL / "hrm", "--task", "sudoku-9x9", "--out", out)
    cli(*arguments).refused(f"{out} exists. Choose another name, or pass --overwrite.")
    assert out.read_bytes() == b"precious"
    assert cli(*arguments, "--overwrite").code == 0
    assert load_checkpoint(out).task == "sudoku-9x9"


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("sudoku-4x4", "tensor 'embed_tokens.weight' has 11 rows, but task 'sudoku-4x4' has a vocabulary of 6."),
        ("chess", "Unknown task 'chess'. Allowed: "),
        ("sudoku-5x5", "sudoku-5x5"),
    ],
)
def test_the_wrong_task(cli: Cli, tmp_path: Path, task: str, words: str) -> None:
    cli("import", OFFICIAL / "sudoku_mlp", "--task", task, "--out", tmp_path / "out.safetensors").refused(words)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    cli("import", tmp_path / "nowhere", "--task", "sudoku-9x9", "--out", tmp_path / "out").refused(
        f"{tmp_path / 'nowhere'} holds no official checkpoint."
    )


def test_a_folder_where_the_file_should_go(cli: Cli, tmp_path: Path) -> None:
    arguments = ("--task", "sudoku-9x9", "--out", tmp_path, "--overwrite")
    cli("import", OFFICIAL / "hrm", *arguments).refused("Is a directory")


@pytest.mark.parametrize("package", ["torch", "safetensors", "yaml"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # makes its import fail
    arguments = ("--task", "sudoku-9x9", "--out", tmp_path / "out")
    cli("import", OFFICIAL / "hrm", *arguments).refused(
        f"'{package}' is not installed", "pip install 'trm-edge[torch]'"
    )
