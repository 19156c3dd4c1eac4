"""From a checkpoint to a bundle: refuse what cannot work, write the graph, record the float model's answers.

Nothing is run here but the float model: whether the graph agrees with it is :mod:`trm_edge.verify`'s to say.
"""

from __future__ import annotations

import logging
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from trm_edge import __version__
from trm_edge.bundle import GOLDEN, MODEL_CARD, CarrySpec, GoldenVectors, Halting, Manifest, write_bundle
from trm_edge.errors import InvalidCheckpoint, InvalidConfig, InvalidInput, NotQuantized, Refused
from trm_edge.export.calibration import network_inputs
from trm_edge.export.golden import golden_puzzles, golden_vectors
from trm_edge.export.graphs import OPSETS, build_graph
from trm_edge.export.onnx import graph_stats, to_bytes
from trm_edge.export.planning import Progress, QuantizationOptions, calibration_puzzles, make_plan
from trm_edge.export.precision import PRECISIONS
from trm_edge.export.proof import prove
from trm_edge.export.quantization import model_sites
from trm_edge.export.targets import get_target
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.optional import require
from trm_edge.specs import Format, GraphVariant, Precision, TensorSpec
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task

MODEL_FILES = {Format.ONNX: "model.onnx", Format.EXECUTORCH: "model.pte"}
BUNDLED_IO = "model.bpte"  #: an ExecuTorch program with its own test cases, see ``ExportOptions.bundled_io``
MAX_STEPS = 4096  #: supervision steps of an unrolled graph, or the default budget of the others


@dataclass(frozen=True)
class ExportOptions:
    """What to write.

    Attributes:
        graph: layout of the recursion.
        precision: number format.
        target: processor that the bundle is for, see ``trm-edge targets``.
        steps: depth of an ``unrolled`` graph; default budget of the others.
        puzzles: puzzle embeddings to keep, by id; None keeps the only one there is.
        opset: ONNX operator set.
        golden: number of golden puzzles.
        threshold: the bundle's default: a puzzle halts when its halting logit is greater.
        quantization: how int8 precisions quantize.
        format: of the graph's file.
        backend: ExecuTorch only: ``xnnpack``, or ``portable`` for plain kernels that run on anything.
        batch: ExecuTorch only: puzzles a call, built in.
        bundled_io: ExecuTorch only: add the program with golden inputs and outputs of every method, for runners that
            test themselves with ExecuTorch's own tools.
    """

    graph: GraphVariant = GraphVariant.STEP
    precision: Precision = Precision.FP32
    target: str = "cpu"
    steps: int = 16
    puzzles: tuple[int, ...] | None = None
    opset: int = OPSETS[-1]
    golden: int = 4
    threshold: float = 0.0
    quantization: QuantizationOptions = field(default_factory=QuantizationOptions)
    format: Format = Format.ONNX
    backend: str = "xnnpack"
    batch: int = 1
    bundled_io: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (("steps", 1, MAX_STEPS), ("opset", OPSETS[0], OPSETS[-1]), ("golden", 1, 1024)):
            if not low <= getattr(self, name) <= high:
                raise InvalidConfig(f"{name} = {getattr(self, name)} is out of range. Allowed: {low} to {high}.")
        if not math.isfinite(self.threshold):
            raise InvalidConfig(f"threshold = {self.threshold} is not a finite number; 0 is the usual one.")
        if self.puzzles is not None and len(set(self.puzzles)) != len(self.puzzles):
            raise InvalidConfig(f"puzzles = {list(self.puzzles)} names a puzzle twice.")
        for name, value, usual in self._idle():
            if value != usual:
                other = "executorch" if self.format is Format.ONNX else "onnx"
                raise InvalidConfig(f"{name} = {value} is for --format {other}, not for {self.format}. Leave it out.")

    def _idle(self) -> tuple[tuple[str, object, object], ...]:
        """Settings that this format has no use for, with what they are unless somebody sets them."""
        if self.format is Format.ONNX:
            return (
                ("backend", self.backend, "xnnpack"),
                ("batch", self.batch, 1),
                ("bundled-io", self.bundled_io, False),
            )
        chosen, usual = self.quantization, QuantizationOptions()
        return (
            ("opset", self.opset, OPSETS[-1]),
            ("optimize-for", chosen.optimize_for, usual.optimize_for),
            ("per-channel", chosen.per_channel, usual.per_channel),
        )


def bundle_name(model_name: str, options: ExportOptions) -> str:
    """The house's name for a bundle: ``sudoku-9x9.fp32.onnx-step``."""
    return f"{model_name}.{options.precision}.{options.format}-{options.graph}"


