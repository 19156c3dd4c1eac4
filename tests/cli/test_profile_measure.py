from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("onnxruntime")

from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.profile import measure, run
from trm_edge.specs import GraphVariant

Cli = Callable[..., Any]
FEW = ("--puzzles", 3, "--repeat", 2, "--warmup", 0, "--cold", 0, "--threads", 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A step graph and a loop graph of a tiny untrained model."""
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=1)
    checkpoint = Checkpoint(RecursiveModel(config).eval(), "sudoku-4x4")
    folder = tmp_path_factory.mktemp("made")
    return [
        export_bundle(checkpoint, ExportOptions(graph=graph, steps=2, golden=1), folder / graph, name="tiny")
        for graph in (GraphVariant.STEP, GraphVariant.LOOP)
    ]


def test_every_report_at_once(cli: Cli, made: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    files = [tmp_path / f"report.{kind}" for kind in ("json", "csv", "svg", "png", "html")]
    options = [option for file in files for option in (f"--{file.suffix[1:]}", file)]
    done = cli("profile", *made, *FEW, "--cold", 1, *options)
    assert done.code == 0, done
    assert "sudoku-4x4: 2 sides on 3 puzzles" in done.out
    document = json.loads(files[0].read_text())
    step, loop = document["sides"]
    assert [len(one["runs"]) for one in (step, loop)] == [2, 0]
    assert [len(one["whole"][0]["rounds"]) for one in (step, loop)] == [2, 2]
    assert step["cold_seconds"][0] > step["load_seconds"][0] > 0
    assert list(document["operators"]) == ["tiny.fp32.onnx-step", "tiny.fp32.onnx-loop"]
    policies = [row["policy"] for row in csv.DictReader(files[1].read_text().splitlines())]
    assert policies[:2] == ["fixed:1", "fixed:2"]
    assert files[2].read_text().startswith("<svg ")
    assert files[3].read_bytes().startswith(b"\x89PNG")
    assert "<h2>Operators</h2>" in files[4].read_text()
    cli("profile", *made, *FEW, *options).refused("exists", "--overwrite")
    assert cli("profile", *made, *FEW, *options, "--overwrite").code == 0


def test_an_import_gives_the_same_report(cli: Cli, made: list[Path], tmp_path: Path) -> None:
    first, again, both = (tmp_path / f"{name}.json" for name in ("first", "again", "both"))
    assert cli("profile", made[0], *FEW, "--json", first, "--html", tmp_path / "a.html").code == 0
    assert cli("profile", "--import", first, "--json", again, "--html", tmp_path / "b.html").code == 0
    assert json.loads(first.read_text()) == json.loads(again.read_text())
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert cli("profile", made[0], *FEW, "--import", first, "--json", both).code == 0
    names = [side["name"] for side in json.loads(both.read_text())["sides"]]
    assert names == ["tiny.fp32.onnx-step", "tiny.fp32.onnx-step (2)"]


def test_settings_and_policies(cli: Cli, made: list[Path]) -> None:
    done = cli("profile", made[0], *FEW, "--batch", "1,2", "--halt", "fixed:1", "--halt", "verified", "--json", "-")
    sides = json.loads(done.out)["sides"]
    assert [(side["threads"], side["batch"]) for side in sides] == [(1, 1), (1, 2)]
    assert [[whole["policy"] for whole in side["whole"]] for side in sides] == [["fixed:1", "verified"]] * 2


def test_puzzles_of_a_file(cli: Cli, made: list[Path], tmp_path: Path) -> None:
    data = tmp_path / "puzzles.csv"
    data.write_text("question,answer\n1234341221434321,1234341221434321\n1...............,1234341221434321\n")
    document = json.loads(cli("profile", made[0], "--data", data, *FEW, "--json", "-").out)
    assert document["data"] == f"2 of {data}"
    assert [solve["puzzle"] for solve in document["sides"][0]["whole"][0]["rounds"][0]] == [0, 1]


def slowed(monkeypatch: pytest.MonkeyPatch, factor: float, *, unless: str = "") -> None:
    """Let the times of solves be longer, or all but those of the sides that have ``unless`` in their names."""
    timed = measure._Meter._timed

    def longer(meter: Any, *arguments: Any) -> Any:
        from dataclasses import replace

        slow = 1.0 if unless and unless in meter._side.name else factor
        return [replace(solve, seconds=(0.01 + solve.puzzle / 1000) * slow) for solve in timed(meter, *arguments)]

    monkeypatch.setattr(measure._Meter, "_timed", longer)
    monkeypatch.setattr(measure, "reference_seconds", lambda like: 0.001)


def test_slower_than_before(cli: Cli, made: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier, now = tmp_path / "earlier.json", tmp_path / "now.json"
    slowed(monkeypatch, 1.0)
    assert cli("profile", made[0], *FEW, "--json", earlier).code == 0
    slowed(monkeypatch, 1.2)
    held = ("--compare-to", earlier, "--fail-if-slower")
    failed = cli("profile", made[0], *FEW, *held, "10%", "--json", now)
    assert failed.code == 1
    assert failed.err.startswith("error: Slower by more than 10%: tiny.fp32.onnx-step takes 1.200 times as long")
    assert failed.err.count("\n") == 1
    assert json.loads(now.read_text())["changes"][0]["ratio"]["value"] == pytest.approx(1.2), "the report is written"
    assert cli("profile", made[0], *FEW, *held, "30%").code == 0


def test_slower_than_a_baseline(cli: Cli, made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    slowed(monkeypatch, 1.2, unless="baseline")
    against = ("--baseline", made[0], "--fail-if-slower")
    done = cli("profile", made[0], *FEW, *against, "10%")
    assert done.code == 1
    assert "as long as baseline tiny.fp32.onnx-step" in done.err
    done = cli("profile", made[0], *FEW, *against, "30%")
    assert done.code == 0
    assert "1 side on 3 puzzles" in done.out, "the baseline is not reported"


def test_ctrl_c_reports_what_there_is(
    cli: Cli, made: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, left = measure._Meter.turn, iter(range(3))

    def limited(meter: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        turn(meter)

    monkeypatch.setattr(measure._Meter, "turn", limited)
    done = cli("profile", *made, *FEW, "--json", tmp_path / "part.json")
    assert done.code == 130
    assert "Interrupted: 1 of 2 rounds were measured." in done.out
    assert len(json.loads((tmp_path / "part.json").read_text())["sides"][0]["runs"]) == 1
    done = cli("profile", *made, *FEW)
    assert (done.code, done.out, done.err) == (130, "", "Interrupted.\n")


def test_operators_that_cannot_be_timed_are_a_remark(
    cli: Cli, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from trm_edge.errors import Refused

    def refuse(*_: Any, **__: Any) -> Any:
        raise Refused("no tracer here")

    monkeypatch.setattr(run, "operator_times", refuse)
    done = cli("profile", made[0], *FEW)
    assert done.code == 0
    assert "The operators of tiny.fp32.onnx-step were not timed: no tracer here" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "1,x"], "--threads takes whole numbers from 1, as 1 or 1,8, not '1,x'"),
        (["--batch", "0"], "--batch takes whole numbers from 1"),
        (["--batch", ""], "--batch takes whole numbers from 1"),
        (["--repeat", "0"], "repeat must be 1 to 10000, not 0"),
        (["--puzzles", "0"], "count must be at least 1, not 0"),
        (["--halt", "sometimes"], "Unknown halting policy 'sometimes'"),
        (["--halt", "act", "--halt", "sometimes"], "Unknown halting policy 'sometimes'"),
        (["--target", "toaster"], "Nothing here runs onnx bundles on 'toaster'"),
        (["--fail-if-slower", "10%"], "needs --compare-to RESULTS.json or --baseline BUNDLE"),
        (["--fail-if-slower", "10", "--compare-to", "x"], "'10' is not a percentage"),
        (["--compare-to", "nowhere.json"], "Cannot read nowhere.json"),
        (["--compare-to", "x", "--baseline", "y"], "give one of them"),
        (["--import", "nowhere.json"], "Cannot read nowhere.json"),
        (["--json", "x", "--html", "x"], "two reports at once"),
    ],
)
def test_bad_input_is_one_line(cli: Cli, made: list[Path], arguments: list[str], message: str) -> None:
    cli("profile", made[0], "--cold", 0, *arguments).refused(message)


def test_nothing_to_profile(cli: Cli, made: list[Path], tmp_path: Path) -> None:
    cli("profile").refused("Name at least one bundle to profile, or results to report with --import")
    cli("profile", made[0], made[0]).refused("are the same bundle")
    cli("profile", "--operators").refused("--operators looks into one bundle, not 0")
    cli("profile", *made, "--operators").refused("--operators looks into one bundle, not 2")
    cli("profile", "--import", made[0] / "golden.json").refused("field 'kind' is missing")
    cli("profile", "--import", "x", "--baseline", made[0]).refused("name a bundle to profile")
    cli("profile", made[1], *FEW, "--halt", "act", "--halt", "stable:2").refused("loop graph halts inside")
