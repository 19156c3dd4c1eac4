"""From a checkpoint to a bundle: refuse what cannot work, write the graph, record the float model's answers.

Nothing is run here but the float model: whether the graph agrees with it is :mod:`trm_edge.verify`'s to say.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from trm_edge import __version__
from trm_edge.bundle import GOLDEN, MODEL_CARD, CarrySpec, Halting, Manifest, write_bundle
from trm_edge.errors import InvalidCheckpoint, InvalidInput
from trm_edge.export.golden import golden_puzzles, golden_vectors
from trm_edge.export.options import ExportOptions
from trm_edge.export.planning import Progress
from trm_edge.export.precision import PRECISIONS
from trm_edge.export.targets import get_target
from trm_edge.export.writing import Job, load_writer
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.specs import Format, GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle

__all__ = ["MODEL_FILES", "ExportOptions", "bundle_name", "export_bundle", "kept_puzzles"]

MODEL_FILES = {Format.ONNX: "model.onnx", Format.EXECUTORCH: "model.pte"}


def bundle_name(model_name: str, options: ExportOptions) -> str:
    """The house's name for a bundle: ``sudoku-9x9.fp32.onnx-step``; what is not for the CPU says for what it is."""
    target = "" if options.target == "cpu" else f".{options.target}"
    return f"{model_name}.{options.precision}.{options.format}-{options.graph}{target}"


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
    target.choose(format=options.format, graph=options.graph, precision=options.precision)  # or refuses
    writer = load_writer(target.writers[options.format])
    writer.prepare(options)
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
    written = writer.write(Job(model, task, options, kept, calibration, progress or Progress(), vectors))
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
        carry=_carry(checkpoint, PRECISIONS[options.precision].float_dtype, written.scales)
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


def _carry(checkpoint: Checkpoint, dtype: str, scales: Mapping[str, tuple[float, int]]) -> tuple[CarrySpec, ...]:
    """The states of a step graph with their initial vectors, as the graph's float format holds them.

    Those that the graph stores in integers have a scale and a zero point in ``scales``.
    """
    specs = []
    for state, init in (("z_H", checkpoint.model.H_init), ("z_L", checkpoint.model.L_init)):
        values = init.to(getattr(torch, dtype)).float()
        if not torch.isfinite(values).all():
            raise InvalidCheckpoint(f"The initial state of '{state}' does not fit into {dtype}. Use --precision fp32.")
        scale, zero_point = scales.get(state, (None, None))
        specs.append(CarrySpec(state, f"{state}_next", tuple(values.tolist()), scale, zero_point))
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
