"""Our program as one file: complete, small, the same bytes each time, and alone."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import trm_edge
from trm_edge.errors import TrmEdgeError
from trm_edge.profile.devices.zipapp import NAME, write_zipapp


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zipapp") / NAME
    write_zipapp(path)
    return path


def test_it_holds_the_sources_and_no_models(program: Path) -> None:
    names = zipfile.ZipFile(program).namelist()
    assert {"__main__.py", "trm_edge/__init__.py", "trm_edge/runtimes/base.py", "trm_edge/export/onnx.py"} <= set(names)
    assert all(name.endswith(".py") for name in names)
    left_out = ("trm_edge/models/", "trm_edge/web_demo/")
    assert not any("__pycache__" in name or name.startswith(left_out) for name in names)
    assert program.stat().st_size < 1_000_000


def test_equal_sources_make_equal_bytes(program: Path, tmp_path: Path) -> None:
    os.utime(trm_edge.__file__)  # later than before
    write_zipapp(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == program.read_bytes()


def test_it_is_the_program(program: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, program, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"trm-edge {trm_edge.__version__}\n")


def test_fresh_processes_find_it_too(program: Path, tmp_path: Path) -> None:
    patched = tmp_path / NAME
    with zipfile.ZipFile(program) as source, zipfile.ZipFile(patched, "w") as target:
        target.writestr("__main__.py", source.read("__main__.py"))
        target.writestr("trm_edge/__init__.py", "")
        target.writestr("trm_edge/cli/__init__.py", "")
        target.writestr("trm_edge/child.py", "print(__file__)")
        child = "import subprocess, sys\ndef main(): subprocess.run([sys.executable, '-m', 'trm_edge.child'])"
        target.writestr("trm_edge/cli/main.py", child)
    done = subprocess.run([sys.executable, patched], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"{patched}/trm_edge/child.py\n", done.stderr


def test_it_cannot_be_made_of_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trm_edge, "__file__", str(tmp_path / NAME / "trm_edge" / "__init__.py"))
    with pytest.raises(TrmEdgeError, match="must be installed here"):
        write_zipapp(tmp_path / "again.pyz")
    assert not (tmp_path / "again.pyz").exists()
