"""What an export for an accelerator says about itself, and the commands that run in an environment of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_manifest
from trm_edge.environments import ENVIRONMENTS, Environment
from trm_edge.environments.base import Say
from trm_edge.errors import MissingDependency
from trm_edge.export.targets import TARGETS
from trm_edge.export.targets.cpu import CpuTarget
from trm_edge.runtimes import BY_TARGET, RUNTIMES
from trm_edge.runtimes.onnxruntime import OnnxRuntimeSession
from trm_edge.runtimes.placement import Placement
from trm_edge.specs import Format

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

Cli = Callable[..., Any]
QUICK = ("--steps", 2, "--golden", 1)
PLACED = Placement("XPU", 7, {}, "nodes")


@dataclass(frozen=True, kw_only=True)
class Accelerator(CpuTarget):
    """A processor that takes what the CPU takes."""

    id: str = "xpu"


class Accelerated(OnnxRuntimeSession):
    """The CPU, under another name."""

    placed: Placement | None = PLACED

    def placement(self) -> Placement | None:
        return self.placed


class Absent(OnnxRuntimeSession):
    """A runtime that is not installed."""

    def _open(self, bundle: Any, options: Mapping[str, Any]) -> None:
        raise MissingDependency("'xpu' is not installed. Install it with: pip install 'trm-edge[xpu]'")


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xpu", sys.modules[__name__])
    monkeypatch.setitem(TARGETS, "xpu", "xpu:Accelerator")
    monkeypatch.setitem(RUNTIMES, "xpu", "xpu:Accelerated")
    monkeypatch.setitem(BY_TARGET, ("xpu", Format.ONNX), "xpu")


def export(cli: Cli, out: Path, *more: object) -> Any:
    return cli("export", "sudoku-4x4", "--target", "xpu", "--out", out, *QUICK, *more)


def test_the_placement_is_said_and_recorded(cli: Cli, tmp_path: Path) -> None:
    outcome = export(cli, tmp_path / "b", "--require-full")
    assert outcome.code == 0, outcome
    assert "placement: all 7 nodes on XPU" in outcome.out
    assert read_manifest(tmp_path / "b").placement == PLACED.to_dict()
    inspected = cli("inspect", tmp_path / "b").out
    assert "placement  all 7 nodes on XPU (nodes)\n" in inspected
    assert json.loads(cli("inspect", tmp_path / "b", "--json").out)["placement"]["whole"] is True


def test_the_name_of_a_bundle_says_its_target(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("export", "sudoku-4x4", "--target", "xpu", *QUICK, "--no-verify").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["sudoku-4x4.fp32.onnx-step.xpu"]


def test_a_partial_placement_is_said_or_an_error(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Accelerated, "placed", Placement("XPU", 5, {"Gather": 2}, "nodes"))
    outcome = export(cli, tmp_path / "b")
    assert outcome.code == 0
    assert "placement: 5 of 7 nodes on XPU; not 2 Gather" in outcome.out
    assert "warning" in outcome.out
    outcome = export(cli, tmp_path / "b", "--overwrite", "--require-full")
    assert outcome.code == 1
    assert outcome.err.startswith("error: 5 of 7 nodes on XPU; not 2 Gather. Leave --require-full out")


def test_a_runtime_that_does_not_say(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Accelerated, "placed", None)
    assert export(cli, tmp_path / "b").code == 0
    assert read_manifest(tmp_path / "b").placement is None
    assert export(cli, tmp_path / "c", "--require-full").code == 1


def test_a_runtime_that_is_not_here(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES, "xpu", "xpu:Absent")
    outcome = export(cli, tmp_path / "b")
    assert outcome.code == 0
    assert "not run: 'xpu' is not installed" in outcome.out
    outcome = export(cli, tmp_path / "c", "--require-full")
    assert outcome.code == 2
    assert "pip install 'trm-edge[xpu]'" in outcome.err


def test_a_target_that_nothing_here_runs(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BY_TARGET, ("xpu", Format.ONNX))
    outcome = export(cli, tmp_path / "b")
    assert outcome.code == 0
    assert "not run: Nothing here runs onnx bundles on 'xpu'" in outcome.out


# -- contexts of Qualcomm's NPU ---------------------------------------------------------------


def test_contexts_are_refused_before_the_work(cli: Cli, tmp_path: Path) -> None:
    export(cli, tmp_path / "b", "--context", "v75").refused("--context is for --target qualcomm-npu, not for xpu")
    pytest.importorskip("onnxruntime_qnn")
    command = ("export", "sudoku-4x4", "--target", "qualcomm-npu", "--out", tmp_path / "b")
    cli(*command, "--context", "v74").refused("Unknown HTP architecture 'v74'")
    assert not (tmp_path / "b").exists()


# -- another interpreter ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Echo(Environment):
    """An environment whose interpreter says what it was asked to run, and fails."""

    def _fill(self, say: Say) -> None:
        (self.folder / "echo.py").write_text(
            "import os, sys\n"
            "open(os.environ['SAID'], 'w').write(repr(sys.argv[3:]) + os.environ['TRM_EDGE_ENVIRONMENT'])\n"
            "sys.exit(7)\n"
        )

    def _interpreter(self) -> list[str]:
        return [sys.executable, str(self.folder / "echo.py")]


def test_the_command_runs_again_in_the_environment(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path))
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    echo = Echo(name="echo", purpose="testing", requirements=(), gigabytes=0.1)
    monkeypatch.setitem(ENVIRONMENTS, "echo", echo)
    monkeypatch.setitem(TARGETS, "xpu", "xpu:Elsewhere")
    cli("export", "sudoku-4x4", "--target", "xpu").refused("trm-edge targets install echo")
    echo.install()
    outcome = cli("export", "sudoku-4x4", "--target", "xpu", "--golden", 1)
    assert outcome.code == 7
    said = (tmp_path / "said").read_text()
    assert said == "['trm_edge', 'export', 'sudoku-4x4', '--target', 'xpu', '--golden', '1']echo"


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Accelerator):
    """The same processor, whose tools live elsewhere."""

    environment: str | None = "echo"
    exports_there: bool = True
