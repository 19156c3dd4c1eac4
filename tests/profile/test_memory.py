from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.profile import memory
from trm_edge.profile.memory import Memory, measure_memory, resident


def test_a_bundle_is_measured_in_a_process_of_its_own(exported: Callable[..., Path]) -> None:
    if resident() is None:
        pytest.skip("needs /proc")
    found = measure_memory(exported(), threads=1)
    assert found.problem == ""
    assert found.load_bytes is not None
    assert found.run_bytes is not None
    assert 0 < found.load_bytes < 100e6, "the engine's library is not counted"
    assert found.run_bytes >= found.load_bytes - 1e6


def test_what_is_loaded_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t  9 kB\nVmRSS:\t    1234 kB\n")
    monkeypatch.setattr(memory, "_STATUS", status)
    assert resident() == 1234 * 1024


def test_a_system_without_proc_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_STATUS", Path("/nowhere/status"))
    assert resident() is None
    assert measure_memory(Path("anything")) == Memory()


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    if resident() is None:
        pytest.skip("needs /proc")
    found = measure_memory(tmp_path / "nothing")
    assert found.load_bytes is found.run_bytes is None
    assert "nothing" in found.problem
    assert "\n" not in found.problem


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **settings: Any) -> Any:
        raise subprocess.TimeoutExpired("python", settings["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    monkeypatch.setattr(memory, "resident", lambda: 1)
    assert measure_memory(Path("anything")).problem == "no answer after 300 s"


def test_every_runtime_of_a_format_is_known() -> None:
    from trm_edge.runtimes import BY_FORMAT

    assert set(BY_FORMAT.values()) <= memory._ENGINES.keys()


def test_threads_and_figures_pass_between_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def answer(command: list[str], **_: Any) -> Any:
        asked.append(command)
        said = json.dumps({"load_bytes": 1, "run_bytes": 2, "problem": ""})
        return subprocess.CompletedProcess(command, 0, stdout=f"noise of a library\n{said}\n", stderr="")

    monkeypatch.setattr(subprocess, "run", answer)
    monkeypatch.setattr(memory, "resident", lambda: 1)
    assert measure_memory(Path("bundle"), threads=3) == Memory(1, 2)
    assert asked[0][-4:] == ["-m", "trm_edge.profile.memory", "bundle", "3"]