def export_bundle(
    checkpoint: Checkpoint,
    options: ExportOptions,
    out: Path,
    *,
    name: str,
    model_card: str | None = None,
    puzzles: Sequence[Puzzle] | None = None,
    calibration: Sequence[Puzzle] | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a bundle atomically.

    Args:
        checkpoint: the float model and its task.
        options: what to write.
        out: folder to make, or a ``.zip``.
        name: the model's name, for the manifest and the card.
        model_card: Markdown; None writes a card with the facts that the checkpoint holds.
        puzzles: golden puzzles; None generates them.
        calibration: what static int8 is calibrated on; None generates them.
        progress: hears how far calibration and search are.
        overwrite: replace ``out`` if it exists.

    Returns:
        ``out``.

    Raises:
        Refused: the target cannot run this precision or graph.
        InvalidInput: ``out`` exists, or a puzzle id is not in the model.
        InvalidCheckpoint: the weights give NaN, do not fit the precision, or are not for the checkpoint's task.
        NotQuantized: a product of the finished graph is not in the arithmetic that the precision wants.
    """
    if out.exists() and not overwrite:  # said before the work; write_bundle makes sure again
        raise InvalidInput(f"{out} exists. Choose another --out, or pass --overwrite.")
    target = get_target(options.target)
    reason = target.supports(options.precision, options.graph, options.format)
    if reason is None and options.format is Format.EXECUTORCH:
        reason = executorch_refusal(options.precision, options.backend)
    if reason is not None:
        raise Refused(reason)
    model, config, task = checkpoint.model, checkpoint.model.config, get_task(checkpoint.task)
    if (config.seq_len, config.vocab_size) != (task.seq_len, task.vocab_size):
        raise InvalidCheckpoint(
            f"The model reads {config.seq_len} tokens of {config.vocab_size} values, but its task '{task.id}' has "
            f"{task.seq_len} of {task.vocab_size}. Save it with the task that it was trained for."
        )
    kept = kept_puzzles(config, options.puzzles)
    vectors = golden_vectors(
        model,
        task,
        puzzles or golden_puzzles(task, options.golden),
        kept=kept,
        steps=options.steps,
        threshold=options.threshold,
    )
    write = {Format.ONNX: _write_onnx, Format.EXECUTORCH: _write_executorch}[options.format]
    written = write(model, task, options, kept, calibration, progress or Progress(), vectors)
    manifest = Manifest(
        name=bundle_name(name, options),
        task=task.id,
        seq_len=config.seq_len,
        vocab_size=config.vocab_size,
        format=options.format,
        graph=options.graph,
        precision=options.precision,
        target=options.target,
        steps=options.steps,
        halting=Halting(policy="act", threshold=options.threshold, min_steps=1, max_steps=options.steps),
        inputs=written.inputs,
        outputs=written.outputs,
        carry=_carry(checkpoint, PRECISIONS[options.precision].float_dtype)
        if options.graph is GraphVariant.STEP
        else (),
        puzzles=kept,
        puzzle_prefix_len=config.prefix_len,
        model=config.to_dict(),
        graph_stats=written.stats,
        tools={
            "trm-edge": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", options.format.value, "numpy")},
        },
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        evidence=target.evidence,
        model_file=MODEL_FILES[options.format],
    )
    card = model_card if model_card is not None else _plain_card(name, checkpoint)
    files: dict[str, bytes | Path] = {
        MODEL_FILES[options.format]: written.data,
        **written.more,
        GOLDEN: vectors.to_json().encode(),
        MODEL_CARD: card.encode(),
    }
    return write_bundle(out, manifest, files, overwrite=overwrite)


@dataclass(frozen=True)
class _Written:
    """A graph as a file: its bytes, its tensors, what was counted in it, and files that belong to it."""

    data: bytes
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    stats: dict[str, Any]
    more: dict[str, bytes] = field(default_factory=dict)


def _write_onnx(
    model: RecursiveModel,
    task: Task,
    options: ExportOptions,
    kept: tuple[int, ...],
    puzzles: Sequence[Puzzle] | None,
    progress: Progress,
    vectors: GoldenVectors,
) -> _Written:
    planned = make_plan(
        model,
        task,
        options.precision,
        options.quantization,
        kept=kept,
        steps=options.steps,
        threshold=options.threshold,
        puzzles=puzzles,
        progress=progress,
    )
    graph = build_graph(
        planned.model,
        options.graph,
        puzzles=kept,
        steps=options.steps,
        dtype=PRECISIONS[options.precision].float_dtype,
        opset=options.opset,
        plan=planned.plan,
    )
    data = to_bytes(graph.model)
    proof = prove(graph.model, planned.plan, {place.name: place.weight_names for place in model_sites(planned.model)})
    stats = {**graph_stats(data), **proof, "opset": options.opset}
    return _Written(
        data, graph.inputs, graph.outputs, {**stats, **({"quantization": planned.report} if planned.report else {})}
    )


def _write_executorch(
    model: RecursiveModel,
    task: Task,
    options: ExportOptions,
    kept: tuple[int, ...],
    puzzles: Sequence[Puzzle] | None,
    progress: Progress,
    vectors: GoldenVectors,
) -> _Written:
    from trm_edge.export.executorch import build_program, write_bundled  # takes seconds to load

    passes, method, report = None, options.quantization.calibration.method or "mse", {}
    if options.precision is Precision.W8A8:
        given = calibration_puzzles(task, options.quantization.calibration, kept, puzzles)
        passes = network_inputs(
            model,
            given.tokens,
            given.ids,
            steps=options.steps,
            threshold=options.threshold,
            progress=progress.calibrated,
        )
        report = {"quantization": {"calibration": {"method": method, "puzzles": len(given.ids)}}}
    program = build_program(
        model,
        precision=options.precision,
        backend=options.backend,
        puzzles=kept,
        batch=options.batch,
        passes=passes,
        calibration=method,
    )
    stats = {**program.stats, **report}
    integer, floating = stats["integer_products"], stats["float_products"]
    wanted = 0 if options.precision is Precision.FP32 else sum(len(place.weights) for place in model_sites(model))
    if integer < wanted:
        raise NotQuantized(f"Only {integer} of {wanted} products of the program are in integers. Use --precision fp32.")
    stats |= {"products": {"integer": integer, "float": floating}, "integer_share": float(wanted > 0)}
    more = {}
    if options.bundled_io:
        more[BUNDLED_IO] = write_bundled(program, model, torch.from_numpy(vectors.tokens), kept)
    return _Written(program.data, program.inputs, program.outputs, stats, more)


def executorch_refusal(precision: Precision, backend: str) -> str | None:
    """Why ExecuTorch cannot write this, or None.

    Raises:
        MissingDependency: ExecuTorch is not installed.
    """
    require("executorch", extra="executorch")
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)  # torchao's import warns about itself
    from trm_edge.export.executorch import refusal

    return refusal(precision, backend)


def kept_puzzles(config: ModelConfig, asked: tuple[int, ...] | None) -> tuple[int, ...]:
    """Which rows of the puzzle-embedding table to keep: those asked for, or the only one.

    Raises:
        InvalidInput: the table has several rows and none was asked for (a table can be gigabytes), a row that it does
            not have was, or the model has no table.
    """
    count = config.num_puzzle_identifiers if config.puzzle_emb_ndim else 0
    if asked is None:
        if count > 1:
            raise InvalidInput(
                f"The model has {count} puzzle embeddings of {config.puzzle_emb_ndim} numbers. "
                "Say which to keep: --puzzles 3,7 or --puzzles all."
            )
        return tuple(range(count))
    if asked and not count:
        raise InvalidInput("The model has no puzzle embedding. Leave --puzzles out.")
    for number in asked:
        if not 0 <= number < count:
            raise InvalidInput(f"Puzzle id {number} is out of range. The model has ids 0 to {count - 1}.")
    if not asked:
        raise InvalidInput("--puzzles names no puzzle. Name at least one, for example --puzzles 0.")
    return asked


def _carry(checkpoint: Checkpoint, dtype: str) -> tuple[CarrySpec, ...]:
    """The states of a step graph with their initial vectors, as the graph's number format holds them."""
    specs = []
    for state, init in (("z_H", checkpoint.model.H_init), ("z_L", checkpoint.model.L_init)):
        values = init.to(getattr(torch, dtype)).float()
        if not torch.isfinite(values).all():
            raise InvalidCheckpoint(f"The initial state of '{state}' does not fit into {dtype}. Use --precision fp32.")
        specs.append(CarrySpec(state, f"{state}_next", tuple(values.tolist())))
    return tuple(specs)


def _plain_card(name: str, checkpoint: Checkpoint) -> str:
    config = checkpoint.model.config
    count = sum(p.numel() for p in checkpoint.model.parameters())
    return (
        f"# {name}\n\n"
        f"{config.kind.upper()} for `{checkpoint.task}`: {count:,} weights, hidden size {config.hidden_size}, "
        f"{config.H_cycles} x {config.L_cycles} recursions a supervision step.\n\n"
        "Training data, accuracy and licence: not stated by the checkpoint.\n"
    )
