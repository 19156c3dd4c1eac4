"""``trm-edge train``: a recipe becomes a model; an interrupted run goes on where it stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    import torch


def train(
    recipe: Annotated[
        str | None, typer.Option(help="Bundled recipe (sudoku-4x4, sudoku-9x9 ...) or a FILE.toml.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="CSV of puzzles with answers, or a data set's folder; default: generate them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: runs/ and the recipe's name.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes; resume later.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps in all, instead of the recipe's.")] = None,
    init_from: Annotated[
        Path | None, typer.Option(help="Begin a new run with the weights of this checkpoint (.safetensors).")
    ] = None,
    eval_data: Annotated[
        Path | None, typer.Option(help="Unseen puzzles to measure on: a CSV, or a data set's folder (its test split).")
    ] = None,
    eval_every: Annotated[int, typer.Option(help="Optimizer steps between evaluations; 0: only at the end.")] = 1000,
    eval_steps: Annotated[int, typer.Option(help="Supervision steps of an evaluation.")] = 16,
    eval_limit: Annotated[int | None, typer.Option(help="Take the first puzzles of --eval-data only.")] = None,
    save_every: Annotated[float, typer.Option(help="Seconds between saves.")] = 120.0,
    small_state: Annotated[
        bool, typer.Option("--small-state", help="Save without the carry, averages and moments in bfloat16.")
    ] = False,
    accumulate: Annotated[
        int | None, typer.Option(help="Compute a batch in so many parts, one after another, to save memory.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows of a batch, instead of the recipe's.")] = None,
    generate: Annotated[
        int | None, typer.Option(metavar="N", help="Puzzles to generate without --data, instead of the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run that lies in --out; train nothing.")] = False,
    compile: Annotated[bool, typer.Option("--compile/--no-compile", help="torch.compile, if the recipe does.")] = True,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 ...; default: a GPU if there is one.")] = None,
) -> None:
    """Train a model, or go on with the run that lies in --out.

    Ctrl-C saves the state and stops; the same command resumes.
    """
    from trm_edge.cli.progress import training
    from trm_edge.optional import require
    from trm_edge.train.recipe import load_recipe, recipe_names

    if watch and out is not None:
        from trm_edge.cli.watch import watch_run

        return watch_run(out)
    if watch or recipe is None:
        missing = "--out DIR: the run to watch" if watch else f"--recipe: {', '.join(recipe_names())} or a FILE.toml"
        raise InvalidInput(f"An option is missing, {missing}.")
    chosen = load_recipe(recipe).changed(
        steps=steps,
        batch_size=batch_size,
        accumulate=accumulate,
        generate=generate,
        seed=seed,
        compile=None if compile else False,
    )
    require("safetensors", extra="train")
    require("torch", extra="train")
    from trm_edge.train.data import load_puzzles, training_puzzles
    from trm_edge.train.loop import Limits, train

    limits = Limits(
        max_minutes=max_minutes,
        save_every=save_every,
        eval_every=eval_every,
        eval_steps=eval_steps,
        small_state=small_state,
    )
    folder = out or Path("runs") / Path(recipe).stem
    where = _device(device)
    puzzles = training_puzzles(chosen, data)
    held_out = None if eval_data is None else load_puzzles(puzzles.task, eval_data, split="test", limit=eval_limit)
    with training(chosen.steps) as show:
        state = train(
            chosen,
            puzzles,
            folder,
            limits=limits,
            held_out=held_out,
            init_from=init_from,
            device=where,
            on_step=lambda state, metrics: show(state.step, metrics),
        )
    if os.environ.get("RANK", "0") == "0":  # of several processes the first speaks
        print(f"{folder / 'model.safetensors'}: {state.step} of {chosen.steps} steps, {state.seconds / 60:.1f} minutes")
        if state.startup:
            print(f"Start-up, to the end of the first step: {state.startup:.1f} s.")
        _write_report(folder)
        if state.step < chosen.steps:
            print("To resume, give the same command again.")
    if state.stopped_by:
        raise typer.Exit(128 + state.stopped_by)  # as a shell reports it: 130 after Ctrl-C


def _write_report(folder: Path) -> None:
    """Curves and a page of the run, beside its model."""
    from trm_edge.report.training import write_training_report

    written = write_training_report(folder)
    print("Report: " + ", ".join(map(str, written.files)))
    for remark in written.remarks:
        print(remark)


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
