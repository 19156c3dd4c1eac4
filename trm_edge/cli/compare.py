"""``trm-edge compare``: bundles side by side, of any format, graph and precision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    bundles: Annotated[list[Path], typer.Argument(help="2 to 16 bundles of one task, folders or .zip files.")],
    against: Annotated[
        str | None, typer.Option(help="Also run the float model, and measure agreement with it; else with the first.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="CSV or JSON of puzzles; default: generated.")] = None,
    puzzles: Annotated[int, typer.Option(help="How many puzzles count for accuracy and halting.")] = 64,
    timed: Annotated[int, typer.Option(help="How many of them are timed, one by one.")] = 16,
    halt: Annotated[str | None, typer.Option(help="Halting policy of all; default: each bundle's own.")] = None,
    budget: Annotated[int | None, typer.Option(help="Most supervision steps of all; default: each its own.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of one call; default: the runtimes' own.")] = None,
    repeats: Annotated[int, typer.Option(help="Rounds of timing.")] = 3,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON; '-' prints it instead.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line a bundle as CSV.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw accuracy against time.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write everything as one HTML page.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files written if they exist.")] = False,
) -> None:
    """Compare bundles: accuracy, agreement, halting steps, latency, bytes and memory, and who is worth a look."""
    from contextlib import ExitStack
    from functools import partial

    from trm_edge.cli.progress import counted
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.profile import comparison_report as report
    from trm_edge.profile.candidates import beside, common_puzzles, open_candidates
    from trm_edge.profile.compare import compare as measure
    from trm_edge.profile.memory import measure_memory
    from trm_edge.verify.check import open_reference

    output = ReportOutput(json, svg, html=html, csv=csv, overwrite=overwrite)
    with ExitStack() as stack:
        sides = open_candidates(stack, bundles, policy=halt, budget=budget, threads=threads)
        if against is not None:
            sides.insert(0, beside(sides, stack.enter_context(open_reference(against, threads=threads))))
        chosen = common_puzzles(sides, data, puzzles)
        with counted(sides, total=len(sides), what="bundles") as shown:
            memory = partial(measure_memory, threads=threads)
            found = measure(shown, chosen, timed=timed, repeats=repeats, memory=memory)
    origin = "generated" if data is None else str(data)
    document = report.to_dict(found, [side.session for side in sides], origin, threads)
    output.tables(report.lines(found))
    output.document(document)
    output.sheet(lambda: report.to_csv(found))
    output.chart(lambda: report.picture(found))
    output.page(lambda: report.to_html(found, document))
