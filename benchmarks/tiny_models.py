"""Train the tiny models that the matrix of combinations runs on: one of every kind, for 4x4 Sudoku.

    python benchmarks/tiny_models.py [--only mlp hrm]

Writes ``tests/fixtures/tiny/KIND.safetensors`` and the page beside them; ``--only`` without a kind writes the page
alone. Untrained models will not do: they amplify rounding, so that nothing of what a user sees could be compared.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trm_edge.model.checkpoint import load_checkpoint, save_checkpoint
from trm_edge.tasks import get_task
from trm_edge.train.data import Puzzles, generate_puzzles
from trm_edge.train.evaluate import evaluate
from trm_edge.train.loop import Limits, train
from trm_edge.train.recipe import Recipe

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "tiny"
TASK = "sudoku-4x4"
SEED = 20261124  #: of the puzzles that the models are judged on
JUDGED = 400
GIVENS = 8  #: of these puzzles, of 16 cells
DEPTH = 6  #: supervision steps of the judgement, those of the matrix


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        description: one line.
        model: its settings, besides those that all share.
        steps: optimizer steps.
    """

    description: str
    model: Mapping[str, Any]
    steps: int


# Rotary positions are relative. As in the official models, the token before the puzzle is what tells a row from the
# next; and sixteen tokens want higher frequencies than nine hundred.
_ROPE = {"mlp_t": False, "pos_encodings": "rope", "rope_theta": 50.0, "puzzle_emb_ndim": 32}
KINDS = {
    "mlp": Kind("tokens mixed by an MLP", {"L_layers": 1}, 1000),
    "rope": Kind("attention with rotary positions and one puzzle embedding", _ROPE, 5000),
    "learned": Kind(
        "attention with learned positions", {"L_layers": 1, "mlp_t": False, "pos_encodings": "learned"}, 5000
    ),
    # a row of the table is wider than one token and not a whole number of them, so that the prefix is padded
    "puzzles": Kind(
        "tokens mixed by an MLP, with a table of 4 puzzle embeddings",
        {"L_layers": 1, "puzzle_emb_ndim": 40, "num_puzzle_identifiers": 4},
        1000,
    ),
    "hrm": Kind(
        "HRM: as `rope`, with a second network for the answer, halting by the difference of two logits",
        {**_ROPE, "H_layers": 2, "no_ACT_continue": False},
        4000,
    ),
}


def main() -> None:
    """Train, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=list(KINDS))
    for name in parser.parse_args().only:
        make(name)
    text = page([judged(name) for name in KINDS])
    print(text)
    (FOLDER / "README.md").write_text(text, encoding="utf-8")


def recipe(kind: Kind) -> Recipe:
    """How a kind is trained: small, in float32, on one core in about a minute."""
    shared = {"hidden_size": 32, "L_layers": 2, "H_cycles": 1, "L_cycles": 2, "num_heads": 2, "expansion": 1.0}
    return Recipe(
        task=TASK,
        model={**shared, "halt_max_steps": 8, **kind.model},
        steps=kind.steps,
        batch_size=32,
        lr=3e-3,
        lr_other=3e-3,
        clip=1.0,
        warmup=50,
        schedule="linear",
        decay_from=0.6,
        lr_min_ratio=0.02,
        ema=0.99,
        reveal=(0.2, 0.8),
        generate=1000,
        bf16=False,
        compile=False,
    )


def make(name: str) -> None:
    """Train one, round it to bfloat16, save it."""
    given = recipe(KINDS[name])
    with tempfile.TemporaryDirectory() as folder:
        puzzles = numbered(generate_puzzles(get_task(TASK), given.generate, given.seed), given.model)
        state = train(given, puzzles, Path(folder), limits=Limits(eval_every=0), device=torch.device("cpu"))
        if state.step < given.steps:
            raise SystemExit(f"{name}: stopped at step {state.step} of {given.steps}; nothing was written.")
        model = load_checkpoint(Path(folder) / "model.safetensors").model
    path = FOLDER / f"{name}.safetensors"
    save_checkpoint(path, model.to(torch.bfloat16), TASK, overwrite=True)
    path.chmod(0o644)
    print(f"{name}: {state.step} steps in {state.seconds:.0f} s", flush=True)


def judged(name: str) -> str:
    """The line of the page about a saved model."""
    path = FOLDER / f"{name}.safetensors"
    model = load_checkpoint(path).model
    puzzles = numbered(generate_puzzles(get_task(TASK), JUDGED, SEED, {"givens": GIVENS}), KINDS[name].model)
    found = evaluate(model, puzzles, steps=DEPTH)
    steps, right = found.at_halt()
    weights = sum(parameter.numel() for parameter in model.parameters())
    return (
        f"| `{name}` | {KINDS[name].description} | {weights:,} | {path.stat().st_size / 1000:.0f} kB "
        f"| {100 * found.exact:.1f} % | {100 * right.mean():.1f} % | {steps.mean():.2f} |"
    )


def numbered(puzzles: Puzzles, model: Mapping[str, Any]) -> Puzzles:
    """The same puzzles with the ids of a model's embeddings, in turn."""
    count = int(model.get("num_puzzle_identifiers", 1))
    return replace(puzzles, puzzle_ids=(np.arange(len(puzzles)) % count).astype(np.int32))


def page(rows: list[str]) -> str:
    """What lies beside the models."""
    table = "\n".join(rows)
    return f"""# Tiny trained models

One of every kind, for `{TASK}`, in trm-edge's own checkpoint format with the weights in bfloat16. They are made by
`python benchmarks/tiny_models.py`, on one core in minutes, and used by `tests/test_matrix.py` and
`benchmarks/matrix.py`. Judged on {JUDGED} generated puzzles of {GIVENS} givens (only 288 grids of 4x4 exist, so
training has seen some of them), after {DEPTH} supervision steps and at the step where the halting logit is first
above 0:

| model | what it is | weights | file | exact | exact when halting | mean steps |
| --- | --- | --- | --- | --- | --- | --- |
{table}
"""


if __name__ == "__main__":
    main()
