from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.profile import memory
from trm_edge.profile.memory import Memory, measure_memory, peak, resident


def test_a_bundle_is_measured_in_a_process_of_its_own(exported: Callable[..., Path]) -> None:
    if resident() is None:
        pytest.skip("needs /proc")
    found = measure_memory(exported(), threads=1)
    assert found.problem == ""
    assert found.load_bytes is not None
    assert found.run_bytes is not None
    assert 0 < found.load_bytes < 100e6, "the engine's library is not counted"
    assert found.run_bytes >= found.load_bytes - 1e6
    assert found.peak_bytes is not None
    assert found.run_bytes <= found.peak_bytes < 200e6, "what loading the library took is forgotten"


def test_a_start_has_its_times(exported: Callable[..., Path]) -> None:
    found = measure_memory(exported(), threads=1, target="cpu")
    assert found.problem == ""
    assert found.load_seconds is not None
    assert found.cold_seconds is not None
    assert 0 < found.load_seconds < found.cold_seconds, "the interpreter and the library count for the start"


def test_what_is_loaded_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t  9 kB\nVmRSS:\t    1234 kB\nVmHWM:\t 2345 kB\n")
    monkeypatch.setattr(memory, "_STATUS", status)
    assert resident() == 1234 * 1024
    assert peak() == 2345 * 1024


def test_a_system_without_proc_has_times_alone(exported: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_STATUS", Path("/nowhere/status"))
    monkeypatch.setattr(memory, "_CLEAR", Path("/nowhere/clear_refs"))
    assert resident() is peak() is None
    assert memory.measure_here(exported(), threads=1).keys() == {"load_seconds", "answered"}


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    found = measure_memory(tmp_path / "nothing")
    assert found.load_bytes is found.run_bytes is None
    assert "nothing" in found.problem
    assert "\n" not in found.problem


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **settings: Any) -> Any:
        raise subprocess.TimeoutExpired("python", settings["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert measure_memory(Path("anything")).problem == "no answer after 300 s"


def test_every_runtime_of_a_format_is_known() -> None:
    from trm_edge.runtimes import BY_FORMAT

    assert set(BY_FORMAT.values()) <= memory._ENGINES.keys()


def test_threads_and_figures_pass_between_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def answer(command: list[str], **_: Any) -> Any:
        asked.append(command)
        said = json.dumps({"load_bytes": 1, "run_bytes": 2, "peak_bytes": 3, "load_seconds": 0.5, "answered": 107.0})
        return subprocess.CompletedProcess(command, 0, stdout=f"noise of a library\n{said}\n", stderr="")

    monkeypatch.setattr(subprocess, "run", answer)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    found = Memory(1, 2, peak_bytes=3, load_seconds=0.5, cold_seconds=7.0)
    assert measure_memory(Path("bundle"), threads=3) == found
    assert measure_memory(Path("bundle"), target="npu") == found
    assert asked[0][-4:] == ["-m", "trm_edge.profile.memory", "bundle", "3"]
    assert asked[1][-3:] == ["bundle", "0", "npu"]
