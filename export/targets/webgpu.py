"""GPUs through WebGPU, by ONNX Runtime's provider: any maker's, on Vulkan, Direct3D 12 or Metal."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from trm_edge.environments.vulkan import adapter
from trm_edge.export.targets.base import Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_REFUSED = {
    Precision.W8A8: "has no kernel for QuantizeLinear, and multiplies in float between the quantizing nodes",
    Precision.W8A8_DYNAMIC: "has no kernel for DynamicQuantizeLinear and MatMulInteger",
    Precision.W8A16: "has no kernel for QuantizeLinear, and multiplies in float between the quantizing nodes",
    Precision.AUTO: "has no kernel for QuantizeLinear, so that there is nothing to choose from",
}
_NOTES = {
    Precision.FP16: "needs an adapter with 16-bit floats (shader-f16); SwiftShader has none, so it has not been run",
    Precision.W8: "a quarter of the file, not of the time: weights are widened to fp32 when the file is loaded",
}
_SYSTEMS = {"win32": "the adapter of Direct3D 12", "darwin": "the adapter of Metal"}


@dataclass(frozen=True, kw_only=True)
class WebGpuTarget(Target):
    """ONNX Runtime's WebGPU provider."""

    id: str = "webgpu"
    description: str = "GPUs of any maker, through ONNX Runtime's WebGPU provider"
    evidence: Evidence = Evidence.SIMULATOR
    evidence_note: str = "fp32 and w8 run on Chromium's SwiftShader, the true shaders on a CPU; no GPU was at hand"
    package: str = "onnxruntime"
    extra: str = "onnx"
    environment: str | None = "webgpu"

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """Float graphs without a Loop."""
        if format is not Format.ONNX:
            return "webgpu runs onnx graphs only: ExecuTorch has no such back-end here."
        if graph is GraphVariant.LOOP:
            return "webgpu has no kernel for Loop: the recursion would run on the CPU."
        reason = _REFUSED.get(precision)
        return None if reason is None else f"webgpu {reason}: {precision} would run on the CPU in part."

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What the number formats are good for there."""
        return _NOTES.get(precision)

    def device(self) -> str | None:
        """The Vulkan adapter, or the system's graphics interface where that is another."""
        if sys.platform in _SYSTEMS:
            return _SYSTEMS[sys.platform]
        found = adapter()
        return None if found is None else str(found)
