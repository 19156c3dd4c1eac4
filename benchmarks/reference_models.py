"""Measure a bundled Sudoku model on fresh puzzles and write what is published about it.

    python benchmarks/reference_models.py sudoku-9x9 --run runs/sudoku-9x9 [--data FILE.csv] [--count 400]

Writes ``results.json``, ``model-card.md`` and ``curve.svg`` beside the model's weights. ``--run`` is the folder that
``trm-edge train`` left; its weights are the ones measured and published. ``--data`` adds a file of puzzles that the
model was not trained on, as it is and with some of the answer revealed.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from record import document, write

from trm_edge.model.checkpoint import Checkpoint, load_checkpoint, load_tensors
from trm_edge.models_registry import MODELS_DIR
from trm_edge.report.chart import Line, line_chart
from trm_edge.tasks import get_task
from trm_edge.tasks.sudoku_augment import reveal
from trm_edge.train.data import Puzzles, generate_puzzles, load_puzzles
from trm_edge.train.evaluate import evaluate

GIVENS = {"sudoku-9x9": (25, 27, 30, 34, 38, 45), "sudoku-4x4": (5, 6, 8)}
SHARES = (0.0, 0.15, 0.3)  #: of the blanks of a file's puzzles that are revealed
THRESHOLDS = (0.0, 1.0, 2.0, 4.0)  #: of the halting logit
SEED = 20261124
OVERLAP = {
    "sudoku-9x9": "puzzles generated afresh, and on a file that was not trained on",
    "sudoku-4x4": "puzzles generated afresh (only 288 grids of 4x4 exist, so training has seen some of them)",
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(GIVENS))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=400, help="puzzles for every number of givens")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--trained-on", default="puzzles of the task's own generator")
    options = parser.parse_args()
    folder = MODELS_DIR / options.name
    folder.mkdir(exist_ok=True)
    shutil.copy(options.run / "model.safetensors", folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    checkpoint = load_checkpoint(folder / "model.safetensors")
    _, state = load_tensors(options.run / "state.safetensors")
    rows = []
    for source, puzzles in puzzle_sets(options.name, options.count, options.data):
        rows.append(measure(checkpoint, source, puzzles, options.steps))
        print(rows[-1], flush=True)
    fresh = [row for row in rows if row["source"] == "generated"]
    total = sum(row["puzzles"] for row in fresh)
    results = {
        "puzzles": total,
        "exact": weighted(fresh, "exact"),
        "exact_at_halt": weighted(fresh, "exact_at_halt"),
        "mean_steps_to_halt": weighted(fresh, "mean_steps"),
        "training_steps": int(state["step"]),
        "training_minutes": round(float(state["seconds"]) / 60, 1),
        "sets": rows,
        "recipe": json.loads(state["recipe"]),
        "trained_on": options.trained_on,
    }
    settings = {"count": options.count, "steps": options.steps, "data": options.data.name if options.data else None}
    facts = document(f"model_{options.name}", settings, results)
    write(folder / "results.json", {**facts.pop("results"), **facts})  # figures first, where `trm-edge models` looks
    (folder / "curve.svg").write_text(curve(options.run / "log.csv", options.name), encoding="utf-8")
    (folder / "model-card.md").write_text(
        card(options.name, checkpoint, {**facts, "results": results}), encoding="utf-8"
    )


def puzzle_sets(name: str, count: int, data: Path | None) -> Iterator[tuple[str, Puzzles]]:
    """Fresh puzzles by number of givens, then those of the file with more and more revealed."""
    task = get_task(name)
    for givens in GIVENS[name]:
        yield "generated", generate_puzzles(task, count, SEED + givens, {"givens": givens})
    if data is not None:
        puzzles = load_puzzles(task, data)
        rng = np.random.default_rng(SEED)
        for share in SHARES:
            questions = reveal(rng, puzzles.questions, puzzles.answers, share, share)
            yield data.stem, Puzzles(task, questions, puzzles.answers, puzzles.puzzle_ids)


def measure(checkpoint: Checkpoint, source: str, puzzles: Puzzles, steps: int) -> dict[str, Any]:
    """Exact accuracy after the last step and at the step where the model halts by itself."""
    accuracy = evaluate(checkpoint.model, puzzles, steps=steps)
    givens = (puzzles.questions > 0).sum((1, 2))
    halting = {}
    for threshold in THRESHOLDS:
        taken, right = accuracy.at_halt(threshold)
        halting[f"{threshold:g}"] = {"exact": round(float(right.mean()), 4), "steps": round(float(taken.mean()), 2)}
    return {
        "source": source,
        "givens": round(float(givens.mean()), 1),
        "fewest_givens": int(givens.min()),
        "puzzles": len(puzzles),
        "exact": round(accuracy.exact, 4),
        "exact_at_halt": halting["0"]["exact"],
        "mean_steps": halting["0"]["steps"],
        "by_threshold": halting,
        "cells": round(accuracy.cells, 4),
    }


def weighted(rows: list[dict[str, Any]], key: str) -> float:
    """Mean over puzzles."""
    return round(sum(row[key] * row["puzzles"] for row in rows) / sum(row["puzzles"] for row in rows), 4)


def curve(log: Path, name: str) -> str:
    """Loss and share of unsolved puzzles over the steps of training, as SVG."""
    with log.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["loss"]]
    window = max(1, len(rows) // 50)
    chunks = [rows[low : low + window] for low in range(0, len(rows), window)]

    def points(value: Any) -> list[tuple[float, float]]:
        return [(int(c[-1]["step"]), float(np.mean([value(row) for row in c]))) for c in chunks]

    lines = [
        Line("loss of a cell", points(lambda row: float(row["token_loss"]))),
        Line("unsolved when halting", points(lambda row: 1 - float(row["exact"]))),
        Line("wrong cells", points(lambda row: 1 - float(row["cells"]))),
    ]
    return line_chart(lines, title=f"Training of {name}", x_label="optimizer step", y_label="training puzzles")


def card(name: str, checkpoint: Checkpoint, facts: dict[str, Any]) -> str:
    """The model card, every number out of ``facts``."""
    results, config = facts["results"], checkpoint.model.config
    weights = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    trained = f"{results['training_steps']:,} of its {results['recipe']['steps']:,} optimizer steps"
    table = "\n".join(
        f"| {row['source']} | {row['givens']:g} | {row['puzzles']} | {100 * row['exact']:.1f} % "
        f"| {100 * row['exact_at_halt']:.1f} % | {row['mean_steps']:.2f} |"
        for row in results["sets"]
    )
    return f"""# {name}

