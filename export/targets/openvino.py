"""OpenVINO, which reads ONNX graphs itself: plug-ins for x86-64 and arm64 CPUs and for Intel's GPUs and NPUs."""

from __future__ import annotations

from dataclasses import dataclass

from trm_edge.export.targets.base import Target
from trm_edge.export.targets.cpu import CpuTarget
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_NOTES = {
    Precision.FP16: "half the file, not half the time: the CPU plug-in computes fp16 graphs in fp32",
    Precision.W8: "a quarter of the file, not of the time: products are computed in fp32",
}


@dataclass(frozen=True, kw_only=True)
class OpenVinoTarget(Target):
    """OpenVINO's own runtime."""

    id: str = "openvino"
    description: str = "x86-64 and arm64 CPUs, Intel GPUs and NPUs, through OpenVINO"
    evidence: Evidence = Evidence.HARDWARE
    evidence_note: str = "run by the CPU plug-in on x86-64; the plug-ins for GPUs and NPUs have not been run"
    package: str = "openvino"
    extra: str = "openvino"

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """Steps in any precision but dynamic int8; loops in float."""
        if format is not Format.ONNX:
            return "openvino reads onnx graphs only."
        if graph is GraphVariant.UNROLLED:
            return "openvino does not read unrolled graphs: their step is a function, and it does not inline those."
        if precision is Precision.W8A8_DYNAMIC:
            return "openvino has no integer kernels for w8a8-dynamic: it computes DynamicQuantizeLinear in float."
        if precision is Precision.W8A16:
            return "openvino has no integer kernels for 16-bit activations: w8a16 would be computed in float."
        if graph is GraphVariant.LOOP and precision in (Precision.W8A8, Precision.AUTO):
            return f"openvino does not tell how it multiplies inside a loop, so that {precision} cannot be proven."
        return None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What the CPU plug-in makes of a precision."""
        return _NOTES.get(precision)

    def device(self) -> str | None:
        """This machine's processor, which the CPU plug-in runs on; the others are the runtime's to find."""
        return CpuTarget().device()
