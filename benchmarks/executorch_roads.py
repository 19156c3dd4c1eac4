"""Roads to an ExecuTorch program of the official 9x9 configuration: lowering, bytes, memory, time of each.

    python benchmarks/executorch_roads.py [--threads 2] [--rounds 20] [--precisions fp32 w8a8-dynamic] [--full]

- ``pass``: one network pass is a method, the host loops over it (what ``trm-edge export`` writes);
- ``pass twice``: the same pass under two names, to see whether methods share weights in the file and in memory;
- ``unrolled``: a whole supervision step is one method. Without ``--full`` of one cycle only, 7 passes of 21, and its
  time is scaled to 21: the whole takes minutes to lower.

Random weights: neither speed nor size depends on them. Every program is loaded and run in a process of its own, which
reports how much its resident memory grew by loading and by the first step.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from record import save
from step_latency import OFFICIAL
from torch import Tensor, nn

from trm_edge.export.executorch import lower_methods, method_modules
from trm_edge.export.executorch_quantize import quantize
from trm_edge.model.network import RecursiveModel

PASSES = OFFICIAL.H_cycles * (OFFICIAL.L_cycles + 1)
SHAPE = (1, OFFICIAL.total_len, OFFICIAL.hidden_size)


class Unrolled(nn.Module):
    """The recursion of a supervision step: a call site for every pass."""

    def __init__(self, network: nn.Module, cycles: int) -> None:
        super().__init__()
        self.network, self.cycles = network, cycles

    def forward(self, z_H: Tensor, x: Tensor) -> Tensor:
        """``z_L`` starts as ``x``, so that a method of any road takes two tensors and gives one."""
        z_L = x
        for _ in range(self.cycles):
            for _ in range(OFFICIAL.L_cycles):
                z_L = self.network(z_L, z_H + x)
            z_H = self.network(z_H, z_L)
        return z_H


def measure(path: Path, passes: int, threads: int, rounds: int) -> dict[str, float]:
    """Load a program and run its methods in turn (in a child process)."""
    from trm_edge.runtimes.executorch import Program, set_threads

    def resident() -> float:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * 4096 / 1e6

    set_threads(threads)
    inputs = [torch.from_numpy(np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)) for _ in range(2)]
    before = resident()
    program = Program(path)
    methods = [program.load(name) for name in program.methods]
    loaded = resident()
    for method in methods:
        method(*inputs)
    ran = resident()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(PASSES // passes):
            methods[0](*inputs)
        seconds.append((time.perf_counter() - began) * PASSES / (PASSES // passes * passes))
    return {
        "ms_per_step": round(1e3 * float(np.median(seconds)), 2),
        "ms_per_step_min": round(1e3 * min(seconds), 2),
        "resident_mb_load": round(loaded - before, 1),
        "resident_mb_first_run": round(ran - before, 1),
    }


def main() -> None:
    """Lower, measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "w8a8-dynamic"])
    parser.add_argument("--full", action="store_true", help="unroll all 21 passes")
    parser.add_argument("--measure", nargs=2, metavar=("PROGRAM", "PASSES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        path, passes = options.measure
        print(json.dumps(measure(Path(path), int(passes), options.threads, options.rounds)))
        return
    torch.manual_seed(0)
    network = method_modules(RecursiveModel(OFFICIAL).eval(), [0])["network_L"]
    cycles = OFFICIAL.H_cycles if options.full else 1
    roads = {
        "pass": (["network_L"], network, 1),
        "pass twice": (["network_L", "network_again"], network, 1),
        "unrolled": (["step"], Unrolled(network, cycles), cycles * (OFFICIAL.L_cycles + 1)),
    }
    example = (torch.randn(SHAPE), torch.randn(SHAPE))
    results = []
    for precision in options.precisions:
        for road, (names, module, passes) in roads.items():
            began = time.perf_counter()
            if precision == "fp32":
                exported = torch.export.export(module, example, strict=False)
            else:
                calibration = None if precision == "w8a8-dynamic" else [("L", *example)]
                exported = quantize({"L": module}, example, calibration)["L"]
            manager, stats = lower_methods(dict.fromkeys(names, exported), "xnnpack")
            row = {"road": road, "precision": precision, "passes": passes}
            row["lowering_s"] = round(time.perf_counter() - began, 1)
            row |= {name: stats[name] for name in ("file_bytes", "file_to_weights", "integer_products")}
            row["delegates"] = sum(method["delegates"] for method in stats["methods"].values())
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.pte")
                path.write_bytes(manager.buffer)
                command = [sys.executable, __file__, "--measure", str(path), str(passes)]
                command += ["--threads", str(options.threads), "--rounds", str(options.rounds)]
                child = subprocess.run(command, check=True, capture_output=True, text=True)
            row |= json.loads(child.stdout.splitlines()[-1])
            results.append(row)
            print(row, flush=True)
    settings = {"threads": options.threads, "rounds": options.rounds, "full": options.full}
    print("saved", save("executorch_roads", settings, results).name)


if __name__ == "__main__":
    main()
