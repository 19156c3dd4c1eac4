"""``trm-edge verify``: hashes, golden vectors and, given the float model, parity step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trm_edge.errors import InvalidInput

PUZZLES = 64


def verify(
    bundle: Annotated[Path, typer.Argument(help="Folder or .zip that 'trm-edge export' wrote.")],
    against: Annotated[
        str | None, typer.Option(help="The float model: a bundled model's name or a trm-edge checkpoint.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="CSV or JSON of puzzles to compare on; default: generated.")] = None,
    puzzles: Annotated[int, typer.Option(help="How many puzzles to compare on.")] = PUZZLES,
    halt: Annotated[str | None, typer.Option(help="Halting policy to compare under; default: the bundle's.")] = None,
    budget: Annotated[int | None, typer.Option(help="Supervision steps to compare; default: the bundle's.")] = None,
    max_logits_error: Annotated[
        float | None, typer.Option(help="Allowed error of a logit after one step from the float model's carry.")
    ] = None,
    min_answer_agreement: Annotated[
        float | None, typer.Option(help="Share of identical answers needed, 0 to 1.")
    ] = None,
    min_halting_agreement: Annotated[
        float | None, typer.Option(help="Share of equal halting steps needed, 0 to 1.")
    ] = None,
    max_drop: Annotated[
        float | None, typer.Option(help="Percentage points of exact accuracy that the bundle may lose.")
    ] = None,
    min_carry_cosine: Annotated[
        float | None, typer.Option(help="Lowest cosine of a carry after one step from the float model's.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON; '-' prints it instead.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the errors against depth.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write everything as one HTML page.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the result in the bundle's manifest.")] = False,
    runtime: Annotated[
        str | None, typer.Option(help="What runs the bundle, as arm64, which emulates one; default: by its target.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of one call; default: the runtimes' choice.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --json, --svg and --html.")] = False,
) -> None:
    """Check a bundle: the hashes of its files, its golden vectors and, with --against, the float model.

    Exit code 1: a bound was not kept; the message says which. The default bounds depend on the precision.
    """
    from contextlib import nullcontext
    from dataclasses import replace

    from trm_edge.bundle import read_bundle, update_manifest
    from trm_edge.cli.progress import counted
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.runtimes import open_session
    from trm_edge.verify import page, report
    from trm_edge.verify.bounds import DEFAULT_BOUNDS
    from trm_edge.verify.check import comparison_puzzles, open_reference, verify_bundle

    if against is None:
        _refuse_alone(data=data, svg=svg, record=record, halt=halt, budget=budget, puzzles=puzzles != PUZZLES or None)
        _refuse_alone(max_logits_error=max_logits_error, max_drop=max_drop, min_carry_cosine=min_carry_cosine)
    output = ReportOutput(json, svg, html=html, overwrite=overwrite)
    given = {
        "max_logits_error": max_logits_error,
        "min_answer_agreement": min_answer_agreement,
        "min_halting_agreement": min_halting_agreement,
        "max_drop": max_drop,
        "min_carry_cosine": min_carry_cosine,
    }
    asked = {name: bound for name, bound in given.items() if bound is not None}
    with (
        read_bundle(bundle) as opened,
        open_session(opened, runtime, threads=threads) as session,
        nullcontext() if against is None else open_reference(against, threads=threads) as reference,
    ):
        bounds = replace(DEFAULT_BOUNDS[opened.manifest.precision], **asked)
        chosen = () if against is None else comparison_puzzles(opened.manifest, data, puzzles)
        with counted(chosen, total=puzzles, what="puzzles") as shown:
            found = verify_bundle(
                opened, session, bounds, reference=reference, puzzles=shown, policy=halt, budget=budget
            )
        document = report.to_dict(found, opened, session, reference)
        output.tables(report.lines(found, opened))
    output.document(document)
    if found.parity is not None:
        title, parity = f"{document['bundle']['name']} against the float model", found.parity
        output.chart(lambda: report.depth_chart(parity, title))
    output.page(lambda: page.to_html(found, document))
    if record:
        update_manifest(bundle, parity=report.summary(document))
    found.require_measured(*asked)
    found.require_kept()


def _refuse_alone(**given: object) -> None:
    """Options that only mean something in a comparison must not be passed over in silence."""
    for name, value in given.items():
        if value is not None and value is not False:
            option = f"--{name.replace('_', '-')}"
            raise InvalidInput(f"{option} belongs to the comparison with the float model: add --against CHECKPOINT")
