"""NVIDIA GPUs, through ONNX Runtime's CUDA provider."""

from __future__ import annotations

from dataclasses import dataclass

from trm_edge.environments.nvidia import gpus
from trm_edge.export.targets.base import Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_REFUSED = {
    Precision.W8A8: "multiplies in float between the quantizing nodes",
    Precision.W8A8_DYNAMIC: "has no kernel for DynamicQuantizeLinear",
    Precision.W8A16: "multiplies in float between the quantizing nodes",
    Precision.AUTO: "multiplies in float between the quantizing nodes",
}


@dataclass(frozen=True, kw_only=True)
class CudaTarget(Target):
    """ONNX Runtime's CUDA provider."""

    id: str = "cuda"
    description: str = "NVIDIA GPUs, through ONNX Runtime's CUDA provider"
    evidence: Evidence = Evidence.DECLARED
    evidence_note: str = "never run, nor compiled for it: no GPU was at hand; the graphs are those that the CPU runs"
    package: str = "onnxruntime"
    extra: str = "onnx"
    environment: str | None = "cuda"

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """Float graphs of every layout."""
        if format is not Format.ONNX:
            return "cuda runs onnx graphs only: ExecuTorch has no such back-end here."
        reason = _REFUSED.get(precision)
        return None if reason is None else f"cuda {reason}: {precision} would gain nothing there."

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What to expect of a graph that nobody has run there."""
        return "the condition of the loop is read back at every step" if graph is GraphVariant.LOOP else None

    def device(self) -> str | None:
        """The first GPU that nvidia-smi lists."""
        return next(iter(gpus()), None)
