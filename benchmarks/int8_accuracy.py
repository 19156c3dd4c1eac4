"""Exact accuracy of the bundled 9x9 model in every precision, and how far its halting moves.

    python benchmarks/int8_accuracy.py [--data CSV] [--puzzles 1000]

Generated puzzles with 30 givens and, with ``--data``, evenly spaced rows of a file. All sides solve the same puzzles,
halt at a logit above 2 and stop after 16 steps. Calibrated on generated puzzles, as ``trm-edge export`` does.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from record import save

from trm_edge.bundle import read_bundle
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import open_session
from trm_edge.solve import Solver
from trm_edge.specs import Format, Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.generating import generate_many
from trm_edge.tasks.reading import read_file

SEED = 2026
SIDES = (
    (Format.ONNX, Precision.FP32),
    (Format.ONNX, Precision.FP16),
    (Format.ONNX, Precision.W8),
    (Format.ONNX, Precision.W8A8_DYNAMIC),
    (Format.ONNX, Precision.W8A8),
    (Format.EXECUTORCH, Precision.FP32),
    (Format.EXECUTORCH, Precision.W8A8_DYNAMIC),
    (Format.EXECUTORCH, Precision.W8A8),
)


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--puzzles", type=int, default=1000)
    parser.add_argument("--halt", default="act:threshold=2")
    options = parser.parse_args()
    checkpoint = load_checkpoint(resolve("sudoku-9x9"))
    task = get_task(checkpoint.task)
    sets = {"30 givens": list(generate_many(task, options.puzzles, SEED, {"givens": 30}))}
    if options.data is not None:
        rows = list(read_file(task, options.data))
        count = min(options.puzzles, len(rows))
        sets["hardest"] = [rows[number * len(rows) // count] for number in range(count)]
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for format, precision in SIDES:
            chosen = ExportOptions(format=format, precision=precision)
            path = export_bundle(checkpoint, chosen, Path(folder, f"{format} {precision}"), name="sudoku-9x9")
            row: dict[str, Any] = {"side": path.name}
            for name, puzzles in sets.items():
                row[name] = solved(path, puzzles, options.halt)
                first = results[0][name] if results else row[name]
                row[name]["same_halting"] = round(float(np.mean(row[name]["steps"] == first["steps"])), 4)
            results.append(row)
            print(path.name, {name: (row[name]["exact"], row[name]["same_halting"]) for name in sets}, flush=True)
    for row in results:
        for name in sets:
            row[name]["mean_steps"] = round(float(np.mean(row[name].pop("steps"))), 3)
    settings = {"puzzles": options.puzzles, "halt": options.halt, "data": options.data is not None}
    print("saved", save("int8_accuracy", settings, results).name)


def solved(path: Path, puzzles: Sequence[Puzzle], halt: str) -> dict[str, Any]:
    """Share of solved puzzles and every halting step, of one bundle."""
    with read_bundle(path) as bundle, open_session(bundle) as session:
        solver = Solver(session, get_task(bundle.manifest.task), policy=halt, batch_size=16)
        solutions = list(solver.solve_many(puzzles))
    return {
        "exact": round(float(np.mean([bool(solution.solved) for solution in solutions])), 4),
        "steps": np.array([solution.steps for solution in solutions]),
    }


if __name__ == "__main__":
    main()
