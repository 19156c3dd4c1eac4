"""Environments of their own: complete or not there, started without our packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from trm_edge.environments import ENVIRONMENTS, environment
from trm_edge.environments.base import Environment, Say, cache_folder
from trm_edge.errors import InvalidInput, MissingDependency, TrmEdgeError


@dataclass(frozen=True, kw_only=True)
class Ours(Environment):
    """An environment that is this very interpreter, so that nothing is installed."""

    fails: bool = False

    def _fill(self, say: Say) -> None:
        say("filling")
        (self.folder / "half").write_text("done")
        if self.fails:
            raise TrmEdgeError("the disk is full")

    def _interpreter(self) -> list[str]:
        return [sys.executable]


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ours:
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path / "cache"))
    return Ours(name="ours", purpose="testing", requirements=("nothing==1",), gigabytes=0.1)


def test_it_is_installed_once_it_is_complete(ours: Ours) -> None:
    assert not ours.installed()
    said: list[str] = []
    ours.install(said.append)
    assert ours.installed()
    assert said == ["filling"]


def test_one_that_failed_half_way_is_not_installed(ours: Ours) -> None:
    ours.install()
    broken = replace(ours, fails=True)
    with pytest.raises(TrmEdgeError, match="disk is full"):
        broken.install()
    assert not broken.installed()
    assert not ours.installed(), "what was there before must not pass for whole either"


@pytest.mark.parametrize("changes", [{"requirements": ("nothing==2",)}, {"gigabytes": 0.2}])
def test_one_of_other_requirements_is_out_of_date(ours: Ours, changes: dict[str, object]) -> None:
    ours.install()
    assert not replace(ours, **changes).installed()  # type: ignore[arg-type]


def test_what_lies_in_the_marker_is_not_trusted(ours: Ours) -> None:
    ours.install()
    (ours.folder / "installed.json").write_text("{")
    assert not ours.installed()
    (ours.folder / "installed.json").write_text(json.dumps([1]))
    assert not ours.installed()


def test_removing(ours: Ours) -> None:
    assert not ours.remove()
    ours.install()
    assert ours.remove()
    assert not ours.folder.exists()


def test_a_program_in_one_that_is_not_there_names_the_line_that_makes_it(ours: Ours) -> None:
    with pytest.raises(MissingDependency, match=r"'ours' is not installed.*trm-edge targets install ours"):
        ours.command("trm_edge")


def test_a_folder_that_cannot_be_made_is_said_in_one_line(ours: Ours) -> None:
    cache_folder().write_text("in the way")
    with pytest.raises(TrmEdgeError, match="Cannot make"):
        ours.install()


def test_our_package_runs_there_and_nothing_else_of_ours_is_seen(ours: Ours, tmp_path: Path) -> None:
    """-I would hide our own packages in this interpreter; what counts is that no search path is handed on."""
    ours.install()
    command = ours.command("trm_edge", "--version")
    variables = ours.variables()
    assert "PYTHONPATH" not in variables
    assert variables["TRM_EDGE_ENVIRONMENT"] == "ours"
    done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("trm-edge ")


def test_a_child_finds_the_package_by_its_place(ours: Ours, tmp_path: Path) -> None:
    """Even where it is not installed: no site-packages at all."""
    ours.install()
    command = ours.command("trm_edge.errors")
    command.insert(1, "-S")
    done = subprocess.run(command, env=ours.variables(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_current_environment_is_known_by_its_variable(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ours.current
    monkeypatch.setenv("TRM_EDGE_ENVIRONMENT", "ours")
    assert ours.current


def test_the_cache_is_the_users_unless_a_variable_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRM_EDGE_CACHE", raising=False)
    assert cache_folder().name == "trm-edge"
    monkeypatch.setenv("TRM_EDGE_CACHE", os.sep)
    assert cache_folder() == Path(os.sep)


def test_the_table() -> None:
    assert all(environment(name).name == name for name in ENVIRONMENTS)
    assert all(place.purpose and place.requirements and place.gigabytes > 0 for place in ENVIRONMENTS.values())
    with pytest.raises(InvalidInput, match=r"Unknown environment 'webgp'.*Did you mean 'webgpu'\?"):
        environment("webgp")
