"""``solve`` with real graphs, as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trm_edge.specs import GraphVariant

pytest.importorskip("onnxruntime")
ROOT = Path(__file__).parents[2]
QUESTION = "1..4..1..1....2."

REPORT_MODULES = """
import sys
from trm_edge.cli.main import app
try:
    app(sys.argv[1:])
except SystemExit as ended:
    loaded = [name for name in ("torch", "onnx", "rich", "PIL") if name in sys.modules]
    print(ended.code, *loaded, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained 4x4 model as every graph variant, and one as an archive."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("bundles")
    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=16, H_cycles=1, L_cycles=1)).eval()
    checkpoint = Checkpoint(model, "sudoku-4x4")
    paths = {}
    for name, graph in [*((graph.value, graph) for graph in GraphVariant), ("step.zip", GraphVariant.STEP)]:
        options = ExportOptions(graph=graph, steps=3, golden=1)
        paths[name] = export_bundle(checkpoint, options, folder / name, name="untrained")
    return paths


def solve(bundle: Path, *options: str) -> tuple[dict[str, object], str]:
    result = subprocess.run(
        [sys.executable, "-c", REPORT_MODULES, "solve", str(bundle), QUESTION, "--json", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return json.loads(result.stdout), result.stderr


@pytest.mark.parametrize("name", ["step", "unrolled", "loop", "step.zip"])
def test_all_variants_answer_alike_and_load_neither_torch_nor_rich(bundles: dict[str, Path], name: str) -> None:
    found, loaded = solve(bundles[name])
    assert loaded == "0\n"
    assert (found["steps"], found["halted"], found["puzzle"]) == (3, False, QUESTION)
    assert found["answer"] == solve(bundles["step"])[0]["answer"]


def test_threads_are_passed_on(bundles: dict[str, Path]) -> None:
    found, _ = solve(bundles["step"], "--threads", "1", "--halt", "fixed:2")
    assert found["steps"] == 2


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_solving_opens_no_connection(bundles: dict[str, Path], tmp_path: Path) -> None:
    """ONNX Runtime 1.29 and later send telemetry unless told not to; nothing may leave the device."""
    calls = tmp_path / "calls"
    trace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto,sendmsg", "-o", str(calls)]
    command = [sys.executable, "-m", "trm_edge", "solve", str(bundles["step"]), QUESTION, "--json"]
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([*trace, *command], check=True, capture_output=True, cwd=ROOT, env=environment, timeout=120)
    assert [line for line in calls.read_text().splitlines() if "AF_INET" in line] == []
