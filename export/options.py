"""What somebody wants to be written, checked as far as it can be without the model or the target."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from trm_edge.errors import InvalidConfig
from trm_edge.export.planning import QuantizationOptions
from trm_edge.specs import OPSETS, Format, GraphVariant, Precision

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
        backend: ExecuTorch only: one of the target's; None: its first. On the CPU ``xnnpack``, or ``portable`` for
            plain kernels that run on anything.
        batch: puzzles a call, built in; not for ONNX on the CPU, which takes any number.
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
    backend: str | None = None
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
            built_in = () if self.target != "cpu" else (("batch", self.batch, 1),)
            return (("backend", self.backend, None), *built_in, ("bundled-io", self.bundled_io, False))
        chosen, usual = self.quantization, QuantizationOptions()
        return (
            ("opset", self.opset, OPSETS[-1]),
            ("optimize-for", chosen.optimize_for, usual.optimize_for),
            ("per-channel", chosen.per_channel, usual.per_channel),
        )
