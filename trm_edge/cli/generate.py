"""``trm-edge generate``: fresh puzzles as a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trm_edge.errors import InvalidInput


def generate(
    task: Annotated[str, typer.Option(help="Task id: sudoku-9x9, sudoku-4x4, maze-30x30, arc-10x10 ...")],
    count: Annotated[int, typer.Option(help="How many puzzles.")],
    out: Annotated[Path, typer.Option(help="CSV file to write: source,question,answer,rating.")],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal puzzles.")] = 0,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Of the task's generator, for example givens=30.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")] = False,
) -> None:
    """Write fresh puzzles, each with exactly one answer, to a CSV file.

    Options of the generators: sudoku givens, difficulty (easy, medium, hard, extreme); maze loops, min_length;
    arc rule.
    """
    from trm_edge.atomic import check_destination
    from trm_edge.cli.progress import counted
    from trm_edge.tasks import get_task
    from trm_edge.tasks.generating import generate_many
    from trm_edge.tasks.writing import write_csv

    check_destination(out, overwrite=overwrite)
    kind = get_task(task)
    puzzles = generate_many(kind, count, seed, parse_options(option or []))
    with counted(puzzles, total=count, what="puzzles") as shown:
        written = write_csv(out, kind, shown, overwrite=overwrite)
    typer.echo(f"{out}: {written} puzzles of {kind.id}")


def parse_options(texts: list[str]) -> dict[str, int | float | str]:
    """``["givens=30", "loops=0.1", "rule=fall"]`` as keyword arguments; numbers are read as numbers.

    Raises:
        InvalidInput: not of the form NAME=VALUE, or a name given twice.
    """
    options: dict[str, int | float | str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise InvalidInput(f"--option '{text}' is not NAME=VALUE. Write for example --option givens=30")
        if name in options:
            raise InvalidInput(f"--option {name} is given twice")
        options[name] = _number(value)
    return options


def _number(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
