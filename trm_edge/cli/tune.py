"""``trm-edge tune``: the bundle and the halting policy that are fast enough, or accurate enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.errors import InvalidInput, ParityFailure, Refused
from trm_edge.specs import Format, GraphVariant, Precision

if TYPE_CHECKING:
    from trm_edge.export.options import ExportOptions
    from trm_edge.export.targets.base import Choice
    from trm_edge.tune.exporting import Exported, Model
    from trm_edge.tune.tuning import Tuned

STEPS = 16  #: budget of what is exported, unless another is asked for


def tune(
    given: Annotated[
        list[str], typer.Argument(metavar="MODEL_OR_BUNDLES...", help="One model or checkpoint, or bundles of a task.")
    ],
    max_latency: Annotated[
        float | None, typer.Option(help="Milliseconds that a puzzle may take; the most accurate is chosen.")
    ] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(help="Percent of puzzles to be right at least; the fastest is chosen.")
    ] = None,
    latency: Annotated[str, typer.Option(help="Of half of the puzzles, p50, or of nine of ten, p90.")] = "p50",
    by_estimate: Annotated[
        bool, typer.Option("--by-estimate", help="Take counted accuracy for true, not its interval's lower end.")
    ] = False,
    target: Annotated[str, typer.Option(help="Processor; see trm-edge targets.")] = "cpu",
    format: Annotated[list[Format] | None, typer.Option(help="Of a model: only these formats.")] = None,
    graph: Annotated[
        list[GraphVariant] | None, typer.Option(help="Of a model: only these graphs; default: all but unrolled.")
    ] = None,
    precision: Annotated[
        list[Precision] | None, typer.Option(help="Of a model: only these; default: all but auto.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Of a model: puzzle embeddings to keep: '3,7,10-19' or 'all'.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="Of a model: folder for its bundles; default: in the user's cache.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help=f"Most supervision steps; default: each bundle's own, of a model {STEPS}.")
    ] = None,
    threads: Annotated[
        str | None, typer.Option(help="Threads of one call, as 1 or 1,2; default: one, and all processors.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="CSV or JSON of puzzles; default: generated.")] = None,
    puzzles: Annotated[int, typer.Option(help="How many: half to choose on, half to judge by.")] = 256,
    repeat: Annotated[int, typer.Option(help="Rounds of each measurement.")] = 2,
    seconds: Annotated[float | None, typer.Option(help="Do not narrow the field further after so long.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Bundle to write; default: the name of the chosen one with .tuned, here.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON; '-' prints it instead.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw accuracy against time.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write everything as one HTML page.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out and the reports.")] = False,
) -> None:
    """Try precisions, graphs, formats, threads, budgets and halting thresholds, and write the bundle that suits best.

    Of a model the bundles are exported first, once: the next call finds them. Exit code 1: nothing suits; the nearest
    is named, and only the reports are written.
    """
    from dataclasses import replace
    from functools import partial

    counts = _threads(threads, target)  # asks for this process's processors, which an import of PyTorch forgets
    from trm_edge.cli.progress import counting
    from trm_edge.cli.reports import ReportOutput
    from trm_edge.tune import tuning_report as report
    from trm_edge.tune.affinity import same_processors
    from trm_edge.tune.tuning import Request
    from trm_edge.tune.tuning import tune as race
    from trm_edge.tune.wish import Wish

    output = ReportOutput(json, svg, html=html, overwrite=overwrite)
    if out is not None and out.exists() and not overwrite:
        raise InvalidInput(f"{out} exists. Choose another --out, or pass --overwrite.")
    request = Request(
        bundles=tuple(map(Path, given)),
        wish=Wish(max_latency, None if min_accuracy is None else min_accuracy / 100, latency, by_estimate),
        target=target,
        threads=counts,
        budget=budget,
        data=data,
        puzzles=puzzles,
        repeat=repeat,
        seconds=seconds,
    )
    model, exported = None, None
    if all(map(_is_bundle, request.bundles)):
        _refuse_idle(format=format, graph=graph, precision=precision, keep=keep, candidates=candidates)
    else:
        choices = _choices(target, format, graph, precision)
        with same_processors():
            model = _model(given)
            exported = _export(model, target, choices, steps=budget or STEPS, keep=keep, folder=candidates)
        request = replace(request, bundles=tuple(exported.bundles))
    made = race(request, partial(counting, "turns"))
    if exported is not None:
        made = replace(made, remarks=(*exported.remarks, *made.remarks))
    written = None
    if made.met:
        options = None if exported is None else exported.bundles[made.winner.bundle]
        written = _write(made, out, model, options, overwrite=overwrite)
    document = report.to_dict(made, None if written is None else str(written))
    output.tables([*report.lines(made), *([] if written is None else [f"wrote {written}"])])
    output.document(document)
    output.chart(lambda: report.picture(made))
    output.page(lambda: report.to_html(made, document))
    if not made.met:
        raise ParityFailure(report.verdict(made))


def _is_bundle(path: Path) -> bool:
    """Whether an argument means a bundle; a model's name or a checkpoint file is none."""
    return path.suffix.lower() == ".zip" or (path / "manifest.json").is_file()


