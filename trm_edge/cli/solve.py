"""``trm-edge solve``: puzzles in, answers out, on the bundle's own runtime. Never needs PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def solve(
    bundle: Annotated[Path, typer.Argument(help="Folder or .zip that 'trm-edge export' wrote.")],
    puzzles: Annotated[
        list[str] | None, typer.Argument(metavar="PUZZLE...", help="Puzzles; '-' reads one a line from standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="CSV, JSON or text file of puzzles.")] = None,
    halt: Annotated[
        str | None,
        typer.Option(help="act, fixed:8, stable:3, verified, any(act,stable:3) ...; default: the bundle's own."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Most supervision steps; default: the bundle's own.")] = None,
    batch_size: Annotated[int, typer.Option(help="Most puzzles in one call; 1 answers a slow stream at once.")] = 32,
    threads: Annotated[int | None, typer.Option(help="Threads of one call; default: the runtime's choice.")] = None,
    puzzle_id: Annotated[int | None, typer.Option(help="Puzzle embedding to use (ARC).")] = None,
    vote: Annotated[
        str | None, typer.Option(help="Several starts a puzzle: verified:8, majority:8, confident:8, top2:8.")
    ] = None,
    identifiers: Annotated[
        Path | None, typer.Option(help="Of --vote: the identifiers.json that names the puzzle embeddings (ARC).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Also show the answer after every step.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Draw one puzzle, its steps and its answer as SVG.")] = None,
    png: Annotated[Path | None, typer.Option(help="The same as PNG.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --svg and --png if they exist.")] = False,
) -> None:
    """Solve puzzles with a bundle and check the answers by the rules.

    A puzzle that the model does not solve is reported as such and is no error: the exit code is 0.
    """
    from trm_edge.bundle import read_bundle
    from trm_edge.cli.puzzles import PuzzleSource, starts, usual_puzzle_id
    from trm_edge.cli.show import Drawings, Reporter
    from trm_edge.runtimes import open_session
    from trm_edge.solve import Solver, voting
    from trm_edge.specs import GraphVariant
    from trm_edge.tasks import get_task

    drawings = Drawings(svg, png, overwrite=overwrite)
    with read_bundle(bundle) as opened, open_session(opened, threads=threads) as session:
        manifest = opened.manifest
        task = get_task(manifest.task)
        solver = Solver(session, task, policy=halt, budget=budget, batch_size=batch_size)
        how, variants = starts(manifest, vote, identifiers, puzzle_id)
        source = PuzzleSource(task, puzzles or (), file, puzzle_id=usual_puzzle_id(manifest, puzzle_id))
        reporter = Reporter(task, as_json=as_json, with_trace=trace)
        traced = trace or (bool(drawings) and manifest.graph is not GraphVariant.LOOP)
        wanted = source.only("--svg/--png") if drawings else source
        if how is None:
            for solution in solver.solve_many(wanted, trace=traced):
                reporter.show(solution)
                drawings.write(task, solution)
        else:
            for voted in voting.vote(solver, wanted, how, variants=variants, trace=traced):
                reporter.show(voted.best, voted)
                drawings.write(task, voted.best)
        source.finish()
        reporter.summary()
