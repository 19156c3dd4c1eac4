"""Android phones and tablets: arm64 CPUs, through ONNX Runtime's or ExecuTorch's package for apps.

Declared: what their documentation says they take. NNAPI is not a target of its own: it takes fp32 graphs of fixed
shapes and few operators, splits ours into many parts, and Android has deprecated it since version 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trm_edge.export.executorch_backends import refusal
from trm_edge.export.targets.base import Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_NOTES = {
    Precision.FP16: "half the file, not half the time: ONNX Runtime computes fp16 graphs in fp32 behind casts",
    Precision.W8: "a quarter of the file, not of the time: weights are widened to fp32",
}


@dataclass(frozen=True, kw_only=True)
class AndroidTarget(Target):
    """The CPU of a phone, from an app."""

    id: str = "android"
    description: str = "arm64 CPUs of phones, from an app with ONNX Runtime or ExecuTorch (XNNPACK)"
    evidence: Evidence = Evidence.DECLARED
    evidence_note: str = "declared, not run: nothing was run on a phone, nor compiled for one"
    package: str = "onnxruntime"
    extra: str = "onnx"
    quantization: Mapping[str, Any] = field(default_factory=lambda: {"optimize_for": "arm64"})

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """What the CPU takes: ONNX graphs of every layout, ExecuTorch programs as ``step``."""
        if format is Format.EXECUTORCH:
            if graph is not GraphVariant.STEP:
                return f"An ExecuTorch program is driven by the host: on android it has no {graph} graph."
            return refusal(precision, "xnnpack")
        if precision is Precision.W8A16:
            return "android has no integer kernels for 16-bit activations on the CPU: use w8a8."
        return None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What ONNX Runtime's CPU kernels make of a precision."""
        return _NOTES.get(precision)

    def device(self) -> str | None:
        """None: a phone is another machine."""
        return None

    def installed(self) -> bool:
        """False: what runs it is a part of the app."""
        return False

    def install_line(self) -> str:
        """What the app's Gradle file has to name."""
        return "in the app's build.gradle: implementation 'com.microsoft.onnxruntime:onnxruntime-android:+'"
