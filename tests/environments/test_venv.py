"""Virtual environments: really made, from a package that lies beside the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from trm_edge.environments.venv import VirtualEnvironment
from trm_edge.errors import TrmEdgeError


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path / "cache"))


def made(requirement: str) -> VirtualEnvironment:
    return VirtualEnvironment(name="lonely", purpose="testing", requirements=(requirement,), gigabytes=0.1)


def test_a_package_that_cannot_be_had_leaves_nothing_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    place = made("trm-edge-does-not-exist")
    with pytest.raises(TrmEdgeError, match=r"^Cannot install trm-edge-does-not-exist: .*No matching distribution"):
        place.install()
    assert not place.installed()


def test_it_holds_what_was_asked_for_and_not_what_we_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wheel = tmp_path / "lonely-1-py3-none-any.whl"
    _pack(wheel)
    place, said = made(str(wheel)), list[str]()
    place.install(said.append)
    assert place.installed()
    assert any("Successfully installed lonely" in line for line in said)
    command = [*place._interpreter(), "-c", "import lonely, importlib.util as u; print(u.find_spec('numpy'))"]
    assert subprocess.run(command, capture_output=True, text=True, env=place.variables(), check=True).stdout == "None\n"


def _pack(wheel: Path) -> None:
    from zipfile import ZipFile

    with ZipFile(wheel, "w") as archive:
        archive.writestr("lonely.py", "")
        archive.writestr("lonely-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: lonely\nVersion: 1\n")
        archive.writestr("lonely-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("lonely-1.dist-info/RECORD", "")
