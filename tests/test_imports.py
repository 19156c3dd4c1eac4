"""What loads what. That ``--help`` and ``solve`` stay light is tested beside them, in ``tests/cli``."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trm_edge.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]

WITHOUT = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent, calls = json.loads(sys.argv[1])
sys.meta_path.insert(0, Absent())
from trm_edge.cli.main import app
for call in calls:
    try:
        app(call)
    except SystemExit as ended:
        if ended.code:
            raise
"""


def run_without(absent: list[str], *calls: list[str]) -> None:
    """Call the program in a process in which some packages are not installed."""
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT, json.dumps([absent, calls])], capture_output=True, text=True, cwd=ROOT
    )
    assert found.returncode == 0, found.stderr[-2000:]


def test_the_help_of_every_command_needs_nothing_but_typer() -> None:
    heavy = ["numpy", "onnx", "onnxruntime", "PIL", "rich", "safetensors", "torch", "yaml"]
    run_without(heavy, *([name, "--help"] for name in COMMANDS))


def test_everything_on_a_device_works_without_torch_and_onnx(tmp_path: Path) -> None:
    for package in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.models_registry import resolve

    name = "sudoku-4x4"
    bundle = export_bundle(load_checkpoint(resolve(name)), ExportOptions(golden=1), tmp_path / "bundle", name=name)
    puzzles = tmp_path / "puzzles.csv"
    run_without(
        ["onnx", "PIL", "safetensors", "tensorboard", "torch", "yaml"],
        ["generate", "--task", "sudoku-4x4", "--count", "3", "--out", str(puzzles)],
        ["inspect", str(bundle)],
        ["verify", str(bundle)],
        ["solve", str(bundle), "--file", str(puzzles), "--halt", "stable:1"],
        ["evaluate", str(bundle), "--data", str(puzzles)],
        ["targets"],
        ["models"],
    )


def test_the_import_rules_are_kept() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("import-linter is not installed")
    found = subprocess.run([program, "--no-logo", "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert found.returncode == 0, found.stdout
    assert " kept, 0 broken." in found.stdout


def modules() -> Iterator[Path]:
    """Every module of the package and every script; the symlinked folders under their own names."""
    for folder in ("trm_edge", "export", "runtimes", "benchmarks"):
        yield from sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in modules()])
def test_a_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if tree.body:
        assert ast.get_docstring(tree)
    else:
        assert path.name == "__init__.py"
