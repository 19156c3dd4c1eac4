"""CPUs, x86-64 and arm64, through ONNX Runtime's default provider or ExecuTorch's XNNPACK."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from trm_edge.export.executorch_backends import refusal
from trm_edge.export.targets.base import Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_ARCHITECTURES = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "arm64", "arm64": "arm64"}
_NOTES = {
    Precision.FP16: (
        "half the file, not half the time: ONNX Runtime computes fp16 graphs in fp32 behind casts, "
        "except on arm64 with fp16 arithmetic (Armv8.2)"
    ),
    Precision.W8: "a quarter of the file, not of the time: weights are widened to fp32 at every step",
    Precision.W8A8_DYNAMIC: "puzzles of one batch share the scales of their activations",
}


@dataclass(frozen=True, kw_only=True)
class CpuTarget(Target):
    """ONNX Runtime and ExecuTorch on the CPU."""

    id: str = "cpu"
    description: str = "x86-64 and arm64 processors, through ONNX Runtime or ExecuTorch"
    evidence: Evidence = Evidence.HARDWARE
    evidence_note: str = (
        "run on x86-64; for arm64 the true kernels of ONNX Runtime (every precision, integer ones counted) and of "
        "ExecuTorch were run in an emulator (QEMU), never on a real arm64 processor"
    )
    package: str = "onnxruntime"
    extra: str = "onnx"

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """Every ONNX graph; ExecuTorch programs as ``step``, since the host drives their recursion."""
        if precision is Precision.W8A16:
            return "w8a16 puts everything into integers, for NPUs: cpu computes such a graph in float, and slowly."
        if format is Format.EXECUTORCH and graph is not GraphVariant.STEP:
            return f"An ExecuTorch program is driven by the host: on cpu it has no {graph} graph. Use --graph step."
        return refusal(precision, "xnnpack") if format is Format.EXECUTORCH else None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What ONNX Runtime's CPU kernels make of a precision."""
        return _NOTES.get(precision)

    def device(self) -> str | None:
        """Architecture and model name of this machine's processor; None if it is neither x86-64 nor arm64."""
        architecture = _ARCHITECTURES.get(platform.machine().lower())
        if architecture is None:
            return None
        name = _linux_model_name() or platform.processor()
        return architecture if name in ("", platform.machine()) else f"{architecture}, {name}"


def _linux_model_name() -> str:
    """The processor's own name where Linux tells it, or nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
