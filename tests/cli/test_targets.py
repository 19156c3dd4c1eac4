from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from trm_edge.export.targets import base

Cli = Callable[..., Any]


def test_a_target_is_listed_with_its_evidence(cli: Cli) -> None:
    outcome = cli("targets")
    assert outcome.code == 0
    assert outcome.out.startswith("cpu: ")
    assert "evidence: hardware" in outcome.out
    assert "note: fp16: " in outcome.out


@pytest.mark.parametrize(("found", "line"), [(True, "installed"), (False, "pip install 'trm-edge[onnx]'")])
def test_the_runtime_is_installed_or_the_line_that_installs_it_is_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, found: bool, line: str
) -> None:
    monkeypatch.setattr(base, "find_spec", lambda name: object() if found else None)
    assert f"runtime: onnxruntime, {line}\n" in cli("targets").out
    (target,) = json.loads(cli("targets", "--json").out)
    assert target["install"] == (None if found else line)


def test_a_machine_without_the_processor_is_told_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "this machine: has no such processor\n" in cli("targets").out
