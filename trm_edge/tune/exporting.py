"""Writing the bundles to choose from, once: what lies there whole, from the same weights and options, is kept.

The folder's name says what a bundle was made of, so an interrupted run goes on where it stopped and another wish finds
the bundles of the last one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trm_edge import __version__
from trm_edge.bundle import GoldenVectors, read_bundle
from trm_edge.errors import InvalidBundle, MissingDependency, NotQuantized, Refused
from trm_edge.export.golden import golden_puzzles, golden_vectors
from trm_edge.export.options import ExportOptions
from trm_edge.export.pipeline import bundle_name, export_bundle, kept_puzzles
from trm_edge.export.planning import Progress, QuantizationOptions
from trm_edge.export.targets import Target
from trm_edge.export.targets.base import Choice
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.specs import OPSETS, Format
from trm_edge.tasks import get_task
from trm_edge.tune.winner import threshold

_DIGITS = 12  #: of a hash, in a folder's name


@dataclass(frozen=True)
class Model:
    """What bundles are made of.

    Attributes:
        name: of the model.
        path: its checkpoint file.
        checkpoint: loaded.
        card: its model card; None: one is written.
    """

    name: str
    path: Path
    checkpoint: Checkpoint
    card: str | None = None


@dataclass(frozen=True)
class Exported:
    """The bundles, and what could not be made.

    Attributes:
        bundles: options by bundle.
        remarks: why others are missing, in sentences.
    """

    bundles: dict[Path, ExportOptions]
    remarks: tuple[str, ...]


def options_for(
    target: Target, choice: Choice, *, steps: int, optimize_for: str | None, puzzles: tuple[int, ...] | None
) -> ExportOptions:
    """How a choice is written for a target.

    Args:
        target: what the bundle is for; what it wants of the quantization goes before ``optimize_for``.
        choice: what to write.
        steps: default budget, depth of an unrolled graph.
        optimize_for: integer rules of the processor; None: the usual ones.
        puzzles: embeddings to keep.
    """
    wanted = {**({} if optimize_for is None else {"optimize_for": optimize_for}), **target.quantization}
    if choice.format is Format.EXECUTORCH:  # its back-ends have rules of their own
        wanted = {name: value for name, value in wanted.items() if name not in ("optimize_for", "per_channel")}
    return ExportOptions(
        graph=choice.graph,
        precision=choice.precision,
        target=target.id,
        steps=steps,
        puzzles=puzzles,
        opset=target.opset if choice.format is Format.ONNX else OPSETS[-1],
        format=choice.format,
        quantization=QuantizationOptions(**wanted),
    )


def export_all(
    model: Model,
    wanted: Sequence[ExportOptions],
    folder: Path,
    *,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress | None = None,
) -> Exported:
    """Write what is not there yet.

    Args:
        model: the float model.
        wanted: what to write.
        folder: where; made if need be.
        say: hears the name of every bundle that is about to be written.
        progress: hears how far each is.

    Raises:
        InvalidCheckpoint: the weights are broken.
        Refused: nothing could be written; with the reason of the first.
    """
    weights = _sha256(model.path)
    bundles: dict[Path, ExportOptions] = {}
    remarks = []
    for options in wanted:
        name = bundle_name(model.name, options)
        path = folder / f"{name}.{fingerprint(weights, options)}"
        try:
            if not _whole(path):
                say(name)
                export_bundle(
                    model.checkpoint,
                    options,
                    path,
                    name=model.name,
                    model_card=model.card,
                    progress=progress,
                    overwrite=True,
                )
            bundles[path] = options
        except (Refused, MissingDependency, NotQuantized) as error:  # the others may still go
            remarks.append(f"{name} was not made: {error}")
    if not bundles:
        raise Refused(remarks[0])
    return Exported(bundles, tuple(remarks))


def fingerprint(weights: str, options: ExportOptions) -> str:
    """What a bundle was made of, in a few characters: weights, options, and the release that wrote it."""
    made_of = json.dumps([weights, asdict(options), __version__], sort_keys=True, default=str)
    return hashlib.sha256(made_of.encode()).hexdigest()[:_DIGITS]


def golden_under(model: Model, options: ExportOptions, policy: str, budget: int) -> GoldenVectors:
    """Golden vectors of the float model under another policy and budget, on the puzzles of an export.

    Raises:
        InvalidCheckpoint: the weights are broken.
    """
    checkpoint = model.checkpoint
    task = get_task(checkpoint.task)
    return golden_vectors(
        checkpoint.model,
        task,
        golden_puzzles(task, options.golden),
        kept=kept_puzzles(checkpoint.model.config, options.puzzles),
        steps=budget,
        threshold=threshold(policy),
    )


def _whole(path: Path) -> bool:
    """Whether a bundle lies there, with all its files and hashes."""
    try:
        with read_bundle(path):
            return True
    except InvalidBundle:  # absent, too
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
