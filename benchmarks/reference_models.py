"""Measure a model that was trained here on fresh puzzles, bundle it, and write what is published about it.

    python benchmarks/reference_models.py sudoku-9x9 --run runs/sudoku-9x9 [--data FILE.csv] [--puzzles 2400]

``--run`` is the folder that ``trm-edge train`` left; its weights are the ones measured and published, with
``results.json``, ``model-card.md``, ``curve.svg`` and ``curve.png`` beside them. ``--data`` adds a file of puzzles that
the model was not trained on; Sudokus as they are and with some of the answer revealed.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import document, write
from tables import difficulty

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.model.checkpoint import Checkpoint, load_checkpoint
from trm_edge.models_registry import MODELS_DIR
from trm_edge.report import png
from trm_edge.report.run import read_run
from trm_edge.report.training import curves
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Task
from trm_edge.tasks.difficulty import natural_groups, natural_measure
from trm_edge.tasks.sudoku_augment import reveal
from trm_edge.train.data import Puzzles, generate_puzzles, load_puzzles
from trm_edge.train.evaluate import evaluate
from trm_edge.train.state import newest_state, read_facts

NINE = tuple({"givens": givens} for givens in (25, 27, 30, 34, 38, 45))
FRESH: Mapping[str, tuple[Mapping[str, Any], ...]] = {  # the generator's options, a set of puzzles for each
    "sudoku-9x9": NINE,
    "sudoku-9x9-hard": NINE,
    "sudoku-4x4": tuple({"givens": givens} for givens in (5, 6, 8)),
    "maze-mini": ({},),  # shown by length of the path
}
LEAST = 2000  #: fresh puzzles that a published figure rests on
SHARES = (0.0, 0.15, 0.3)  #: of the blanks of a file's Sudokus that are revealed
THRESHOLDS = (0.0, 1.0, 2.0, 4.0)  #: of the halting logit
SEED = 20261124
UNSEEN = {"sudoku-4x4": " (only 288 grids of 4x4 exist, so training has seen some of them)"}
LIMITS = {
    "sudoku": "With fewer givens than in the table it solves less.",
    "maze": "It knows mazes of this size only, and solves fewer where the path is longer than in the table.",
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(FRESH))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--puzzles", type=int, default=2400, help=f"fresh puzzles in all, at least {LEAST}")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--trained-on", default="puzzles of the task's own generator")
    parser.add_argument("--hardware", default="two CPU cores shared with other work")
    options = parser.parse_args()
    if options.puzzles < LEAST:
        parser.error(f"--puzzles {options.puzzles} is too few to publish. At least {LEAST}.")
    try:
        publish(options, MODELS_DIR / options.name)
    except TrmEdgeError as error:
        parser.error(str(error))


def publish(options: argparse.Namespace, folder: Path) -> None:
    """Measure the model of a run and write ``folder``."""
    saved = newest_state(options.run)
    if saved is None:
        raise InvalidInput(f"{options.run} holds no state of a run. Name the folder that trm-edge train left.")
    state = read_facts(saved)
    checkpoint = load_checkpoint(options.run / "model.safetensors")
    rows = []
    for source, puzzles in puzzle_sets(options.name, get_task(checkpoint.task), options.puzzles, options.data):
        rows.append(measure(checkpoint, source, puzzles, options.steps))
        print(rows[-1], flush=True)
    fresh = [row for row in rows if row["source"] == "generated"]
    results = {
        "puzzles": sum(row["puzzles"] for row in fresh),
        "exact": weighted(fresh, "exact"),
        "exact_at_halt": weighted(fresh, "exact_at_halt"),
        "mean_steps_to_halt": weighted(fresh, "mean_steps"),
        "training_steps": int(state["step"]),
        "training_minutes": round(float(state["seconds"]) / 60, 1),
        "sets": rows,
        "recipe": state["recipe"],
        "trained_on": options.trained_on,
        "hardware": options.hardware,
    }
    settings = {"puzzles": options.puzzles, "steps": options.steps, "data": options.data.name if options.data else None}
    facts = document(f"model_{options.name}", settings, results)
    curve = curves(read_run(options.run), title=f"Training of {options.name}")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(options.run / "model.safetensors", folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    (folder / "curve.svg").write_text(curve, encoding="utf-8")
    (folder / "curve.png").write_bytes(png.draw(curve))
    (folder / "model-card.md").write_text(card(options.name, checkpoint, facts), encoding="utf-8")
    write(folder / "results.json", {**facts.pop("results"), **facts})  # figures first, where `trm-edge models` looks


def puzzle_sets(name: str, task: Task, count: int, data: Path | None) -> Iterator[tuple[str, Puzzles]]:
    """About ``count`` fresh puzzles and those of the file, in sets of like difficulty, each with its source."""
    for options in FRESH[name]:
        fresh = generate_puzzles(task, -(-count // len(FRESH[name])), SEED + options.get("givens", 0), options)
        yield from (("generated", part) for part in ([fresh] if options else by_difficulty(fresh)))
    if data is not None:
        puzzles = load_puzzles(task, data)
        parts = revealed(puzzles) if task.family == "sudoku" else by_difficulty(puzzles)
        yield from ((data.stem, part) for part in parts)


def by_difficulty(puzzles: Puzzles) -> Iterator[Puzzles]:
    """The puzzles of each natural group."""
    groups = natural_groups(puzzles.task, puzzles.inputs, puzzles.labels)[0]
    for number in range(len(groups.labels)):
        chosen = groups.member == number
        yield replace(
            puzzles,
            inputs=puzzles.inputs[chosen],
            labels=puzzles.labels[chosen],
            puzzle_ids=puzzles.puzzle_ids[chosen],
            ratings=None,
        )


def revealed(puzzles: Puzzles) -> Iterator[Puzzles]:
    """Sudokus with more and more of the answer given away."""
    rng = np.random.default_rng(SEED)
    for share in SHARES:
        questions = reveal(rng, grids(puzzles.task, puzzles.inputs), grids(puzzles.task, puzzles.labels), share, share)
        yield replace(puzzles, inputs=np.stack([puzzles.task.encode(grid) for grid in questions]))


def grids(task: Task, tokens: NDArray[Any]) -> NDArray[np.int8]:
    """Tokens [puzzles, seq] as grids [puzzles, rows, columns]."""
    return np.stack([task.decode(row) for row in tokens])


def measure(checkpoint: Checkpoint, source: str, puzzles: Puzzles, steps: int) -> dict[str, Any]:
    """Exact accuracy after the last step and at the step where the model halts by itself."""
    accuracy = evaluate(checkpoint.model, puzzles, steps=steps)
    halting = {}
    for threshold in THRESHOLDS:
        taken, right = accuracy.at_halt(threshold)
        halting[f"{threshold:g}"] = {"exact": round(float(right.mean()), 4), "steps": round(float(taken.mean()), 2)}
    row: dict[str, Any] = {"source": source}
    natural = natural_measure(puzzles.task, puzzles.inputs, puzzles.labels)
    if natural is not None:
        name, values = natural
        key = name.replace(" ", "_")
        row |= {key: round(float(values.mean()), 1), f"{key}_from": int(values.min()), f"{key}_to": int(values.max())}
    return row | {
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


def card(name: str, checkpoint: Checkpoint, facts: dict[str, Any]) -> str:
    """The model card, every number out of ``facts``."""
    results, config = facts["results"], checkpoint.model.config
    weights = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    trained = f"{results['training_steps']:,} of its {results['recipe']['steps']:,} optimizer steps"
    steps = facts["settings"]["steps"]
    measured_on = f"puzzles generated afresh{UNSEEN.get(name, '')}"
    if facts["settings"]["data"]:
        measured_on += ", and on a file that was not trained on"
    table = "\n".join(
        f"| {row['source']} | {difficulty(row)} | {row['puzzles']} | {100 * row['exact']:.1f} % "
        f"| {100 * row['exact_at_halt']:.1f} % | {row['mean_steps']:.2f} |"
        for row in results["sets"]
    )
    return f"""# {name}

