from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trm_edge.doctor import checks
from trm_edge.doctor.finding import Finding, note, problem
from trm_edge.doctor.machine import Machine

Cli = Callable[..., Any]


def check_absent(machine: Machine) -> Iterator[Finding]:
    yield note("adb", "not installed", "apt-get install adb")


def check_broken(machine: Machine) -> Iterator[Finding]:
    yield problem("onnx", "broken", "pip install onnx")


def test_absent_things_are_notes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", {"tools": (check_absent,)})
    done = cli("doctor")
    assert (done.code, done.err) == (0, "")
    assert "adb: not installed\n           -> apt-get install adb\nNothing is broken; 1 notes.\n" in done.out


def test_broken_things_end_with_exit_code_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", {"packages": (check_broken,), "tools": (check_absent,)})
    assert cli("doctor").code == 1
    done = cli("doctor", "--json")
    document = json.loads(done.out)
    assert (done.code, document["well"]) == (1, False)
    assert document["findings"]["packages"] == [
        {"state": "problem", "name": "onnx", "found": "broken", "mend": "pip install onnx"}
    ]
