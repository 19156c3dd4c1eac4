from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from trm_edge.bundle import GOLDEN, read_manifest, update_manifest
from trm_edge.cli.main import app
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint, save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant


@dataclass(frozen=True)
class Made:
    bundle: Path
    archive: Path
    checkpoint: Path


def tiny(hidden_size: int = 8) -> RecursiveModel:
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=hidden_size, H_cycles=1, L_cycles=2, halt_max_steps=3)
    model = RecursiveModel(config)
    torch.nn.init.normal_(model.q_head.weight)
    return model.eval()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, model = tmp_path_factory.mktemp("made"), tiny()
    made = Made(folder / "tiny", folder / "tiny.zip", folder / "tiny.safetensors")
    save_checkpoint(made.checkpoint, model, "sudoku-4x4")
    for out in (made.bundle, made.archive):
        export_bundle(Checkpoint(model, "sudoku-4x4"), ExportOptions(steps=3, golden=3), out, name="tiny")
    return made


@pytest.fixture
def made(original: Made, tmp_path: Path) -> Made:
    """A copy that a test may change."""
    shutil.copytree(original.bundle.parent, tmp_path / "made")
    return Made(*(tmp_path / "made" / path.name for path in (original.bundle, original.archive, original.checkpoint)))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["verify", *map(str, arguments), "--threads", "1"])


@pytest.mark.parametrize("form", ["bundle", "archive"])
def test_a_bundle_alone(original: Made, form: str) -> None:
    result = run(getattr(original, form))
    assert result.exit_code == 0, result.output
    assert "all 3 files match their SHA-256" in result.stdout
    assert "3 of 3 answers and 3 of 3 halting steps equal" in result.stdout
    assert "the float model was not compared: pass --against" in result.stdout


def test_against_the_float_model(original: Made, tmp_path: Path) -> None:
    report, chart = tmp_path / "report.json", tmp_path / "chart.svg"
    result = run(original.bundle, "--against", original.checkpoint, "--puzzles", 4, "--json", report, "--svg", chart)
    assert result.exit_code == 0, result.output
    assert "float model: 4 puzzles, 3 steps, halting by act" in result.stdout
    document = json.loads(report.read_text())
    assert document["passed"] is True
    assert document["parity"]["puzzles"] == 4
    assert document["against"] == str(original.checkpoint)
    assert "against the float model</title>" in chart.read_text()


def test_json_alone_on_standard_output(original: Made) -> None:
    result = run(original.bundle, "--against", original.checkpoint, "--puzzles", 2, "--json", "-")
    assert json.loads(result.stdout)["parity"]["puzzles"] == 2


def test_puzzles_halting_and_budget_of_ones_own(original: Made, tmp_path: Path) -> None:
    data = tmp_path / "puzzles.csv"
    data.write_text("question\n1234341221434321\n....34122143432.\n1...............\n")
    arguments = (original.bundle, "--against", original.checkpoint, "--data", data, "--halt", "fixed:2", "--budget", 2)
    parity = json.loads(run(*arguments, "--json", "-").stdout)["parity"]
    assert parity["puzzles"] == 3
    assert parity["confusion"] == [{"float": 2, "bundle": 2, "puzzles": 3}]
    assert len(parity["trajectory"]) == 2
    assert json.loads(run(*arguments, "--puzzles", 2, "--json", "-").stdout)["parity"]["puzzles"] == 2


