"""Qualcomm's NPU (Hexagon, HTP), through ONNX Runtime's QNN provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from trm_edge.export.targets.base import Choice, Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_WRITER = "trm_edge.export.write_whole_integer"
_BACKENDS = {"libQnnHtp.so": "Qualcomm's HTP library", "QnnHtp.dll": "Qualcomm's HTP library"}


@dataclass(frozen=True, kw_only=True)
class QualcommNpuTarget(Target):
    """The HTP: integers only, fixed shapes, no loops."""

    id: str = "qualcomm-npu"
    description: str = "Qualcomm's NPU (Hexagon, HTP), through ONNX Runtime's QNN provider"
    evidence: Evidence = Evidence.SIMULATOR
    evidence_note: str = (
        "run on the vendor's own HTP simulator for x86-64 (libQnnHtp.so of onnxruntime-qnn), which computes what the "
        "NPU computes but says nothing of its speed; never run on a phone"
    )
    package: str = "onnxruntime_qnn"
    extra: str = "qnn"
    writers: Mapping[Format, str] = field(default_factory=lambda: {Format.ONNX: _WRITER})
    usual: Choice = field(default_factory=lambda: Choice(Format.ONNX, GraphVariant.STEP, Precision.W8A16))

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """Step graphs wholly in integers."""
        if format is not Format.ONNX:
            return f"qualcomm-npu takes ONNX graphs; {format} programs are not lowered to it."
        if graph is GraphVariant.LOOP:
            return "qualcomm-npu has no Loop operator: the host drives the recursion, with a step graph."
        if graph is not GraphVariant.STEP:
            return f"qualcomm-npu takes step graphs only: graphs wholly in integers are not written as {graph}."
        if precision in (Precision.FP32, Precision.FP16):
            return f"qualcomm-npu computes in integers: a graph in {precision} would be left to the CPU."
        if precision not in (Precision.W8A16, Precision.W8A8):
            return f"qualcomm-npu takes graphs wholly in integers: {precision} leaves tensors in float."
        return None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What 8 bits cost."""
        if precision is Precision.W8A8:
            return "8 bits are few for what a recursion carries: answers differ from the float model's more often"
        return None

    def device(self) -> str | None:
        """The HTP library of the installed package: the NPU's driver on Snapdragon, its simulator on x86-64."""
        found = find_spec(self.package)
        if found is None or found.origin is None:
            return None
        folder = Path(found.origin).parent
        library = next((name for name in _BACKENDS if (folder / name).is_file()), None)
        if library is None:
            return None
        import platform

        simulated = platform.machine().lower() in ("x86_64", "amd64") and library.endswith(".so")
        return f"Qualcomm's HTP simulator ({library})" if simulated else f"Qualcomm HTP ({library})"
