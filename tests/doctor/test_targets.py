from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.doctor import targets
from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.machine import Machine
from trm_edge.doctor.targets import check_environments, check_targets
from trm_edge.environments import ENVIRONMENTS
from trm_edge.environments.base import CACHE_VARIABLE, Environment, Say
from trm_edge.errors import MissingDependency
from trm_edge.export.targets import target_ids
from trm_edge.export.targets.cpu import CpuTarget

Fake = Callable[..., Machine]


class Nothing(Environment):
    """An environment of one empty folder."""

    def _fill(self, say: Say) -> None:
        say("nothing to do")

    def _interpreter(self) -> list[str]:
        return ["python"]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    made = Nothing(name="nothing", purpose="a test", requirements=(), gigabytes=0.1)
    monkeypatch.setattr(targets, "ENVIRONMENTS", {"nothing": made})
    return made


def only(findings: Iterable[Finding]) -> Finding:
    (found,) = findings
    return found


def test_an_environment_is_absent_made_or_half_made(fake: Fake, environment: Environment) -> None:
    found = only(check_environments(fake()))
    assert (found.state, found.mend) == (State.NOTE, "trm-edge targets install nothing")
    environment.install()
    assert only(check_environments(fake())).state is State.OK
    next(environment.folder.glob("*.json")).write_text("{}")
    found = only(check_environments(fake()))
    assert (found.state, found.mend) == (State.PROBLEM, "trm-edge targets install nothing")


def test_without_platformdirs_it_is_a_note(
    fake: Fake, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Environment) -> bool:
        raise MissingDependency("'platformdirs' is not installed. Install it with: pip install it")

    monkeypatch.setattr(Nothing, "installed", refuse)
    found = only(check_environments(fake()))
    assert found.state is State.NOTE
    assert "platformdirs" in found.found


@pytest.mark.parametrize(
    ("installed", "device", "state", "said"),
    [
        (True, "a processor", State.OK, "runs here, on a processor"),
        (True, None, State.NOTE, "no such processor"),
        (False, "a processor", State.NOTE, "not installed"),
    ],
)
def test_targets(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, installed: bool, device: str | None, state: State, said: str
) -> None:
    monkeypatch.setattr(targets, "target_ids", lambda: ["cpu"])
    monkeypatch.setattr(CpuTarget, "installed", lambda self: installed)
    monkeypatch.setattr(CpuTarget, "device", lambda self: device)
    found = only(check_targets(fake()))
    assert (found.name, found.state) == ("cpu", state)
    assert said in found.found
    assert "evidence: hardware" in found.found
    assert bool(found.mend) is not installed


def test_every_target_and_environment_of_the_tables_has_a_finding(fake: Fake, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert [one.name for one in check_targets(fake())] == target_ids()
    assert [one.name for one in check_environments(fake())] == list(ENVIRONMENTS)
