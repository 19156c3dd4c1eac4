"""``trm-edge demo`` with a small untrained model, halved so that it settles and every graph agrees."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trm_edge.model.checkpoint import save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant

Cli = Callable[..., Any]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=1)).eval()
    with torch.no_grad():
        for parameter in model.L_level.parameters():
            parameter.mul_(0.5)
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, model, "sudoku-4x4")
    return path


def test_every_graph_agrees_with_the_float_model(cli: Cli, checkpoint: Path) -> None:
    done = cli("demo", checkpoint, "--puzzles", 3, "--steps", 2, "--threads", 1)
    assert done.code == 0
    assert "3 fresh puzzles" in done.out
    for graph in GraphVariant:
        row = re.search(rf"^ *{graph} .*$", done.out, re.MULTILINE)
        assert row is not None, done.out
        assert row[0].split()[4:6] == ["3/3", "3/3"], "same answers, same halting steps"


def test_bundles_can_be_kept(cli: Cli, checkpoint: Path, tmp_path: Path) -> None:
    arguments = ("demo", checkpoint, "--puzzles", 1, "--steps", 1, "--out", tmp_path / "kept")
    assert cli(*arguments).code == 0
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        f"tiny.fp32.onnx-{graph}" for graph in ("loop", "step", "unrolled")
    ]
    cli(*arguments).refused("exists", "--overwrite")
    assert cli(*arguments, "--overwrite").code == 0


def test_an_unknown_model(cli: Cli) -> None:
    cli("demo", "nope").refused("Unknown model 'nope'")
