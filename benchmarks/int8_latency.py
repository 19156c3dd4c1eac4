"""One int8 supervision step of the official 9x9 configuration: time, kernels, bytes and memory, beside the plain way.

    python benchmarks/int8_latency.py [--threads 2] [--rounds 15] [--steps 4] [--deep 16]

Sides: PyTorch eager; the plain export in fp32 and, folded and quantized by ``quantize_dynamic``, in int8; our graphs;
and the step's matrix products alone, which no int8 graph can beat. Random weights: neither speed nor size depends on
them. Rounds as in ``step_latency.py``. Kernels are ONNX Runtime's own profile, taken after the rounds. Memory is
measured in fresh processes, also of a graph unrolled ``--deep`` steps.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kernels import kernel_times
from plain_export import plain_int8, plain_onnx
from products_alone import products_alone
from record import save
from rounds import Array, Side, eager_side, graph_side, in_turn, onnx_session, step_side, step_times
from step_latency import OFFICIAL

from trm_edge.bundle import read_bundle
from trm_edge.export.calibration import CalibrationOptions
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.export.planning import QuantizationOptions
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.profile.memory import measure_memory
from trm_edge.specs import GraphVariant, Precision

OURS = (
    (GraphVariant.STEP, Precision.FP32),
    (GraphVariant.STEP, Precision.W8),
    (GraphVariant.STEP, Precision.W8A8_DYNAMIC),
    (GraphVariant.STEP, Precision.W8A8),
    (GraphVariant.LOOP, Precision.W8A8),
    (GraphVariant.UNROLLED, Precision.W8A8),
)
REFERENCES = {
    "eager": "pytorch eager",
    "plain_int8": "plain int8",
    "step_fp32": "step fp32",
    "products": "products alone",
}
CALLS = 5  #: profiled runs of a graph
CALIBRATION = CalibrationOptions(samples=2)  #: speed and size do not depend on the puzzles,
AT_ONCE = -1e9  #: nor on how deep calibration goes: with this threshold puzzles halt after one step


@dataclass(frozen=True)
class Graph:
    """One graph that takes part.

    Attributes:
        source: the file or its bytes.
        side: makes of an open session what a round runs.
        int8: whether its kernels are of interest.
    """

    source: bytes | Path
    side: Callable[[Any], Side]
    int8: bool = True


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4, help="supervision steps of a round, of unrolled and loop")
    parser.add_argument("--deep", type=int, default=16, help="supervision steps of the graph that is only weighed")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    model = RecursiveModel(OFFICIAL).eval()
    results = measure(model, **vars(options))
    for part, rows in results.items():
        print(part)
        for name, row in rows.items():
            print("  " + name.ljust(26), row)
    print("saved", save("int8_latency", vars(options), results).name)


TOY = "a toy graph"  #: hidden size 16: what it takes is the engine's own


def measure(
    model: RecursiveModel, *, threads: int, rounds: int, steps: int, deep: int, task: str = "sudoku-9x9"
) -> dict[str, dict[str, dict[str, Any]]]:
    """``latency``, ``kernels`` and ``memory`` of all sides, by name."""
    tokens = np.random.default_rng(0).integers(1, model.config.vocab_size, (1, model.config.seq_len)).astype(np.int32)
    with tempfile.TemporaryDirectory() as folder:
        bundles = {
            f"{graph} {precision}": export(model, task, graph, precision, steps, Path(folder, f"{graph}-{precision}"))
            for graph, precision in OURS
        }
        graphs = plain_graphs(model, tokens, steps)
        for (name, path), (graph, precision) in zip(bundles.items(), OURS, strict=True):
            graphs[name] = our_graph(path, graph, model, tokens, steps, int8=precision is not Precision.FP32)
        graphs["products alone"] = products_graph(model, steps)

        sides = {"pytorch eager": eager_side(model, tokens, steps)}
        sides |= {name: graph.side(onnx_session(graph.source, threads)) for name, graph in graphs.items()}
        latency = step_times(in_turn(sides, rounds), steps, REFERENCES)
        kernels = {
            name: kernel_times(graph.source, graph.side, threads=threads, steps=steps, calls=CALLS)
            for name, graph in graphs.items()
            if graph.int8
        }
        deepest = export(model, task, GraphVariant.UNROLLED, Precision.W8A8, deep, Path(folder, "deep"))
        bundles[f"unrolled w8a8, {deep} steps"] = deepest
        toy = RecursiveModel(
            replace(model.config, hidden_size=16, puzzle_emb_ndim=0, puzzle_emb_len=0, L_cycles=1, H_cycles=1)
        ).eval()
        bundles[TOY] = export(toy, task, GraphVariant.STEP, Precision.W8A8, steps, Path(folder, "toy"))
        return {"latency": latency, "kernels": kernels, "memory": {n: memory(b, threads) for n, b in bundles.items()}}


def export(model: RecursiveModel, task: str, graph: GraphVariant, precision: Precision, steps: int, out: Path) -> Path:
    """Our bundle of the model."""
    options = ExportOptions(
        graph=graph,
        precision=precision,
        steps=steps,
        golden=1,
        threshold=AT_ONCE,
        quantization=QuantizationOptions(calibration=CALIBRATION),
    )
    return export_bundle(Checkpoint(model, task), options, out, name="official")


def plain_graphs(model: RecursiveModel, tokens: Array, steps: int) -> dict[str, Graph]:
    """The baselines."""
    plain = plain_onnx(model)

    def side(session: Any) -> Side:
        return step_side(session, model, tokens, steps)

    return {"plain fp32": Graph(plain, side, int8=False), "plain int8": Graph(plain_int8(plain), side)}


def our_graph(
    bundle: Path, graph: GraphVariant, model: RecursiveModel, tokens: Array, steps: int, *, int8: bool
) -> Graph:
    """The graph of one of our bundles."""
    with read_bundle(bundle) as opened:
        source = opened.model_path
    return Graph(source, lambda session: graph_side(session, graph, model, tokens, steps), int8)


def products_graph(model: RecursiveModel, steps: int) -> Graph:
    """The products alone."""
    data, inputs = products_alone(model)

    def side(session: Any) -> Side:
        def run() -> None:
            for _ in range(steps):
                session.run(None, inputs)

        return run

    return Graph(data, side)


def memory(path: Path, threads: int) -> dict[str, Any]:
    """Bytes of a bundle's graph, and how much a fresh process grows by it."""
    with read_bundle(path) as bundle:
        stats = bundle.manifest.graph_stats
    grown = measure_memory(path, threads=threads)
    if grown.load_bytes is None or grown.run_bytes is None:
        raise SystemExit(f"Memory of {path.name} cannot be measured: {grown.problem or 'this needs /proc'}.")
    return {
        **{name: stats[name] for name in ("file_bytes", "unique_weight_bytes", "file_to_weights")},
        "load_bytes": grown.load_bytes,
        "run_bytes": grown.run_bytes,
    }


if __name__ == "__main__":
    main()