A Tiny Recursive Model (arXiv 2510.04871) for the task `{checkpoint.task}`, a reference model of trm-edge.

- **Shape**: {weights:,} weights; hidden size {config.hidden_size}, {config.L_layers} layers, tokens mixed by
  {"an MLP" if config.mlp_t else "attention"}; {config.H_cycles} x {config.L_cycles} recursions a supervision step;
  at most {config.halt_max_steps} supervision steps in training.
- **Trained on**: {results["trained_on"]}{"; augmented on the fly" if results["recipe"].get("augment") else ""}.
- **Recipe**: `trm-edge train --recipe {name}`: the weights after {trained},
  {results["training_minutes"]:g} minutes on {results["hardware"]}.
- **Curve**: `curve.svg`, `curve.png`. **Figures**: `results.json`.
- **Licence**: Apache-2.0.

![Training curves](curve.png)

## Exact accuracy

Whole grids right, float model, {steps} supervision steps, measured {facts["date"]} on
{measured_on}. "When halting" is the answer at the first step whose halting logit is above 0.

| puzzles | difficulty (mean) | count | after {steps} steps | when halting | mean steps |
| --- | --- | --- | --- | --- | --- |
{table}

## Limits

A small model, meant for demonstrations and for tests of deployment. {LIMITS.get(get_task(checkpoint.task).family, "")}
Where a wrong answer matters, halt by the rules of the puzzle (`--halt verified`), which tell for sure.
"""


if __name__ == "__main__":
    main()
