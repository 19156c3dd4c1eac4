"""``trm-edge import``: an official TRM or HRM checkpoint becomes one safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_(
    official: Annotated[Path, typer.Argument(help="Folder with step_N and all_config.yaml, or one step_N file.")],
    task: Annotated[str, typer.Option(help="What it was trained for: sudoku-9x9, maze-30x30, arc-30x30 ...")],
    out: Annotated[Path, typer.Option(help="Checkpoint to write (.safetensors).")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")] = False,
) -> None:
    """Convert an official checkpoint (TRM, HRM) to trm-edge's own."""
    from trm_edge.optional import require

    for package in ("torch", "safetensors", "yaml"):
        require(package, extra="torch")
    from trm_edge.model.checkpoint import save_checkpoint
    from trm_edge.model.official import load_official
    from trm_edge.tasks import get_task

    checkpoint = load_official(official, get_task(task))
    save_checkpoint(out, checkpoint.model, checkpoint.task, overwrite=overwrite)
    config = checkpoint.model.config
    weights = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    typer.echo(
        f"{out}: {config.kind.upper()} for {task}, {weights:,} weights, {config.num_puzzle_identifiers} puzzle "
        f"embedding(s). Next: trm-edge export {out}"
    )
