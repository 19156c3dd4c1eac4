"""``trm-edge export``: a checkpoint becomes a bundle, and the bundle proves itself with its golden vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trm_edge.cli.main import typed
from trm_edge.errors import InvalidInput, unknown
from trm_edge.specs import Format, GraphVariant, Precision

if TYPE_CHECKING:
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.tasks.base import Puzzle


def export(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Argument(help="Bundled model or checkpoint file; default: the 9x9 Sudoku solver.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder or .zip to write; default: the bundle's name, here.")] = None,
    format: Annotated[
        Format | None, typer.Option(help="File format of the graph; default: the target's usual one, as the next two.")
    ] = None,
    graph: Annotated[GraphVariant | None, typer.Option(help="Layout of the recursion.")] = None,
    precision: Annotated[Precision | None, typer.Option(help="Number format.")] = None,
    target: Annotated[str, typer.Option(help="Processor; see trm-edge targets.")] = "cpu",
    steps: Annotated[int, typer.Option(help="Depth of an unrolled graph; default budget of the others.")] = 16,
    threshold: Annotated[
        float, typer.Option(help="Halt when the halting logit is greater: higher is surer, and slower.")
    ] = 0.0,
    calibration: Annotated[
        str | None, typer.Option(help="How w8a8 chooses ranges: min-max, percentile, mse or entropy.")
    ] = None,
    calibration_data: Annotated[
        Path | None, typer.Option(help="CSV or JSON of puzzles to calibrate on; default: generated ones.")
    ] = None,
    calibration_samples: Annotated[int, typer.Option(help="How many puzzles to calibrate (or search) on.")] = 64,
    optimize_for: Annotated[
        str | None,
        typer.Option(help="Whose integer kernels: x86-64 (VNNI), x86-64-avx2 or arm64; default: the target's."),
    ] = None,
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", help="One scale for a whole weight, not one for every output channel.")
    ] = False,
    max_drop: Annotated[
        float, typer.Option(help="Percentage points of exact accuracy that --precision auto may lose.")
    ] = 0.5,
    backend: Annotated[
        str | None, typer.Option(help="ExecuTorch only: a back-end of the target; on the CPU xnnpack or portable.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Puzzles a call, built in; ONNX on the CPU takes any number.")] = 1,
    bundled_io: Annotated[
        bool, typer.Option("--bundled-io", help="ExecuTorch only: add a .bpte with golden inputs and outputs.")
    ] = False,
    puzzles: Annotated[str | None, typer.Option(help="Puzzle embeddings to keep: '3,7,10-19' or 'all'.")] = None,
    opset: Annotated[
        int | None, typer.Option(help="ONNX operator set, 18 to 23; default: the newest that the target reads.")
    ] = None,
    golden: Annotated[int, typer.Option(help="Golden puzzles that travel with the bundle.")] = 4,
    golden_data: Annotated[Path | None, typer.Option(help="CSV or JSON to take the golden puzzles from.")] = None,
    verify: Annotated[
        bool, typer.Option(help="Replay the golden puzzles afterwards; exit code 1 if they differ.")
    ] = True,
    htp_context: Annotated[
        list[str] | None,
        typer.Option(
            "--context", help="qualcomm-npu only: add the graph compiled for that NPU, v73, v75 ...; repeatable."
        ),
    ] = None,
    require_full: Annotated[
        bool,
        typer.Option("--require-full", help="Fail if the target's runtime places a node elsewhere (or is not here)."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what lies at --out.")] = False,
) -> None:
    """Export a model as a bundle: graph, golden vectors, manifest and model card."""
    from trm_edge.cli.elsewhere import run_elsewhere
    from trm_edge.cli.exported import report
    from trm_edge.export.targets import get_target
    from trm_edge.optional import require

    chosen = get_target(target)
    choice = chosen.choose(format=format, graph=graph, precision=precision)
    format, graph, precision = choice.format, choice.graph, choice.precision
    if chosen.environment is not None and chosen.exports_there:
        run_elsewhere(chosen.environment, typed(context))
    contexts = _contexts(target, htp_context or ())
    for package in (format.value, "torch", "safetensors"):
        require(package, extra="export")
    from trm_edge.cli.progress import planning
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.pipeline import ExportOptions, bundle_name, export_bundle
    from trm_edge.export.planning import QuantizationOptions
    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.models_registry import resolve

    source = resolve(model)
    checkpoint = load_checkpoint(source)
    kept = None if puzzles is None else parse_puzzles(puzzles, checkpoint)
    options = ExportOptions(
        graph=graph,
        precision=precision,
        target=target,
        steps=steps,
        puzzles=kept,
        opset=chosen.opset if opset is None else opset,
        golden=golden,
        threshold=threshold,
        quantization=QuantizationOptions(
            CalibrationOptions(calibration, calibration_samples),
            per_channel=not per_tensor,
            max_drop=max_drop,
            **dict(chosen.quantization) | ({} if optimize_for is None else {"optimize_for": optimize_for}),
        ),
        format=format,
        backend=backend,
        batch=batch,
        bundled_io=bundled_io,
    )
    _refuse_idle(precision, calibration=calibration, calibration_data=calibration_data)
    name = model_name(source)
    card = source.with_name("model-card.md")
    with planning(calibration_samples) as progress:
        path = export_bundle(
            checkpoint,
            options,
            out or Path(bundle_name(name, options)),
            name=name,
            model_card=read_card(card) if card.is_file() else None,
            puzzles=None if golden_data is None else _first(checkpoint, golden_data, golden),
            calibration=None
            if calibration_data is None
            else _spread(checkpoint, calibration_data, calibration_samples),
            progress=progress,
            overwrite=overwrite,
        )
    report(path, verify=verify, require_full=require_full)
    for architecture in contexts:
        from trm_edge.profile.context import NOTE, write_context

        write_context(path, architecture)
        print(f"  context for the HTP {architecture}: {NOTE}")


def _contexts(target: str, architectures: Sequence[str]) -> list[str]:
    """The generations of Qualcomm's NPU to compile for, refused before any work if there are none such."""
    if not architectures:
        return []
    if target != "qualcomm-npu":
        raise InvalidInput(f"--context is for --target qualcomm-npu, not for {target}. Leave it out.")
    from trm_edge.optional import require
    from trm_edge.runtimes.qnn import ARCHITECTURES

    require("onnxruntime_qnn", extra="qnn")
    for name in architectures:
        if name not in ARCHITECTURES:
            raise InvalidInput(unknown("HTP architecture", name, ARCHITECTURES))
    return list(dict.fromkeys(architectures))


