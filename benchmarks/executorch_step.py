"""One supervision step of the official 9x9 configuration as an ExecuTorch program, beside our ONNX graphs.

    python benchmarks/executorch_step.py [--threads 2] [--rounds 7] [--steps 8]

Random weights: neither speed nor size depends on them. Every measurement is a process of its own that opens the bundle,
warms up and times ``--steps`` steps: PyTorch's threads, which the exporter brings, would disturb XNNPACK's. Rounds run
all sides in turn; ratios are medians of the rounds' own ratios.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from record import save

CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from trm_edge.bundle import read_bundle
from trm_edge.runtimes import open_session
path, threads, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with read_bundle(path) as bundle, open_session(bundle, threads=threads) as session:
    inputs = {"tokens": np.ones((1, bundle.manifest.seq_len), np.int32), **session.initial_carry(1)}
    for _ in range(2):
        session.infer(inputs)
    began = time.perf_counter()
    for _ in range(steps):
        session.infer(inputs)
    print(1e3 * (time.perf_counter() - began) / steps)
"""


def main() -> None:
    """Export, measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), options.threads, options.rounds, options.steps)
    for name, row in results.items():
        print(name.ljust(26), row)
    print("saved", save("executorch_step", vars(options), results).name)


def measure(folder: Path, threads: int, rounds: int, steps: int) -> dict[str, dict[str, Any]]:
    """Milliseconds a step, ratios, export seconds, bytes and memory of every side."""
    from trm_edge.profile.memory import measure_memory

    made = export_all(folder)
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name in made:
            command = [sys.executable, "-c", CHILD, str(folder / name), str(threads), str(steps)]
            times[name].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    for name, row in made.items():
        grown = measure_memory(folder / name, threads=threads)
        row |= {
            "ms_per_step": round(float(np.median(times[name])), 2),
            "ratio_to_onnx_w8a8": round(float(np.median(np.divide(times[name], times["onnx w8a8"]))), 4),
            "load_bytes": grown.load_bytes,
            "run_bytes": grown.run_bytes,
        }
    return made


def export_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Write the bundles; how long each took and what it weighs."""
    import torch
    from step_latency import OFFICIAL

    from trm_edge.bundle import read_bundle
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.export.planning import QuantizationOptions
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.model.network import RecursiveModel
    from trm_edge.specs import Format, Precision

    torch.manual_seed(0)
    model = RecursiveModel(OFFICIAL).eval()
    made = {}
    for format in Format:
        for precision in (Precision.FP32, Precision.W8A8_DYNAMIC, Precision.W8A8):
            chosen = ExportOptions(
                format=format,
                precision=precision,
                golden=1,
                steps=4,
                threshold=-1e9,  # calibration puzzles halt after one step: speed does not depend on it
                quantization=QuantizationOptions(CalibrationOptions(samples=2)),
            )
            began = time.perf_counter()
            path = export_bundle(Checkpoint(model, "sudoku-9x9"), chosen, folder / f"{format} {precision}", name="big")
            with read_bundle(path) as bundle:
                stats = bundle.manifest.graph_stats
            made[path.name] = {
                "export_s": round(time.perf_counter() - began, 1),
                "file_bytes": stats["file_bytes"],
                "file_to_weights": stats["file_to_weights"],
            }
    return made


if __name__ == "__main__":
    main()
