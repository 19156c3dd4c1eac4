"""``trm-edge train``: a recipe becomes a model; an interrupted run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    import torch


def train(
    recipe: Annotated[str, typer.Option(help="Bundled recipe (sudoku-4x4, sudoku-9x9) or a FILE.toml.")],
    data: Annotated[Path | None, typer.Option(help="CSV of puzzles with answers; default: generate them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: runs/ and the recipe's name.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes; resume later.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps in all, instead of the recipe's.")] = None,
    eval_data: Annotated[Path | None, typer.Option(help="CSV of unseen puzzles to measure exact accuracy on.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.")] = None,
    compile: Annotated[bool, typer.Option("--compile/--no-compile", help="torch.compile, if the recipe does.")] = True,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 ...; default: a GPU if there is one.")] = None,
) -> None:
    """Train a model, or go on with the run that lies in --out.

    Ctrl-C saves the state and stops; the same command resumes.
    """
    from trm_edge.cli.progress import training
    from trm_edge.optional import require
    from trm_edge.train.recipe import load_recipe

    chosen = load_recipe(recipe).changed(steps=steps, seed=seed, compile=None if compile else False)
    require("safetensors", extra="train")
    require("torch", extra="train")
    from trm_edge.train.data import load_puzzles, training_puzzles
    from trm_edge.train.loop import Limits, train

    folder = out or Path("runs") / Path(recipe).stem
    where = _device(device)
    puzzles = training_puzzles(chosen, data)
    held_out = None if eval_data is None else load_puzzles(puzzles.task, eval_data)
    with training(chosen.steps) as show:
        state = train(
            chosen,
            puzzles,
            folder,
            limits=Limits(max_minutes=max_minutes),
            held_out=held_out,
            device=where,
            on_step=lambda state, metrics: show(state.step, metrics),
        )
    print(f"{folder / 'model.safetensors'}: {state.step} of {chosen.steps} steps, {state.seconds / 60:.1f} minutes")
    if state.step < chosen.steps:
        print("To resume, give the same command again.")
    if state.stopped_by:
        raise typer.Exit(128 + state.stopped_by)  # as a shell reports it: 130 after Ctrl-C


def _device(name: str | None) -> torch.device | None:
    """The device called ``name``, tried out.

    Raises:
        InvalidInput: no such device here.
    """
    import torch

    if name is None:
        return None
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises all of them here
        reason = str(error).splitlines()[0]
        raise InvalidInput(f"--device '{name}' cannot be used: {reason}. Allowed here: {_devices()}.") from None
    return device


def _devices() -> str:
    import torch

    return ", ".join(["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))])
