from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_bundle, read_manifest
from trm_edge.environments.base import CACHE_VARIABLE
from trm_edge.runtimes import open_session
from trm_edge.verify.golden import check_golden

Cli = Callable[..., Any]
WALK = ("--format", "onnx", "--graph", "step", "--precision", "fp32", "--precision", "w8")
FEW = ("--puzzles", 24, "--repeat", 1, "--threads", 1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cached(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))


@pytest.fixture
def bundles(cli: Cli, cache: Path) -> list[Path]:
    """Two bundles of the 4x4 solver, from the cache."""
    if not (cache / "tune").is_dir():
        assert cli("tune", "sudoku-4x4", "--max-latency", 1e-6, *WALK, *FEW).code == 1
    return sorted((cache / "tune").iterdir())


def test_a_model_becomes_the_bundle_that_suits_the_wish(cli: Cli, tmp_path: Path, cache: Path) -> None:
    out, files = tmp_path / "best", [tmp_path / f"report.{kind}" for kind in ("json", "svg", "html")]
    reports = [option for file in files for option in (f"--{file.suffix[1:]}", file)]
    done = cli("tune", "sudoku-4x4", "--min-accuracy", 60, *WALK, *FEW, "--out", out, *reports)
    assert done.code == 0, done
    assert f"wrote {out}" in done.out
    document = json.loads(files[0].read_text())
    assert document["met"] is True
    assert document["puzzles"] == {"chosen_on": 12, "judged_on": 12}
    assert len(document["tried"]) == 2
    chosen = document["chosen"]
    assert chosen["bundle"] == str(out)
    assert chosen["exact_low"] >= 0.6
    manifest = read_manifest(out)
    assert manifest.halting.max_steps == chosen["budget"]
    (measured,) = manifest.latency
    assert measured["puzzles"] == 12
    assert files[1].read_text().startswith("<svg ")
    assert "the chosen one" in files[1].read_text()
    assert "What was tried" in files[2].read_text()
    with read_bundle(out) as bundle, open_session(bundle) as session:
        golden = check_golden(session, bundle.golden())
    assert golden.answers == golden.halting_steps == golden.puzzles == 4
    assert len(list((cache / "tune").iterdir())) == 2
    cli("tune", "sudoku-4x4", "--min-accuracy", 60, *WALK, *FEW, "--out", out).refused("exists", "--overwrite")


def test_bundles_are_taken_as_they_are(cli: Cli, tmp_path: Path, bundles: list[Path]) -> None:
    done = cli("tune", *bundles, "--max-latency", 1000, *FEW, "--out", tmp_path / "best.zip", "--json", "-")
    assert done.code == 0, done
    document = json.loads(done.out)
    assert document["chosen"]["source"] in map(str, bundles)
    with read_bundle(tmp_path / "best.zip") as bundle:
        assert bundle.manifest.halting.max_steps == document["chosen"]["budget"]


def test_nothing_that_suits_ends_with_exit_code_1_and_the_nearest(
    cli: Cli, tmp_path: Path, bundles: list[Path]
) -> None:
    out, page = tmp_path / "best", tmp_path / "report.html"
    done = cli("tune", *bundles, "--max-latency", 0.0001, *FEW, "--out", out, "--html", page)
    assert done.code == 1
    assert done.err.startswith("error: Nothing that was tried is at most 0.0001 ms a puzzle (p50). The nearest is ")
    assert not out.exists()
    assert "The nearest is" in page.read_text()


def test_bad_input_is_one_line(cli: Cli, tmp_path: Path, bundles: list[Path]) -> None:
    cli("tune", *bundles).refused("Say what you want", "--max-latency MS or --min-accuracy")
    cli("tune", "sudoku-4x4", "--min-accuracy", 99, *FEW).refused("give --puzzles 762")
    cli("tune", "nonsense", "--max-latency", 1).refused("Unknown model 'nonsense'")
    cli("tune", "sudoku-4x4", "sudoku-9x9", "--max-latency", 1).refused("Give one model, or bundles only")
    cli("tune", *bundles, "--max-latency", 1, "--precision", "w8").refused("--precision says how to export a model")
    cli("tune", bundles[0], bundles[0], "--max-latency", 1, *FEW).refused("is given twice")
    cli("tune", *bundles, "--max-latency", 1, "--threads", "x").refused("--threads takes whole numbers")
    cli("tune", *bundles, "--max-latency", 1, "--puzzles", 1).refused("at least 2 puzzles")
    cli("tune", *bundles, "--max-latency", 1, "--latency", "p95").refused("Unknown latency 'p95'")
    cli("tune", "sudoku-4x4", "--max-latency", 1, "--target", "toaster").refused("Unknown target 'toaster'")
    impossible = ("--format", "executorch", "--graph", "loop")
    cli("tune", "sudoku-4x4", "--max-latency", 1, *impossible).refused("'cpu' runs nothing of what is asked for")
    (tmp_path / "one.csv").write_text("question,answer\n1234341221434321,1234341221434321\n")
    cli("tune", *bundles, "--max-latency", 1, "--data", tmp_path / "one.csv").refused("at least 2 puzzles")
