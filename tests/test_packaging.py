"""The wheel: everything a user needs is in it, nothing else is, and it works where the source tree is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from trm_edge import __version__
from trm_edge.deploy.site import page_files

ROOT = Path(__file__).parents[1]
SOURCES = ("trm_edge", "export", "runtimes", "web_demo")
SETUPTOOLS = 77  #: first major version that reads `license = "Apache-2.0"`


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy: setuptools leaves a folder behind in which old files would live on."""
    try:
        too_old = int(version("setuptools").partition(".")[0]) < SETUPTOOLS
    except PackageNotFoundError:
        too_old = True
    if too_old:
        pytest.skip(f"setuptools {SETUPTOOLS} or newer is not installed")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    stranger = source / "web_demo" / "node_modules" / "stranger" / "module.py"  # npm's packages may hold Python
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2000:]
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    package = ROOT / "trm_edge"
    code = {path for name in ("", "export", "runtimes") for path in (package / name).rglob("*.py")}
    data = {package / "py.typed", *package.glob("train/recipes/*.toml"), *package.glob("models/*/*")}
    vendored = {f"web_demo/{name}" for name in ("package.json", "package-lock.json", "vendor.json")}
    web = vendored | {f"web_demo/{path}" for path in page_files(package / "web_demo")}
    assert inside == {path.relative_to(ROOT).as_posix() for path in code | data} | {f"trm_edge/{name}" for name in web}
    for name in ("export/pipeline.py", "export/targets/cpu.py", "runtimes/onnxruntime.py", "py.typed"):
        assert f"trm_edge/{name}" in inside


def test_its_metadata_says_what_the_project_file_says(wheel: zipfile.ZipFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = f"trm_edge-{__version__}.dist-info"
    metadata = wheel.read(f"{folder}/METADATA").decode()
    assert f"Version: {__version__}\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    for extra in project["optional-dependencies"]:
        assert f"Provides-Extra: {extra}\n" in metadata
    assert "trm-edge = trm_edge.cli.main:main" in wheel.read(f"{folder}/entry_points.txt").decode()
    assert wheel.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


USE_IT = """
import sys
import trm_edge, trm_edge.export, trm_edge.runtimes
from trm_edge.deploy.ort_web import wanted
from trm_edge.deploy.site import PAGE, page_files
from trm_edge.models_registry import MODELS_DIR, model_info, model_names, resolve
from trm_edge.train.recipe import load_recipe, recipe_names
from trm_edge.export.targets import get_target, target_ids
from trm_edge.runtimes import RUNTIMES, load_runtime
assert all(module.__file__.startswith(sys.argv[1]) for module in (trm_edge, trm_edge.export, trm_edge.runtimes))
assert all(map(load_recipe, recipe_names())) and recipe_names()
assert all(map(get_target, target_ids())) and all(map(load_runtime, RUNTIMES))
assert "index.html" in page_files(PAGE) and wanted(PAGE).files
assert all(model_info(resolve(name)).parameters for name in model_names()) and model_names()
"""


def test_the_unpacked_wheel_works(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    found = subprocess.run(
        [sys.executable, "-c", USE_IT, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert found.returncode == 0, found.stderr