A Tiny Recursive Model (arXiv 2510.04871) for the task `{checkpoint.task}`, a reference model of trm-edge.

- **Shape**: {weights:,} weights; hidden size {config.hidden_size}, {config.L_layers} layers, tokens mixed by an MLP;
  {config.H_cycles} x {config.L_cycles} recursions a supervision step; at most
  {config.halt_max_steps} supervision steps in training.
- **Trained on**: {results["trained_on"]}; augmented on the fly.
- **Recipe**: `trm-edge train --recipe {name}`: the weights after {trained},
  {results["training_minutes"]:g} minutes on two cores ({facts["machine"]["processor"]}) shared with other work.
- **Curve**: `curve.svg`. **Figures**: `results.json`.
- **Licence**: Apache-2.0.

## Exact accuracy

Whole grids right, float model, {facts["settings"]["steps"]} supervision steps, measured {facts["date"]} on
{OVERLAP[name]}. "When halting" is the answer at the first step whose halting logit is above 0.

| puzzles | givens (mean) | count | after {facts["settings"]["steps"]} steps | when halting | mean steps |
| --- | --- | --- | --- | --- | --- |
{table}

## Limits

A small model, meant for demonstrations and for tests of deployment. With fewer givens than in the table it solves
less. Where a wrong answer matters, halt by the rules of the puzzle (`--halt verified`), which tell for sure.
"""


if __name__ == "__main__":
    main()