def test_a_broken_bound_ends_in_one_line_and_exit_code_1(original: Made, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ("--against", original.checkpoint, "--puzzles", 2, "--max-logits-error", 0, "--json", report)
    result = run(original.bundle, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: Parity bounds not kept: local logits error ")
    assert result.stderr.rstrip().endswith("at most 0 allowed")
    assert result.stderr.count("\n") == 1
    assert json.loads(report.read_text())["passed"] is False  # the evidence is kept all the same


def test_another_model_breaks_the_bounds(made: Made) -> None:
    other = tiny()
    with torch.no_grad():
        other.lm_head.weight.neg_()
    save_checkpoint(made.checkpoint, other, "sudoku-4x4", overwrite=True)
    result = run(made.bundle, "--against", made.checkpoint, "--puzzles", 2)
    assert result.exit_code == 1
    assert "local logits error" in result.stderr
    assert "answer agreement 0 %, at least 100 % needed" in result.stderr


def test_golden_vectors_that_are_not_met_fail_without_the_float_model(made: Made) -> None:
    import hashlib

    golden = made.bundle / GOLDEN
    document = json.loads(golden.read_text())
    document["answers"][0][0] = (document["answers"][0][0] + 1) % 6
    golden.write_text(json.dumps(document))
    manifest = json.loads((made.bundle / "manifest.json").read_text())
    data = golden.read_bytes()
    manifest["files"][GOLDEN] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (made.bundle / "manifest.json").write_text(json.dumps(manifest))
    result = run(made.bundle)
    assert result.exit_code == 1
    assert "golden answers 66.66 %, at least 100 % needed" in result.stderr
    assert run(made.bundle, "--min-answer-agreement", 0.5).exit_code == 0


def test_a_changed_file_is_found(made: Made) -> None:
    graph = made.bundle / "model.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    result = run(made.bundle)
    assert result.exit_code == 2
    assert "does not match its SHA-256" in result.stderr


@pytest.mark.parametrize("form", ["bundle", "archive"])
def test_the_result_is_recorded(made: Made, form: str) -> None:
    path = getattr(made, form)
    result = run(path, "--against", made.checkpoint, "--puzzles", 2, "--record")
    assert result.exit_code == 0, result.output
    parity = read_manifest(path).parity
    assert parity is not None
    assert (parity["passed"], parity["puzzles"], parity["steps"]) == (True, 2, 3)
    assert run(path).exit_code == 0


def test_a_failure_is_recorded_as_one(made: Made) -> None:
    update_manifest(made.bundle, parity={"passed": True})
    arguments = ("--against", made.checkpoint, "--puzzles", 2, "--record", "--max-logits-error", 0)
    assert run(made.bundle, *arguments).exit_code == 1
    parity = read_manifest(made.bundle).parity
    assert parity is not None
    assert parity["passed"] is False


@pytest.mark.parametrize(
    "option",
    [
        ("--svg", "x.svg"),
        ("--record",),
        ("--data", "x.csv"),
        ("--halt", "act"),
        ("--budget", 0),
        ("--puzzles", 3),
        ("--max-logits-error", 1),
        ("--max-drop", 0),
        ("--min-carry-cosine", 0.9),
    ],
)
def test_options_of_the_comparison_need_the_float_model(original: Made, option: tuple[object, ...]) -> None:
    result = run(original.bundle, *option)
    assert result.exit_code == 2
    assert f"{option[0]} belongs to the comparison with the float model: add --against" in result.stderr


def test_an_existing_file_is_kept(original: Made, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("mine")
    result = run(original.bundle, "--json", report)
    assert result.exit_code == 2
    assert "exists" in result.stderr
    assert report.read_text() == "mine"
    assert run(original.bundle, "--json", report, "--overwrite").exit_code == 0
    assert json.loads(report.read_text())["parity"] is None


def test_a_model_of_another_shape_is_refused(original: Made, tmp_path: Path) -> None:
    wide = tmp_path / "wide.safetensors"
    save_checkpoint(wide, tiny(16), "sudoku-4x4")
    result = run(original.bundle, "--against", wide, "--puzzles", 2)
    assert result.exit_code == 2
    assert "carry is z_H of 8" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--against", "nowhere.safetensors"), "Unknown model 'nowhere.safetensors'"),
        (("--min-answer-agreement", 99), "must be a share from 0 to 1"),
        (("--min-halting-agreement", "nan"), "must be a share from 0 to 1"),
    ],
)
def test_bad_input_is_one_line(original: Made, arguments: tuple[object, ...], message: str) -> None:
    result = run(original.bundle, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_bad_puzzles_and_counts(original: Made, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("question\n")
    against = (original.bundle, "--against", original.checkpoint)
    assert "no puzzles" in run(*against, "--data", empty).stderr
    assert "count must be at least 1, not 0" in run(*against, "--puzzles", 0).stderr
    assert "halting policy" in run(*against, "--puzzles", 1, "--halt", "sometimes").stderr


def test_the_page_holds_the_verdict(original: Made, tmp_path: Path) -> None:
    alone, whole = tmp_path / "alone.html", tmp_path / "whole.html"
    assert run(original.bundle, "--html", alone).exit_code == 0
    assert "All bounds are kept" in alone.read_text()
    arguments = ("--against", original.checkpoint, "--puzzles", 2, "--max-logits-error", 0, "--html", whole)
    assert run(original.bundle, *arguments).exit_code == 1
    assert "1 of 7 bounds not kept" in whole.read_text()  # the evidence is kept all the same
    assert "exists" in run(original.bundle, "--html", alone).stderr
    assert run(original.bundle, "--html", alone, "--overwrite").exit_code == 0
    assert "two reports at once" in run(original.bundle, "--html", "x", "--json", "x").stderr


def test_a_model_that_loses_puzzles_breaks_the_drop(original: Made, tmp_path: Path) -> None:
    """The float model copies its question, which is right where all is given; the bundle does not."""
    copying = tiny()
    with torch.no_grad():
        for parameter in copying.L_level.parameters():
            parameter.zero_()
        copying.embed_tokens.weight.copy_(10 * torch.eye(6, 8))
        copying.H_init.zero_()
        copying.L_init.zero_()
        copying.lm_head.weight.copy_(torch.eye(6, 8))
    checkpoint, data = tmp_path / "copying.safetensors", tmp_path / "solved.csv"
    save_checkpoint(checkpoint, copying, "sudoku-4x4")
    data.write_text("question\n" + "1234341221434321\n" * 3)
    loose = ("--max-logits-error", 1e9, "--min-answer-agreement", 0, "--min-halting-agreement", 0)
    arguments = (original.bundle, "--against", checkpoint, "--data", data, *loose, "--min-carry-cosine", -1)
    result = run(*arguments)
    assert result.exit_code == 1
    assert "drop of exact accuracy 100.00 points (float model 3, bundle 0 of 3), at most 0 points" in result.stderr
    assert run(*arguments, "--max-drop", 99).exit_code == 1
    assert run(*arguments, "--max-drop", 100).exit_code == 0


def test_the_cosine_of_the_carry_can_be_bound(made: Made) -> None:
    other = tiny()
    with torch.no_grad():
        other.H_init += 5.0
        other.embed_tokens.weight *= 1.5
    save_checkpoint(made.checkpoint, other, "sudoku-4x4", overwrite=True)
    loose = ("--max-logits-error", 1e9, "--min-answer-agreement", 0, "--min-halting-agreement", 0, "--max-drop", 100)
    arguments = (made.bundle, "--against", made.checkpoint, "--puzzles", 2, *loose)
    result = run(*arguments)
    assert result.exit_code == 1
    assert "local cosine of the carry" in result.stderr
    assert "at least 0.999999 needed" in result.stderr
    assert run(*arguments, "--min-carry-cosine", -1).exit_code == 0


def test_a_bound_that_was_asked_for_and_cannot_be_judged_is_an_error(original: Made, tmp_path: Path) -> None:
    loop = export_bundle(
        Checkpoint(tiny(), "sudoku-4x4"),
        ExportOptions(GraphVariant.LOOP, steps=3, golden=2),
        tmp_path / "loop",
        name="tiny",
    )
    arguments = (loop, "--against", original.checkpoint, "--puzzles", 2)
    assert run(*arguments).exit_code == 0
    result = run(*arguments, "--min-carry-cosine", 0.5)
    assert result.exit_code == 2
    assert "only a step graph shows its carry" in result.stderr


def test_another_runtime_may_run_the_bundle(original: Made) -> None:
    assert run(original.bundle, "--runtime", "onnxruntime").exit_code == 0
    result = run(original.bundle, "--runtime", "executorch")
    assert result.exit_code == 2
    assert "executorch" in result.output
    assert "Did you mean 'arm64'" in run(original.bundle, "--runtime", "amr64").output