def _refuse_idle(precision: Precision, **given: object) -> None:
    """Options of the calibration must not be passed over in silence."""
    if precision not in (Precision.W8A8, Precision.W8A8_DYNAMIC, Precision.AUTO):
        for name, value in given.items():
            if value is not None:
                option = name.replace("_", "-")
                raise InvalidInput(
                    f"--{option} is for int8 activations, not for {precision}: use --precision w8a8 or auto."
                )


def model_name(checkpoint: Path) -> str:
    """What a checkpoint file is called: its folder, where the file is just ``model.safetensors``."""
    return checkpoint.absolute().parent.name if checkpoint.stem == "model" else checkpoint.stem


def parse_puzzles(text: str, checkpoint: Checkpoint) -> tuple[int, ...]:
    """Puzzle ids out of ``"3,7,10-19"`` or ``"all"``.

    Raises:
        InvalidInput: not of that form.
    """
    count = checkpoint.model.config.num_puzzle_identifiers
    if text == "all":
        return tuple(range(count))
    ids: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", part.strip())
        low, high = (0, -1) if match is None else (int(match[1]), int(match[2] or match[1]))
        if high < low:
            raise InvalidInput(f"--puzzles '{text}' is not a list of ids. Write for example 3,7,10-19 or all.")
        if high >= count:
            raise InvalidInput(f"Puzzle id {high} is out of range. The model has ids 0 to {count - 1}.")
        ids.extend(range(low, high + 1))
    return tuple(ids)


def read_card(path: Path) -> str:
    """The text of a model card.

    Raises:
        InvalidInput: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text. Save it as UTF-8, or move it away.") from None


def _first(checkpoint: Checkpoint, data: Path, count: int) -> list[Puzzle]:
    from itertools import islice

    from trm_edge.tasks import get_task
    from trm_edge.tasks.reading import read_file

    puzzles = list(islice(read_file(get_task(checkpoint.task), data), count))
    if not puzzles:
        raise InvalidInput(f"{data} holds no puzzles.")
    return puzzles


def _spread(checkpoint: Checkpoint, data: Path, count: int) -> list[Puzzle]:
    """``count`` puzzles of a file, evenly spread over it: files are often sorted by difficulty."""
    from trm_edge.tasks import get_task
    from trm_edge.tasks.reading import read_file

    puzzles = list(read_file(get_task(checkpoint.task), data))
    if not puzzles:
        raise InvalidInput(f"{data} holds no puzzles.")
    count = min(count, len(puzzles))
    return [puzzles[number * len(puzzles) // count] for number in range(count)]
