"""Published numbers: results say what they were measured with, and the pages show exactly them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
MODELS = sorted((ROOT / "trm_edge" / "models").glob("*/results.json"))


@pytest.mark.parametrize("path", [*RESULTS, *MODELS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_result_names_machine_versions_and_date(path: Path) -> None:
    document = json.loads(path.read_text())
    assert {"benchmark", "date", "machine", "versions", "settings"} <= document.keys()
    assert document["machine"]["processor"]
    assert {"python", "torch", "numpy"} <= document["versions"].keys()


def test_every_result_is_made_by_a_script() -> None:
    assert {path.stem for path in RESULTS} <= {path.stem for path in (ROOT / "benchmarks").glob("*.py")}


def test_the_pages_show_the_committed_results() -> None:
    check = [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--check"]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_plain_baseline_is_the_same_model() -> None:
    """A baseline that computed something else would make any ratio worthless."""
    torch = pytest.importorskip("torch")
    script = f"""
import sys; sys.path.insert(0, {str(ROOT / "benchmarks")!r})
import torch
from plain_export import PlainStep
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=2)).eval()
tokens = torch.ones(1, 16, dtype=torch.int32)
with torch.inference_mode():
    z_H, z_L, logits, q = model.step(*model.initial_carry(1), tokens)
    plain = PlainStep(model)(tokens, *model.initial_carry(1))
for ours, theirs in zip((logits, q, z_H, z_L), plain):
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
"""
    assert torch
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
