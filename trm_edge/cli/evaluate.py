"""``trm-edge evaluate``: how many puzzles a bundle solves. Never needs PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from trm_edge.tasks.base import Puzzle, Task


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Folder or .zip that 'trm-edge export' wrote.")],
    data: Annotated[Path | None, typer.Option(help="CSV, JSON or text file of puzzles.")] = None,
    generate: Annotated[int | None, typer.Option(metavar="N", help="Generate N puzzles instead.")] = None,
    seed: Annotated[int, typer.Option(help="Of --generate: equal seeds give equal puzzles.")] = 0,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--generate-option", "--option", metavar="NAME=VALUE", help="Of --generate: for example givens=30."
        ),
    ] = None,
    halt: Annotated[
        str | None,
        typer.Option(help="act, fixed:8, stable:3, verified, any(act,stable:3) ...; default: the bundle's own."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Most supervision steps; default: the bundle's own.")] = None,
    batch_size: Annotated[int, typer.Option(help="Most puzzles in one call.")] = 32,
    limit: Annotated[int | None, typer.Option(help="Take the first puzzles of --data only.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of one call; default: the runtime's choice.")] = None,
    puzzle_id: Annotated[int | None, typer.Option(help="Puzzle embedding to use (ARC).")] = None,
    by: Annotated[
        str | None, typer.Option(help="Group by givens, rating, source or none; default: givens for Sudoku.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON; '-' prints it instead.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --json if it exists.")] = False,
) -> None:
    """Measure how many puzzles a bundle solves, in how many steps, and where it fails."""
    from trm_edge.bundle import read_bundle
    from trm_edge.cli.progress import counted
    from trm_edge.cli.puzzles import usual_puzzle_id
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.runtimes import open_session
    from trm_edge.solve import Solver
    from trm_edge.tasks import get_task
    from trm_edge.verify import accuracy, accuracy_report
    from trm_edge.verify.difficulty import default_grouping

    output = ReportOutput(json, overwrite=overwrite)
    with read_bundle(bundle) as opened, open_session(opened, threads=threads) as session:
        task = get_task(opened.manifest.task)
        solver = Solver(session, task, policy=halt, budget=budget, batch_size=batch_size)
        puzzles = _puzzles(task, data, limit, generate, seed, option or [])
        chosen = _with_id(puzzles, usual_puzzle_id(opened.manifest, puzzle_id))
        with counted(chosen, total=generate or limit, what="puzzles") as shown:
            found = accuracy.evaluate(solver, shown, by=by or default_grouping(task))
        origin = str(data) if data is not None else f"generated, seed {seed}"
        output.document(accuracy_report.to_dict(found, session, origin))
        output.tables(accuracy_report.lines(found, opened.manifest))


def _puzzles(
    task: Task, data: Path | None, limit: int | None, generate: int | None, seed: int, options: list[str]
) -> Iterator[Puzzle]:
    """Puzzles of a file or of the generator, one after the other.

    Raises:
        InvalidInput: both or neither are asked for, or options of the one with the other.
    """
    from itertools import islice

    from trm_edge.cli.generate import parse_options
    from trm_edge.tasks.generating import generate_many
    from trm_edge.tasks.reading import read_file

    if (data is None) == (generate is None):
        raise InvalidInput("Say what to evaluate on: --data FILE or --generate N, one of the two")
    if limit is not None and limit < 1:
        raise InvalidInput(f"--limit must be at least 1, not {limit}")
    if generate is not None:
        if limit is not None:
            raise InvalidInput("--limit belongs to --data: say the number with --generate")
        return generate_many(task, generate, seed, parse_options(options))
    if options or seed:
        raise InvalidInput("--seed and --generate-option belong to --generate, not to --data")
    assert data is not None
    return islice(read_file(task, data), limit)


def _with_id(puzzles: Iterator[Puzzle], puzzle_id: int | None) -> Iterator[Puzzle]:
    """The puzzles under one puzzle embedding; None leaves each its own."""
    from dataclasses import replace

    return puzzles if puzzle_id is None else (replace(puzzle, puzzle_id=puzzle_id) for puzzle in puzzles)
