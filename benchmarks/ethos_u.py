"""What Arm's Vela estimates for programs on Ethos-U: cycles, memory and flash by model, accelerator and precision.

    python benchmarks/ethos_u.py [--models sudoku-4x4,random-512] [--accelerators ethos-u55-128] [--precisions w8a8]

Exports in the environment ``ethos-u`` (``trm-edge targets install ethos-u``), reads the reports out of the manifests
and writes ``results/ethos_u.json``. ``random-512`` has the official sizes (97 tokens, 3 x 6 recursions) and random
weights, which cost what trained ones do. The estimates are Vela's own: nothing ran.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from record import save

from trm_edge.environments import environment
from trm_edge.model.checkpoint import save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel

RANDOM = "random-512"
FEW = ("--calibration-samples", "4", "--steps", "2", "--golden", "1", "--no-verify")  #: sizes do not depend on them


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=f"sudoku-4x4,sudoku-9x9,{RANDOM}")
    parser.add_argument("--accelerators", default="ethos-u55-128,ethos-u55-256,ethos-u85-256")
    parser.add_argument("--precisions", default="w8a16,w8a8")
    given = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model in given.models.split(","):
            path = random_model(Path(folder)) if model == RANDOM else model
            for accelerator in given.accelerators.split(","):
                for precision in given.precisions.split(","):
                    out = Path(folder, f"{model}-{accelerator}-{precision}")
                    rows.append({"model": model, "precision": precision, **estimate(path, accelerator, precision, out)})
                    print(rows[-1], flush=True)
    settings = {"environment": list(environment("ethos-u").requirements), "evidence": "compiled"}
    print("saved", save("ethos_u", settings, rows).name)


def random_model(folder: Path) -> str:
    """A model of the official sizes that was never trained."""
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=11, seq_len=81, puzzle_emb_ndim=512, puzzle_emb_len=16, H_cycles=3, L_cycles=6, hidden_size=512
    )
    path = folder / f"{RANDOM}.safetensors"
    save_checkpoint(path, RecursiveModel(config), "sudoku-9x9")
    return str(path)


def estimate(model: str, accelerator: str, precision: str, out: Path) -> dict[str, Any]:
    """Export and read what Vela said."""
    place = environment("ethos-u")
    wish = ("--target", "ethos-u", "--backend", accelerator, "--precision", precision, "--out", str(out))
    start = perf_counter()
    subprocess.run(place.command("trm_edge", "export", model, *wish, *FEW), env=place.variables(), check=True)
    manifest = json.loads((out / "manifest.json").read_bytes())
    stats = manifest["graph_stats"]
    one = stats["vela"]["network_L"]
    return {
        "accelerator": accelerator,
        **{name: one[name] for name in ("system_config", "memory_mode", "clock_mhz")},
        "pass_cycles": one["cycles"],
        "pass_milliseconds": one["milliseconds"],
        "pass_macs": one["macs"],
        "passes": stats["vela"]["step"]["calls"]["network_L"],
        "step_cycles": stats["vela"]["step"]["cycles"],
        "step_milliseconds": stats["vela"]["step"]["milliseconds"],
        "sram_bytes": one["sram_bytes"],
        "dram_bytes": one["dram_bytes"],
        "flash_bytes": stats["flash_bytes"],
        "weight_bytes": stats["unique_weight_bytes"],
        "flash_to_weights": round(stats["flash_bytes"] / stats["unique_weight_bytes"], 4),
        "file_bytes": stats["file_bytes"],
        "npu_operators": one["npu_operators"],
        "cpu_operators": one["cpu_operators"],
        "cycles_by_operator": one["cycles_by_operator"],
        "export_seconds": round(perf_counter() - start, 1),
    }


if __name__ == "__main__":
    main()
