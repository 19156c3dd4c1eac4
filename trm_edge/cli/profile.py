"""``trm-edge profile``: where the time of a bundle's graph goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from trm_edge.bundle import Bundle
    from trm_edge.profile.operator_time import OperatorTime


def profile(
    bundle: Annotated[Path, typer.Argument(help="Folder or .zip that 'trm-edge export' wrote.")],
    operators: Annotated[bool, typer.Option("--operators", help="Time every kind of operator.")] = False,
    method: Annotated[list[str] | None, typer.Option(help="Method of an ExecuTorch program; default: all.")] = None,
    calls: Annotated[int, typer.Option(help="Measured calls.")] = 20,
    top: Annotated[int, typer.Option(help="Operators to show.")] = 20,
    threads: Annotated[int | None, typer.Option(help="Threads of one call; default: the runtime's choice.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all of them as JSON; '-' prints it instead.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --json if it exists.")] = False,
) -> None:
    """Name the operators that take the time, as the runtime's own tracer sees them.

    Tracing slows small operators down: compare them with each other, not with the time of an untraced run.
    """
    from dataclasses import asdict

    from trm_edge.bundle import read_bundle
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.profile.operators import operator_times

    if not operators:
        raise InvalidInput("Say what to profile: --operators. For times of whole puzzles: trm-edge compare.")
    output = ReportOutput(json, overwrite=overwrite)
    with read_bundle(bundle) as opened:
        times = operator_times(opened, methods=method, calls=calls, threads=threads)
        output.document({"bundle": opened.manifest.name, "calls": calls, "operators": [asdict(time) for time in times]})
        if json is None or str(json) != "-":
            print("\n".join(described(opened, times, top)))


def described(bundle: Bundle, times: list[OperatorTime], top: int) -> list[str]:
    """The operators that take most time, as lines of a table."""
    from trm_edge.profile.operator_time import integer_products, product_share
    from trm_edge.specs import Format

    total = sum(time.microseconds for time in times)
    lines = [f"{'us':>10}  {'share':>6}  {'runs':>5}  operator"]
    for time in sorted(times, key=lambda time: -time.microseconds)[:top]:
        name = time.operator if time.method == "graph" else f"{time.method}: {time.operator}"
        share = time.microseconds / total if total else 0.0
        lines.append(f"{time.microseconds:10.1f}  {share:6.1%}  {time.count:5}  {name}")
    if bundle.manifest.format is Format.ONNX:
        integer = integer_products(times)
        lines.append(f"matrix products take {product_share(times):.0%} of it; {integer} of them ran in integers")
    return lines
