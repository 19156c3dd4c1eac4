from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trm_edge.bundle import MODEL_CARD, read_bundle, read_manifest
from trm_edge.cli.export import model_name, parse_puzzles
from trm_edge.errors import InvalidInput
from trm_edge.model.checkpoint import load_checkpoint, save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant, Precision

Cli = Callable[..., Any]

QUICK = ("--steps", 3, "--golden", 2)
ONE_SUDOKU = "question\n1..4..1..1....2.\n"


def build(**changes: Any) -> RecursiveModel:
    torch.manual_seed(0)
    settings = {"vocab_size": 6, "seq_len": 16, "hidden_size": 8, "H_cycles": 1, "L_cycles": 1, **changes}
    model = RecursiveModel(ModelConfig(**settings)).eval()
    with torch.no_grad():  # untrained models are chaotic; halved, they settle
        for parameter in model.L_level.parameters():
            parameter.mul_(0.5)
        torch.nn.init.normal_(model.q_head.weight)
    return model


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A checkpoint without a puzzle table."""
    path = tmp_path / "my-model.safetensors"
    save_checkpoint(path, build(), "sudoku-4x4")
    return path


@pytest.fixture
def puzzle_model(tmp_path: Path) -> Path:
    """A checkpoint with 20 puzzle embeddings."""
    path = tmp_path / "puzzles.safetensors"
    save_checkpoint(path, build(num_puzzle_identifiers=20, puzzle_emb_ndim=8), "sudoku-4x4")
    return path


# -- success ----------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [one for one in Precision if one is not Precision.W8A16])  # for NPUs
@pytest.mark.parametrize("graph", GraphVariant)
def test_export(cli: Cli, model: Path, graph: GraphVariant, precision: Precision) -> None:
    outcome = cli("export", model, "--out", "made", "--graph", graph, "--precision", precision, *QUICK)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    lines = outcome.out.splitlines()
    assert lines[0] == "made"
    assert lines[1].startswith(f"  onnx {graph} graph, {precision}; ")
    assert "golden vectors: 2 of 2 answers and 2 of 2 halting steps equal" in outcome.out
    with read_bundle(Path("made")) as bundle:
        assert (bundle.manifest.graph, bundle.manifest.precision, bundle.manifest.steps) == (graph, precision, 3)
        assert len(bundle.golden()) == 2
        stats = bundle.manifest.graph_stats
        if stats["integer_share"]:
            count = sum(stats["products"].get(kind, 0) for kind in ("static", "dynamic"))
            assert f"{count} of {count} integer products" in outcome.out
        assert f"{stats['file_bytes']:,} bytes = {stats['file_to_weights']:.3f} x the weights" in outcome.out


def test_the_default_name_and_an_archive(cli: Cli, model: Path) -> None:
    assert cli("export", model, *QUICK).code == 0
    assert os.listdir() == ["my-model.fp32.onnx-step"]
    assert read_manifest(Path("my-model.fp32.onnx-step")).name == "my-model.fp32.onnx-step"
    assert cli("export", model, "--out", "other.zip", *QUICK).code == 0
    assert Path("other.zip").is_file()
    assert read_manifest(Path("other.zip")).name == "my-model.fp32.onnx-step"


def test_the_folder_names_a_model_and_its_card_travels(cli: Cli, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sudoku-tiny"
    folder.mkdir()
    model.rename(folder / "model.safetensors")
    (folder / MODEL_CARD).write_text("# Tiny\n\nLicence: ©\n", encoding="utf-8")
    assert cli("export", folder, *QUICK).code == 0
    made = Path("sudoku-tiny.fp32.onnx-step")
    assert (made / MODEL_CARD).read_text(encoding="utf-8") == "# Tiny\n\nLicence: ©\n"


def test_model_name() -> None:
    assert model_name(Path("/a/sudoku-9x9/model.safetensors")) == "sudoku-9x9"
    assert model_name(Path("/a/mine.v2.safetensors")) == "mine.v2"


def test_golden_puzzles_from_a_file(cli: Cli, model: Path) -> None:
    Path("data.csv").write_text(ONE_SUDOKU)
    assert cli("export", model, "--out", "made", "--golden-data", "data.csv", *QUICK).code == 0
    with read_bundle(Path("made")) as bundle:
        assert bundle.golden().tokens.tolist() == [[2, 1, 1, 5, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 3, 1]]


def test_a_name_full_of_brackets_and_longer_than_a_line(cli: Cli, model: Path) -> None:
    out = "[/red][bold]" + "x" * 100
    outcome = cli("export", model, "--out", out, *QUICK)
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == out


def test_without_verify_nothing_is_run(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trm_edge.runtimes

    monkeypatch.setattr(trm_edge.runtimes, "open_session", lambda *_, **__: pytest.fail("ran"))
    outcome = cli("export", model, "--no-verify", *QUICK)
    assert outcome.code == 0
    assert "golden" not in outcome.out


def test_a_graph_that_differs_from_the_float_model_fails(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trm_edge.export.graphs import build_graph

    def wrong(checkpoint: RecursiveModel, *arguments: Any, **named: Any) -> Any:
        other = load_checkpoint(model).model
        with torch.no_grad():
            other.lm_head.weight.neg_()
        return build_graph(other, *arguments, **named)

    monkeypatch.setattr("trm_edge.export.write_onnx.build_graph", wrong)
    outcome = cli("export", model, "--out", "made", *QUICK)
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    assert "golden answers" in outcome.err


# -- puzzle embeddings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("3", (3,)),
        ("7,3", (7, 3)),
        ("0-2, 19", (0, 1, 2, 19)),
        ("5-5", (5,)),
        ("all", tuple(range(20))),
    ],
)
def test_puzzles(cli: Cli, puzzle_model: Path, text: str, kept: tuple[int, ...]) -> None:
    assert cli("export", puzzle_model, "--out", "made", "--puzzles", text, *QUICK).code == 0
    assert read_manifest(Path("made")).puzzles == kept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20", "Puzzle id 20 is out of range. The model has ids 0 to 19."),
        ("3-20", "Puzzle id 20 is out of range."),
        ("0-9999999999", "Puzzle id 9999999999 is out of range."),
        ("3,3", "puzzles = [3, 3] names a puzzle twice."),
        ("1-3,2", "names a puzzle twice."),
        *(
            (text, f"--puzzles '{text}' is not a list of ids. Write for example 3,7,10-19 or all.")
            for text in ("", "x", "3,", "7-3", "3-", "1-2-3", "1.5", "²", "9" * 5000)
        ),
    ],
)
def test_bad_puzzles(cli: Cli, puzzle_model: Path, text: str, words: str) -> None:
    cli("export", puzzle_model, "--puzzles", text, *QUICK).refused(words)
    assert os.listdir() == []


def test_a_negative_puzzle(puzzle_model: Path) -> None:
    with pytest.raises(InvalidInput, match="--puzzles '-1' is not a list of ids"):
        parse_puzzles("-1", load_checkpoint(puzzle_model))


def test_a_whole_table_is_not_exported_by_accident(cli: Cli, puzzle_model: Path) -> None:
    cli("export", puzzle_model, *QUICK).refused("20 puzzle embeddings", "--puzzles 3,7 or --puzzles all")


@pytest.mark.parametrize("text", ["0", "all"])
def test_puzzles_of_a_model_without_a_table(cli: Cli, model: Path, text: str) -> None:
    cli("export", model, "--puzzles", text, *QUICK).refused("The model has no puzzle embedding. Leave --puzzles out.")


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--steps", 0), "steps = 0 is out of range. Allowed: 1 to 4096."),
        (("--opset", 17), "opset = 17 is out of range. Allowed: 18 to 23."),
        (("--golden", 0), "golden = 0 is out of range."),
        (("--target", "cpus"), "Unknown target 'cpus'."),
        (("--golden-data", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_bad_options(cli: Cli, model: Path, arguments: tuple[object, ...], words: str) -> None:
    cli("export", model, *arguments).refused(words)
    assert os.listdir() == []


@pytest.mark.parametrize("arguments", [("--precision", "fp8"), ("--graph", "rolled"), ("--format", "pte")])
def test_unknown_names_get_the_list(cli: Cli, model: Path, arguments: tuple[str, str]) -> None:
    outcome = cli("export", model, *arguments)
    assert outcome.code == 2
    assert f"'{arguments[1]}' is not one of" in outcome.err


def test_golden_data_without_puzzles(cli: Cli, model: Path) -> None:
    Path("empty.csv").write_text(ONE_SUDOKU.splitlines()[0] + "\n")
    cli("export", model, "--golden-data", "empty.csv", *QUICK).refused("empty.csv")


def test_a_card_in_another_encoding(cli: Cli, model: Path) -> None:
    model.with_name(MODEL_CARD).write_bytes(b"caf\xe9")
    cli("export", model, *QUICK).refused("is not UTF-8 text")


def test_what_is_there_is_replaced_only_when_asked(cli: Cli, model: Path) -> None:
    assert cli("export", model, "--out", "made", *QUICK).code == 0
    cli("export", model, "--out", "made", "--graph", "loop", *QUICK).refused("made exists", "--overwrite")
    assert read_manifest(Path("made")).graph is GraphVariant.STEP
    assert cli("export", model, "--out", "made", "--graph", "loop", "--overwrite", *QUICK).code == 0
    assert read_manifest(Path("made")).graph is GraphVariant.LOOP


def test_a_model_that_is_not_there(cli: Cli) -> None:
    cli("export", "sudoku-90x90").refused("Unknown model 'sudoku-90x90'. Allowed: ")


def test_a_file_that_is_no_checkpoint(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8" * 100)
    cli("export", tmp_path / "photo.jpg").refused("Cannot read")


def test_a_task_that_is_not_known(cli: Cli, model: Path) -> None:
    save_checkpoint(model, build(), "chess-8x8", overwrite=True)
    cli("export", model, *QUICK).refused("Unknown task 'chess-8x8'")


def test_a_task_that_the_model_does_not_fit(cli: Cli, model: Path) -> None:
    save_checkpoint(model, build(), "sudoku-9x9", overwrite=True)
    cli("export", model, *QUICK).refused("reads 16 tokens of 6 values, but its task 'sudoku-9x9' has 81 of 11")
    assert os.listdir() == []


def test_ctrl_c(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trm_edge.export.write_onnx.to_bytes", interrupted)
    outcome = cli("export", model, *QUICK)
    assert (outcome.code, outcome.err) == (130, "Interrupted.\n")
    assert os.listdir() == []


@pytest.mark.parametrize("package", ["onnx", "torch", "safetensors"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # makes its import fail
    cli("export", model).refused(f"'{package}' is not installed", "pip install 'trm-edge[export]'")


# -- int8 -------------------------------------------------------------------------------------


def test_the_ranges_and_their_drift_are_shown(cli: Cli, model: Path) -> None:
    outcome = cli("export", model, "--out", "made", "--precision", "w8a8", "--calibration", "min-max", *QUICK)
    assert outcome.code == 0, outcome
    for text in (outcome.out, cli("inspect", "made").out):
        assert "100% of the network's products in integers" in text
        assert "calibrated by method min-max" in text
        assert "L0.c.inner" in text
        assert "drift 1." in text


def test_calibration_puzzles_come_from_all_over_a_file(cli: Cli, model: Path) -> None:
    assert cli("generate", "--task", "sudoku-4x4", "--count", "9", "--out", "puzzles.csv").code == 0
    arguments = ("--calibration-data", "puzzles.csv", "--calibration-samples", "4", *QUICK)
    outcome = cli("export", model, "--out", "made", "--precision", "w8a8", *arguments)
    assert outcome.code == 0, outcome
    with read_bundle(Path("made")) as bundle:
        assert bundle.manifest.graph_stats["quantization"]["calibration"]["puzzles"] == 4


def test_the_search_prints_what_it_decided_from(cli: Cli, model: Path) -> None:
    outcome = cli("export", model, "--out", "made", "--precision", "auto", "--calibration-samples", "8", *QUICK)
    assert outcome.code == 0, outcome
    assert "search on 4 puzzles: float" in outcome.out
    assert "L0.c.in alone" in outcome.out
    assert "all static" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--calibration", "mse"], "--calibration is for int8 activations, not for fp32"),
        (["--calibration-data", "x.csv"], "--calibration-data is for int8 activations, not for fp32"),
        (["--precision", "w8a8", "--calibration", "kl"], "calibration = 'kl' is unknown. Allowed: min-max, percentile"),
        (["--precision", "w8a8", "--calibration-samples", "0"], "calibration-samples = 0 is out of range"),
        (["--precision", "w8a8", "--optimize-for", "arm"], "Unknown processor 'arm'"),
        (["--precision", "auto", "--max-drop", "101"], "max-drop = 101.0 is out of range"),
        (["--backend", "portable"], "backend = portable is for --format executorch"),
    ],
)
def test_bad_int8_options(cli: Cli, model: Path, arguments: list[str], message: str) -> None:
    outcome = cli("export", model, "--out", "made", *arguments, *QUICK)
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not Path("made").exists()
