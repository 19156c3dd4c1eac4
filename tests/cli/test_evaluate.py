from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from trm_edge.cli.main import app
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel

ROWS = (
    "easy,1234341221434321,1234341221434321,1",
    "hard,1...............,1234341221434321,2",
    "hard,12..............,,",
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=2, halt_max_steps=3)
    checkpoint = Checkpoint(RecursiveModel(config).eval(), "sudoku-4x4")
    out = tmp_path_factory.mktemp("made") / "tiny"
    return export_bundle(checkpoint, ExportOptions(steps=3, golden=1), out, name="tiny")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "puzzles.csv"
    path.write_text("\n".join(("source,question,answer,rating", *ROWS, "")))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--threads", "1"])


def document(*arguments: object) -> dict[str, object]:
    result = run(*arguments, "--json", "-")
    assert result.exit_code == 0, result.output
    parsed: dict[str, object] = json.loads(result.stdout)
    return parsed


def test_generated_puzzles(bundle: Path) -> None:
    result = run(bundle, "--generate", 6)
    assert result.exit_code == 0, result.output
    assert "tiny.fp32.onnx-step: 6 puzzles, halting by act, at most 3 steps" in result.stdout
    assert "exact answers" in result.stdout
    assert "givens" in result.stdout


def test_equal_seeds_give_equal_puzzles(bundle: Path) -> None:
    def figures(found: dict[str, object]) -> tuple[object, ...]:
        return found["cells"], found["blank_cells"], found["groups"]

    first, second, third = (document(bundle, "--generate", 32, "--seed", seed) for seed in (1, 1, 2))
    assert figures(first) == figures(second)
    assert figures(first) != figures(third)
    assert first["data"] == "generated, seed 1"


@pytest.mark.parametrize("name", ["--generate-option", "--option"])
def test_options_reach_the_generator(bundle: Path, name: str) -> None:
    groups = document(bundle, "--generate", 4, name, "givens=9")["groups"]
    assert isinstance(groups, list)
    assert [group["group"] for group in groups] == ["7+ givens"]


def test_a_file(bundle: Path, data: Path) -> None:
    found = document(bundle, "--data", data, "--by", "source")
    assert (found["puzzles"], found["data"], found["unjudged"]) == (3, str(data), 0)
    groups = found["groups"]
    assert isinstance(groups, list)
    assert [(group["group"], group["puzzles"]) for group in groups] == [("hard", 2), ("easy", 1)]


def test_limit_halt_and_budget(bundle: Path, data: Path) -> None:
    found = document(bundle, "--data", data, "--limit", 2, "--halt", "stable:9", "--budget", 2, "--by", "none")
    assert (found["puzzles"], found["policy"], found["budget"]) == (2, "stable:9", 2)
    assert found["steps"] == [{"step": 2, "puzzles": 2}]
    assert found["halted"] == 0
    assert found["groups"] == []


def test_the_file_is_written_once(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    assert run(bundle, "--generate", 1, "--json", out).exit_code == 0
    assert json.loads(out.read_text())["puzzles"] == 1
    result = run(bundle, "--generate", 2, "--json", out)
    assert result.exit_code == 2
    assert "exists" in result.stderr
    assert run(bundle, "--generate", 2, "--json", out, "--overwrite").exit_code == 0
    assert json.loads(out.read_text())["puzzles"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--data FILE or --generate N, one of the two"),
        (("--data", "x.csv", "--generate", 1), "one of the two"),
        (("--data", "missing.csv"), "Cannot read missing.csv"),
        (("--data", "x.csv", "--seed", 1), "belong to --generate"),
        (("--data", "x.csv", "--option", "givens=9"), "belong to --generate"),
        (("--data", "x.csv", "--limit", 0), "--limit must be at least 1, not 0"),
        (("--generate", 1, "--limit", 1), "--limit belongs to --data"),
        (("--generate", 0), "count must be at least 1, not 0"),
        (("--generate", 1, "--option", "givens"), "is not NAME=VALUE"),
        (("--generate", 1, "--option", "colour=3"), "Unknown option of the sudoku generator"),
        (("--generate", 1, "--by", "givens2"), "Did you mean 'givens'?"),
        (("--generate", 1, "--halt", "never"), "halting policy"),
        (("--generate", 1, "--batch-size", 0), "batch size must be at least 1"),
    ],
)
def test_bad_input_is_one_line(bundle: Path, arguments: tuple[object, ...], message: str) -> None:
    result = run(bundle, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_bad_puzzle_names_its_line(bundle: Path, tmp_path: Path) -> None:
    data = tmp_path / "bad.csv"
    data.write_text("question\n1234341221434321\n12\n")
    result = run(bundle, "--data", data)
    assert result.exit_code == 2
    assert "bad.csv: line 3" in result.stderr
