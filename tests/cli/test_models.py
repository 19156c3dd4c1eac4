from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge import models_registry as registry

Cli = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    header = {
        "__metadata__": {"task": "sudoku-9x9", "config": "{}"},
        "w": {"dtype": "F32", "shape": [1200], "data_offsets": [0, 4800]},
    }
    text = json.dumps(header).encode()
    path = tmp_path / registry.DEFAULT / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4800))
    path.with_name("results.json").write_text('{"exact accuracy": 0.86, "by givens": {"17": 0.2}}')
    monkeypatch.setattr(registry, "MODELS_DIR", tmp_path)
    return path


def test_the_list_names_task_size_and_measured_numbers(cli: Cli, model: Path) -> None:
    size = model.stat().st_size
    outcome = cli("models")
    assert outcome.code == 0
    assert outcome.out == (f"sudoku-9x9 (default): sudoku-9x9, 1,200 weights, {size:,} bytes\n  exact accuracy: 0.86\n")


def test_json_holds_everything(cli: Cli, model: Path) -> None:
    (found,) = json.loads(cli("models", "--json").out)
    assert found["parameters"] == 1200
    assert found["path"] == str(model)
    assert found["results"]["by givens"] == {"17": 0.2}


def test_an_empty_list_says_how_to_get_a_model(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODELS_DIR", tmp_path)
    assert "trm-edge train" in cli("models").out
    assert cli("models", "--json").out == "[]\n"


def test_a_damaged_model_is_one_line(cli: Cli, model: Path) -> None:
    model.write_bytes(b"damaged")
    cli("models").refused(str(model), "not a safetensors file")
