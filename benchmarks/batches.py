"""Puzzles per second of the bundled 9x9 model: steps until it halts, on our graphs, beside 16 steps in PyTorch.

    python benchmarks/batches.py [--data CSV] [--puzzles 512] [--batches 1 8 64 256] [--threads 2] [--rounds 3]

The baseline is the official evaluation: the float model in eager PyTorch, every puzzle through all steps. Ours: the
solver on step graphs of ONNX Runtime; a puzzle that halts makes room for the next one. Every side solves the same
puzzles, so exact accuracies can be compared: a side that is faster but worse has won nothing.

Rounds run every side once, in turn; figures are medians of rounds, ratios medians of the rounds' own ratios. Small
batches take fewer puzzles (64 for a batch of 1), for the baseline is slow there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import save
from rounds import in_turn, median_ratio

from trm_edge.bundle import read_bundle
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint, load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import Session, open_session
from trm_edge.solve import Solver
from trm_edge.specs import Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.tasks.comparison import is_right
from trm_edge.tasks.generating import generate_many
from trm_edge.tasks.reading import read_file
from trm_edge.train.data import collect
from trm_edge.train.evaluate import evaluate

MODEL = "sudoku-9x9"
BASELINE = "pytorch, all steps"
PRECISIONS = (Precision.FP32, Precision.W8A8)
POLICIES = ("act:threshold=2", "verified", "any(act:threshold=2,verified)")
PUZZLES_A_ROW = 64  #: puzzles for each row of a batch, as far as there are so many
SEED, CALIBRATION_SEED = 20, 21  #: of generated puzzles
CALIBRATION_SAMPLES = 64


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="puzzles with answers; default: generated")
    parser.add_argument("--givens", type=int, default=30, help="of generated puzzles")
    parser.add_argument("--puzzles", type=int, default=512)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=16, help="of the baseline, and the budget of the others")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    checkpoint = load_checkpoint(resolve(MODEL))
    task, generated = get_task(checkpoint.task), {"givens": options.givens}
    if options.data is None:
        puzzles = list(generate_many(task, options.puzzles, SEED, generated))
    else:
        puzzles = list(islice(read_file(task, options.data), options.puzzles))
    calibration = list(generate_many(task, CALIBRATION_SAMPLES, CALIBRATION_SEED, generated))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sessions = {}
        for precision in PRECISIONS:
            export = ExportOptions(precision=precision, steps=options.steps)
            out = Path(folder, precision.value)
            path = export_bundle(checkpoint, export, out, name=MODEL, calibration=calibration)
            bundle = stack.enter_context(read_bundle(path))
            sessions[precision.value] = stack.enter_context(open_session(bundle, threads=options.threads))
        rows = []
        for batch in options.batches:
            chosen = puzzles[: PUZZLES_A_ROW * batch]
            found = measure(checkpoint, sessions, chosen, batch=batch, steps=options.steps, rounds=options.rounds)
            for row in found:
                print(row, flush=True)
            rows += found
    settings = {**vars(options), "data": options.data.name if options.data else "generated"}
    print("saved", save("batches", settings, rows).name)


def measure(
    checkpoint: Checkpoint,
    sessions: dict[str, Session],
    puzzles: Sequence[Puzzle],
    *,
    batch: int,
    steps: int,
    rounds: int,
) -> list[dict[str, Any]]:
    """One row for every side at one batch size; the first is the baseline."""
    task = get_task(checkpoint.task)
    found: dict[str, Baseline | Halting] = {BASELINE: Baseline(checkpoint, task, puzzles, batch, steps)}
    for precision, session in sessions.items():
        for policy in POLICIES:
            solver = Solver(session, task, policy=policy, budget=steps, batch_size=batch)
            found[f"{precision}, {policy}"] = Halting(solver, puzzles)
    seconds = in_turn({name: side.run for name, side in found.items()}, rounds)
    return [
        {
            "batch": batch,
            "side": name,
            "puzzles": len(puzzles),
            "puzzles_per_s": round(len(puzzles) / float(np.median(seconds[name])), 1),
            "speed_to_baseline": median_ratio(seconds[BASELINE], seconds[name]),
            "exact": round(side.exact, 4),
            "mean_steps": round(side.mean_steps, 2),
        }
        for name, side in found.items()
    ]


class Baseline:
    """The official evaluation: all steps for every puzzle, in PyTorch."""

    def __init__(self, checkpoint: Checkpoint, task: Task, puzzles: Sequence[Puzzle], batch: int, steps: int) -> None:
        self.model, self.batch, self.steps = checkpoint.model, batch, steps
        self.puzzles = collect(task, puzzles, source="the puzzles")

    def run(self) -> None:
        """Evaluate all puzzles."""
        self.exact = evaluate(self.model, self.puzzles, steps=self.steps, batch_size=self.batch).exact
        self.mean_steps = float(self.steps)


class Halting:
    """Our solver: a puzzle stops when its policy says so, and the next one takes its row."""

    def __init__(self, solver: Solver, puzzles: Sequence[Puzzle]) -> None:
        self.solver, self.puzzles = solver, puzzles

    def run(self) -> None:
        """Solve all puzzles."""
        self.solutions = list(self.solver.solve_many(self.puzzles))

    @property
    def exact(self) -> float:
        """Share of puzzles with the known answer."""
        return float(np.mean([is_right(s.puzzle, s.grid, s.solved) for s in self.solutions]))

    @property
    def mean_steps(self) -> float:
        """Supervision steps a puzzle."""
        return float(np.mean([solution.steps for solution in self.solutions]))


if __name__ == "__main__":
    main()
