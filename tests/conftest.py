"""What tests of several packages share: the C++ runner and the bundles for other languages, each made once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def build_runner() -> Callable[..., Path]:
    """Build and install the runner; skips where something that it needs is missing."""

    def build(wheel: Path, folder: Path, compiler: str, *settings: str) -> Path:
        for tool in ("cmake", compiler):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        if not (wheel / "lib" / "libexecutorch.so").is_file():
            pytest.skip(f"no executorch wheel with C++ libraries at {wheel}")
        header = ["c++", "-x", "c++", "-E", "-include", "nlohmann/json.hpp", "/dev/null"]
        if subprocess.run(header, capture_output=True).returncode:
            pytest.skip("nlohmann/json.hpp is not installed")
        tree, prefix = str(folder / "build"), str(folder / "installed")
        source = ["-S", str(ROOT / "runtimes" / "cpp"), f"-Dexecutorch_DIR={wheel}/share/cmake"]
        flags = ["-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -Werror", f"-DCMAKE_CXX_COMPILER={compiler}"]
        commands: tuple[list[str], ...] = (
            ["cmake", *source, "-B", tree, *flags, *settings],
            ["cmake", "--build", tree, "--parallel", "2"],
            ["cmake", "--install", tree, "--prefix", prefix],
        )
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        return Path(prefix) / "bin" / "trm-edge-run"

    return build


@pytest.fixture(scope="session")
def cpp_runner(tmp_path_factory: pytest.TempPathFactory, build_runner: Callable[..., Path]) -> Path:
    """The runner for this machine, in the folder that it was installed in."""
    spec = find_spec("executorch")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("executorch is not installed")
    return build_runner(Path(spec.submodule_search_locations[0]), tmp_path_factory.mktemp("cpp"), "c++")


@pytest.fixture(scope="session")
def apps_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``tests/vectors/make.py`` writes: bundles to solve with and bundles to refuse, see tests/vectors/README.md.

    ``TRM_EDGE_FIXTURES`` names one that was made before.
    """
    made = os.environ.get("TRM_EDGE_FIXTURES")
    if made:
        return Path(made).absolute()
    for package in ("torch", "onnx", "onnxruntime", "executorch"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    out = tmp_path_factory.mktemp("apps") / "fixtures"
    command = [sys.executable, str(ROOT / "tests" / "vectors" / "make.py"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture
def fake_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in for adb on the PATH, and its folder: a phone ``8A1X`` is plugged in, its files lie in ``root``."""
    folder = tmp_path / "phone"
    (folder / "root/system/bin").mkdir(parents=True)
    (folder / "devices.json").write_text('{"8A1X": "device"}')
    adb = tmp_path / "bin" / "adb"
    adb.parent.mkdir(exist_ok=True)
    adb.write_text(f'#!/bin/sh\nexec {sys.executable} -I {ROOT}/tests/profile/devices/fake_adb.py "$@"\n')
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{adb.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_ADB", str(folder))
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    return folder
