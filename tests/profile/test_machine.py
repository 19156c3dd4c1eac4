from __future__ import annotations

import subprocess
import time
from itertools import count
from typing import Any

import pytest

from trm_edge.profile import machine
from trm_edge.profile.machine import machine_facts, reference_seconds


def test_the_machine_names_itself() -> None:
    facts = machine_facts()
    assert facts["os"]
    assert facts["architecture"]


def test_a_system_without_a_shell_tells_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError("sh")

    monkeypatch.setattr(subprocess, "run", missing)
    assert list(machine_facts()) == ["os", "architecture"]


def test_the_work_is_as_long_as_what_is_held_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that ticks once a look: a piece takes one tick, and a go of n pieces 2 n + 1."""
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    assert reference_seconds() == 3.0
    assert reference_seconds(like=10.0) == 21 / 10
    monkeypatch.setattr(machine, "_MOST_PIECES", 20)
    assert reference_seconds(like=1e9) == 41 / 20, "there is an end to it"
