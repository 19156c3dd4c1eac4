from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trm_edge.environments import ENVIRONMENTS, Environment
from trm_edge.environments.base import Say
from trm_edge.errors import TrmEdgeError
from trm_edge.export.targets import base, target_ids

Cli = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Quick(Environment):
    """An environment that is made at once, or fails."""

    fails: bool = False

    def _fill(self, say: Say) -> None:
        say("installing a very long line " + "x" * 500)
        if self.fails:
            raise TrmEdgeError("Cannot install nothing: no matching distribution")

    def _interpreter(self) -> list[str]:
        return [sys.executable]


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quick:
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path / "cache"))
    made = Quick(name="quick", purpose="testing", requirements=("nothing",), gigabytes=0.1)
    monkeypatch.setitem(ENVIRONMENTS, "quick", made)
    return made


def described(cli: Cli, id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in json.loads(cli("targets", "--json").out) if t["id"] == id)
    return found


def test_every_target_is_listed_with_its_evidence(cli: Cli) -> None:
    outcome = cli("targets")
    assert outcome.code == 0
    assert outcome.out.startswith("cpu: ")
    assert "evidence: hardware" in outcome.out
    assert "note: fp16: " in outcome.out
    assert "  runs: executorch step: fp32, w8a8-dynamic, w8a8\n" in outcome.out
    assert [line.partition(":")[0] for line in outcome.out.splitlines() if line[0] != " "] == target_ids()


@pytest.mark.parametrize(("found", "line"), [(True, "installed"), (False, "pip install 'trm-edge[onnx]'")])
def test_the_runtime_is_installed_or_the_line_that_installs_it_is_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, found: bool, line: str
) -> None:
    monkeypatch.setattr(base, "find_spec", lambda name: object() if found else None)
    assert f"runtime: onnxruntime, {line}\n" in cli("targets").out
    assert described(cli, "cpu")["install"] == (None if found else line)


def test_a_machine_without_the_processor_is_told_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert described(cli, "cpu")["device"] is None
    assert "this machine: has no such processor\n" in cli("targets").out


def test_an_environment_is_made_once_and_removed(cli: Cli, quick: Quick) -> None:
    outcome = cli("targets", "install", "quick")
    assert outcome.code == 0
    assert outcome.out == f"installed quick in {quick.folder}\n"
    assert quick.installed()
    marker = (quick.folder / "installed.json").stat().st_ino
    again = cli("targets", "install", "quick")
    assert "is there already" in again.out
    assert (quick.folder / "installed.json").stat().st_ino == marker
    assert cli("targets", "install", "quick", "--overwrite").code == 0
    assert cli("targets", "remove", "quick").out == f"removed {quick.folder}\n"
    assert not quick.folder.exists()
    cli("targets", "remove", "quick").refused("There is no environment 'quick'")


def test_an_environment_that_cannot_be_made(cli: Cli, quick: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        ENVIRONMENTS, "quick", Quick(name="quick", purpose="p", requirements=(), gigabytes=1, fails=True)
    )
    outcome = cli("targets", "install", "quick")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == "error: Cannot install nothing: no matching distribution"
    cli("targets", "install", "quack").refused("Unknown environment 'quack'", "Did you mean 'quick'?")