def _refuse_idle(**options: object) -> None:
    """What only models can follow must not be passed over in silence."""
    for name, value in options.items():
        if value:
            raise InvalidInput(f"--{name} says how to export a model: with bundles, leave it out")


def _threads(text: str | None, target: str) -> Sequence[int | None]:
    """What is asked for; else one thread and as many as this process may run, where the target is the CPU."""
    from trm_edge.cli.profile import numbers
    from trm_edge.doctor.limits import processors
    from trm_edge.doctor.machine import this_machine

    if text is not None or target != "cpu":
        return numbers("--threads", text)
    return sorted({1, max(1, int(processors(this_machine())))})


def _choices(
    target: str,
    formats: list[Format] | None,
    graphs: list[GraphVariant] | None,
    precisions: list[Precision] | None,
) -> list[Choice]:
    """What to export, refused before any work if it cannot be."""
    from trm_edge.export.targets import get_target
    from trm_edge.tune.walk import choices

    chosen = get_target(target)
    if chosen.exports_there:
        raise Refused(
            f"Bundles for '{target}' are exported in an environment of its own: make them first with trm-edge export "
            f"--target {target}, and give them instead of the model"
        )
    return choices(chosen, formats=formats or (), graphs=graphs or (), precisions=precisions or ())


def _model(given: list[str]) -> Model:
    """The model named by the only argument."""
    from trm_edge.cli.export import model_name, read_card
    from trm_edge.models_registry import resolve
    from trm_edge.optional import require

    if len(given) > 1:
        raise InvalidInput("Give one model, or bundles only: " + ", ".join(given))
    path = resolve(given[0])
    for package in ("torch", "safetensors"):
        require(package, extra="export")
    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.tune.exporting import Model

    card = path.with_name("model-card.md")
    return Model(model_name(path), path, load_checkpoint(path), read_card(card) if card.is_file() else None)


def _export(
    model: Model, target: str, choices: list[Choice], *, steps: int, keep: str | None, folder: Path | None
) -> Exported:
    """The bundles of a model, those that are missing written now."""
    import sys

    from trm_edge.cli.export import parse_puzzles
    from trm_edge.cli.progress import planning
    from trm_edge.doctor.machine import this_machine
    from trm_edge.doctor.processor import features, recommended
    from trm_edge.environments.base import cache_folder
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.targets import get_target
    from trm_edge.tune.exporting import export_all, options_for

    machine, chosen = this_machine(), get_target(target)
    rules = recommended(machine.architecture, features(machine)) if target == "cpu" else None
    kept = None if keep is None else parse_puzzles(keep, model.checkpoint)
    wanted = [options_for(chosen, one, steps=steps, optimize_for=rules, puzzles=kept) for one in choices]
    with planning(CalibrationOptions().samples) as progress:
        return export_all(
            model,
            wanted,
            folder or cache_folder() / "tune",
            say=lambda name: print(f"exporting {name}", file=sys.stderr),
            progress=progress,
        )


def _write(
    made: Tuned, out: Path | None, model: Model | None, options: ExportOptions | None, *, overwrite: bool
) -> Path:
    """The winner as a bundle with its policy; golden vectors of the float model where there is one."""
    from trm_edge.bundle import read_manifest
    from trm_edge.tune.tuning_report import latency
    from trm_edge.tune.winner import write_winner

    path = out or Path(f"{read_manifest(made.winner.bundle).name}.tuned")
    chosen, vectors = made.chosen, None
    if model is not None and options is not None:
        from trm_edge.tune.exporting import golden_under

        vectors = golden_under(model, options, chosen.policy, chosen.budget)
    write_winner(
        path,
        made.winner.bundle,
        chosen.policy,
        chosen.budget,
        vectors=vectors,
        latency=latency(made),
        overwrite=overwrite,
    )
    return path
