from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint, save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant

Cli = Callable[..., Any]
FEW = ("--puzzles", 3, "--timed", 1, "--repeats", 1, "--threads", 1)


@dataclass(frozen=True)
class Made:
    step: Path
    loop: Path
    checkpoint: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("made")
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=1)
    checkpoint = Checkpoint(RecursiveModel(config).eval(), "sudoku-4x4")
    step, loop = (
        export_bundle(checkpoint, ExportOptions(graph=graph, steps=2, golden=1), folder / graph, name="tiny")
        for graph in (GraphVariant.STEP, GraphVariant.LOOP)
    )
    save_checkpoint(folder / "tiny.safetensors", checkpoint.model, "sudoku-4x4")
    return Made(step, loop, folder / "tiny.safetensors")


def test_two_graphs_of_one_model(cli: Cli, made: Made) -> None:
    done = cli("compare", made.step, made.loop, *FEW)
    assert done.code == 0, done
    assert "sudoku-4x4: 2 side by side on 3 puzzles" in done.out
    assert "On the front of accuracy against time" in done.out


def test_every_report_at_once(cli: Cli, made: Made, tmp_path: Path) -> None:
    files = [tmp_path / f"report.{kind}" for kind in ("json", "csv", "svg", "html")]
    options = [option for file in files for option in (f"--{file.suffix[1:]}", file)]
    arguments = ("compare", made.step, made.loop, "--against", made.checkpoint, *FEW, *options)
    assert cli(*arguments).code == 0
    document = json.loads(files[0].read_text())
    assert document["reference"] == "float model"
    assert [row["name"] for row in document["bundles"]] == ["float model", "tiny.fp32.onnx-step", "tiny.fp32.onnx-loop"]
    assert [row["same_answers"] for row in document["bundles"]] == [3, 3, 3]
    assert document["bundles"][1]["file_bytes"] > 1000
    assert {"torch", "onnxruntime"} <= document["versions"].keys()
    assert len(list(csv.reader(files[1].read_text().splitlines()))) == 4
    assert files[2].read_text().startswith("<svg ")
    assert "<h2>Cost</h2>" in files[3].read_text()
    cli(*arguments).refused("exists", "--overwrite")
    assert cli(*arguments, "--overwrite").code == 0


def test_json_alone_on_standard_output(cli: Cli, made: Made) -> None:
    done = cli("compare", made.step, made.loop, *FEW, "--halt", "fixed:1", "--budget", 2, "--json", "-")
    rows = json.loads(done.out)["bundles"]
    assert {row["policy"] for row in rows} == {"fixed:1"}
    assert {row["budget"] for row in rows} == {2}
    assert all(row["steps"] == [{"step": 1, "puzzles": 3}] for row in rows)


def test_puzzles_of_a_file(cli: Cli, made: Made, tmp_path: Path) -> None:
    data = tmp_path / "puzzles.csv"
    data.write_text("question,answer\n1234341221434321,1234341221434321\n1...............,1234341221434321\n")
    done = cli("compare", made.step, made.loop, "--data", data, *FEW, "--json", "-")
    document = json.loads(done.out)
    assert (document["puzzles"], document["data"]) == (2, str(data))


def test_bad_input_is_one_line(cli: Cli, made: Made, tmp_path: Path) -> None:
    pair = ("compare", made.step, made.loop)
    cli("compare", made.step).refused("Give 2 to 16 bundles to compare, not 1")
    cli("compare", made.step, made.step).refused("are the same bundle")
    cli("compare", made.step, tmp_path / "nothing").refused("nothing")
    cli(*pair, "--halt", "stable:2").refused("loop graph halts inside")
    cli(*pair, "--puzzles", 0).refused("count must be at least 1, not 0")
    cli(*pair, "--timed", 0).refused("timed must be at least 1")
    cli(*pair, "--against", "nowhere").refused("Unknown model 'nowhere'")
    cli(*pair, "--json", "x", "--csv", "x").refused("two reports at once")


def test_a_missing_runtime_is_named(cli: Cli, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    cli("compare", made.step, made.loop, *FEW).refused("'onnxruntime' is not installed", "pip install")
