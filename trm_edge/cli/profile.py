"""``trm-edge profile``: what bundles cost, step by step, and what they are worth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trm_edge.bundle import Bundle
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.profile.candidates import Setting
    from trm_edge.profile.gate import Change
    from trm_edge.profile.operator_time import OperatorTime
    from trm_edge.profile.profile_report import Report
    from trm_edge.profile.results import Results
    from trm_edge.profile.run import Profiled, Request


def profile(
    bundles: Annotated[list[Path] | None, typer.Argument(help="Bundles of one task, folders or .zip files.")] = None,
    target: Annotated[str | None, typer.Option(help="Processor to run on; default: each bundle's own.")] = None,
    halt: Annotated[
        list[str] | None,
        typer.Option(help="Halting policy; further ones are measured beside the first. Default: each bundle's own."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Most supervision steps; default: each bundle's own.")] = None,
    data: Annotated[Path | None, typer.Option(help="CSV or JSON of puzzles; default: generated.")] = None,
    puzzles: Annotated[int, typer.Option(help="How many puzzles.")] = 32,
    threads: Annotated[
        str | None, typer.Option(help="Threads of one call, as 1 or 1,2; default: the runtime's.")
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Puzzles solved at once, as 1 or 1,8; default: one.")] = None,
    warmup: Annotated[int, typer.Option(help="Rounds that are not counted.")] = 1,
    repeat: Annotated[int | None, typer.Option(help="Rounds that are counted; default: 5.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Begin no round after so long.")] = None,
    cold: Annotated[int, typer.Option(help="Fresh processes a bundle, for load time, cold start and memory.")] = 3,
    device: Annotated[
        str | None, typer.Option(help="Measure there: ssh:HOST, ssh:USER@HOST:PORT, adb:SERIAL or adb:.")
    ] = None,
    device_python: Annotated[
        str | None, typer.Option(help="With --device: Python there that has numpy and the engine. [default: python3]")
    ] = None,
    runner: Annotated[
        Path | None, typer.Option(help="With --device: the C++ runner built for it; no Python is needed there then.")
    ] = None,
    import_: Annotated[
        list[Path] | None, typer.Option("--import", help="Results of another run or device to report, too.")
    ] = None,
    compare_to: Annotated[Path | None, typer.Option(help="Earlier results to hold the new ones against.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="Earlier bundle to profile beside the others.")] = None,
    fail_if_slower: Annotated[str | None, typer.Option(help="Slow-down that is an error, as 10%.")] = None,
    operators: Annotated[bool, typer.Option("--operators", help="Only time every kind of operator.")] = False,
    method: Annotated[
        list[str] | None, typer.Option(help="With --operators: method of a program; default: all.")
    ] = None,
    calls: Annotated[int, typer.Option(help="With --operators: measured calls.")] = 20,
    top: Annotated[int, typer.Option(help="With --operators: how many to show.")] = 20,
    json: Annotated[Path | None, typer.Option(help="Write the results as JSON; '-' prints them instead.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line a point of the picture as CSV.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw accuracy against time.")] = None,
    png: Annotated[Path | None, typer.Option(help="The same as pixels.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write everything as one HTML page.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files written if they exist.")] = False,
) -> None:
    """Profile bundles: time of steps and puzzles, starts, memory, energy, and accuracy against time at every budget.

    With --operators, of one bundle: which operators take the time, as the runtime's own tracer sees them. Tracing slows
    small operators down: compare them with each other, not with the time of an untraced run.
    """
    from trm_edge.cli.reports import ReportOutput

    output = ReportOutput(json, svg, html=html, csv=csv, png=png, overwrite=overwrite)
    if operators:
        _profile_operators(output, bundles, method, calls, threads, top)
        return
    from trm_edge.cli.main import INTERRUPTED
    from trm_edge.profile import gate, profile_report
    from trm_edge.profile.measure import Options
    from trm_edge.profile.results import merged, read_results
    from trm_edge.profile.run import Request

    limit = _limit(fail_if_slower, compare_to, baseline, bundles)
    earlier = None if compare_to is None else read_results(compare_to)
    parts = [read_results(path) for path in import_ or ()]
    if device is not None and not bundles:
        raise InvalidInput("--device measures there what is measured now: name a bundle to profile")
    if not bundles and not parts:
        raise InvalidInput("Name at least one bundle to profile, or results to report with --import")
    measured = None
    if bundles:
        policies = halt or []
        request = Request(
            bundles=bundles,
            baseline=baseline,
            settings=_settings(threads, batch),
            target=target,
            policy=policies[0] if policies else None,
            budget=budget,
            data=data,
            puzzles=puzzles,
            options=Options(repeat=repeat, seconds=seconds, warmup=warmup, cold=cold, policies=tuple(policies[1:])),
        )
        measured = _measured(request, device, device_python, runner)
        parts.insert(0, measured.results)
    changes = _changes(measured, earlier)
    _write(output, profile_report.report(merged(parts)), changes)
    if limit is not None:
        gate.check(changes, limit)
    if measured is not None and measured.interrupted:
        raise typer.Exit(INTERRUPTED)


def _measured(request: Request, device: str | None, python: str | None, runner: Path | None) -> Profiled:
    """Measure here, or on another device."""
    from functools import partial

    if device is None:
        if python is not None or runner is not None:
            raise InvalidInput(
                "--device-python and --runner say how to measure on another device: name it with --device"
            )
        from trm_edge.cli.progress import counting
        from trm_edge.profile.run import profile as measure

        return measure(request, partial(counting, "turns"))
    from trm_edge.profile.devices import open_device
    from trm_edge.profile.devices.remote import profile_on

    return profile_on(
        open_device(device), request, python=python, runner=runner, say=partial(print, file=sys.stderr, flush=True)
    )


def _limit(
    given: str | None, compare_to: Path | None, baseline: Path | None, bundles: Sequence[Path] | None
) -> float | None:
    """The slow-down to fail at, checked with what it is measured against before any work is done."""
    from trm_edge.profile.gate import parse_limit

    limit = None if given is None else parse_limit(given)
    if compare_to is not None and baseline is not None:
        raise InvalidInput("--compare-to and --baseline both say what was earlier: give one of them")
    if limit is not None and compare_to is None and baseline is None:
        raise InvalidInput("--fail-if-slower needs --compare-to RESULTS.json or --baseline BUNDLE to compare with")
    if not bundles and (compare_to is not None or baseline is not None):
        raise InvalidInput("--compare-to and --baseline compare what is measured now: name a bundle to profile")
    return limit


def _settings(threads: str | None, batch: str | None) -> list[Setting]:
    """Every combination of the numbers asked for."""
    from itertools import product

    from trm_edge.profile.candidates import Setting

    pairs = product(numbers("--threads", threads), numbers("--batch", batch))
    return [Setting(count, size) for count, size in pairs]


def numbers(option: str, text: str | None) -> Sequence[int | None]:
    """``1,2`` as numbers, each once; None alone where nothing was given."""
    if text is None:
        return [None]
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 6 and int(part) for part in parts):
        raise InvalidInput(f"{option} takes whole numbers from 1, as 1 or 1,8, not '{text[:40]}'")
    return list(dict.fromkeys(map(int, parts)))


def _changes(measured: Profiled | None, earlier: Results | None) -> list[Change]:
    """What has become slower or faster, if it was asked for."""
    from trm_edge.profile import gate

    if measured is None:
        return []
    if measured.baselines:
        return gate.against_baseline(measured.results.sides, measured.baselines)
    return [] if earlier is None else gate.against_results(measured.results, earlier)


def _write(output: ReportOutput, made: Report, changes: Sequence[Change]) -> None:
    """The report wherever it was asked for."""
    from dataclasses import asdict

    from trm_edge.profile import profile_report as report

    output.tables([*report.lines(made), *map(str, changes)])
    output.document({**report.to_dict(made), "changes": [asdict(change) for change in changes]})
    output.sheet(lambda: report.to_csv(made))
    output.chart(lambda: report.picture(made))
    output.page(lambda: report.to_html(made))


def _profile_operators(
    output: ReportOutput,
    bundles: Sequence[Path] | None,
    method: Sequence[str] | None,
    calls: int,
    threads: str | None,
    top: int,
) -> None:
    """The operators of one bundle alone."""
    from dataclasses import asdict

    from trm_edge.bundle import read_bundle
    from trm_edge.profile.operators import operator_times

    if bundles is None or len(bundles) != 1:
        raise InvalidInput(f"--operators looks into one bundle, not {len(bundles or ())}")
    count = numbers("--threads", threads)
    if len(count) != 1:
        raise InvalidInput("--operators takes one number of --threads")
    with read_bundle(bundles[0]) as opened:
        times = operator_times(opened, methods=method, calls=calls, threads=count[0])
        output.document({"bundle": opened.manifest.name, "calls": calls, "operators": [asdict(time) for time in times]})
        output.tables(described(opened, times, top))


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
