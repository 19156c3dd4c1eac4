"""``trm-edge evaluate``: how many puzzles a bundle solves. Never needs PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from trm_edge.cli.ranks import Ranks
    from trm_edge.tasks.base import Puzzle, Task
    from trm_edge.verify.accuracy import Judged

Found = TypeVar("Found")


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
    vote: Annotated[
        str | None, typer.Option(help="Several starts a puzzle: verified:8, majority:8, confident:8, top2:8.")
    ] = None,
    identifiers: Annotated[
        Path | None, typer.Option(help="Of --vote: the identifiers.json that names the puzzle embeddings (ARC).")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Group by givens, rating, source or none; default: givens for Sudoku.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON; '-' prints it instead.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --json if it exists.")] = False,
) -> None:
    """Measure how many puzzles a bundle solves, in how many steps, and where it fails.

    Under torchrun the processes share the puzzles, and the first one reports on all of them.
    """
    from trm_edge.bundle import read_bundle
    from trm_edge.cli.progress import counted
    from trm_edge.cli.puzzles import starts, usual_puzzle_id
    from trm_edge.cli.ranks import joined
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.runtimes import open_session
    from trm_edge.solve import Solver
    from trm_edge.tasks import get_task
    from trm_edge.verify import accuracy, accuracy_report, voting, voting_report
    from trm_edge.verify.difficulty import default_grouping, group_of

    output = ReportOutput(json, overwrite=overwrite)
    with joined() as ranks, read_bundle(bundle) as opened, open_session(opened, threads=threads) as session:
        manifest = opened.manifest
        task = get_task(manifest.task)
        solver = Solver(session, task, policy=halt, budget=budget, batch_size=batch_size)
        how, variants = starts(manifest, vote, identifiers, puzzle_id)
        label = group_of(by or default_grouping(task), task)
        puzzles = _puzzles(task, data, limit, generate, seed, option or [])
        chosen = ranks.share(_with_id(puzzles, usual_puzzle_id(manifest, puzzle_id)))
        origin = str(data) if data is not None else f"generated, seed {seed}"
        with counted(chosen, total=ranks.part_of(generate or limit), what="puzzles") as shown:
            if how is None:
                found = accuracy.summary(_together(ranks, accuracy.judged(solver, shown)), solver, label)
                document, tables = (
                    accuracy_report.to_dict(found, session, origin),
                    accuracy_report.lines(found, manifest),
                )
            else:
                votes = voting.judged(solver, shown, how, variants)
                voted = voting.summary(_together(ranks, votes), solver, how, label)
                document, tables = voting_report.to_dict(voted, session, origin), voting_report.lines(voted, manifest)
        if ranks.first:
            output.document(document | {"processes": ranks.size})
            output.tables(tables)


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


def _together(ranks: Ranks, ours: Judged[Found]) -> Judged[Found]:
    """What all processes found; the slowest decides how long it took."""
    from trm_edge.verify.accuracy import Judged

    return Judged(tuple(ranks.whole(ours.outcomes)), max(ranks.gathered(ours.seconds)))


def _with_id(puzzles: Iterator[Puzzle], puzzle_id: int | None) -> Iterator[Puzzle]:
    """The puzzles under one puzzle embedding; None leaves each its own."""
    from dataclasses import replace

    return puzzles if puzzle_id is None else (replace(puzzle, puzzle_id=puzzle_id) for puzzle in puzzles)
