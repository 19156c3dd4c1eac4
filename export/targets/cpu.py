"""CPUs, x86-64 and arm64, through ONNX Runtime's default provider."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from trm_edge.export.targets.base import Target
from trm_edge.specs import Evidence, GraphVariant, Precision

_ARCHITECTURES = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "arm64", "arm64": "arm64"}
_PRECISIONS = (Precision.FP32, Precision.FP16)


@dataclass(frozen=True, kw_only=True)
class CpuTarget(Target):
    """ONNX Runtime on the CPU."""

    id: str = "cpu"
    description: str = "x86-64 and arm64 processors, through ONNX Runtime"
    evidence: Evidence = Evidence.HARDWARE
    evidence_note: str = "run on x86-64; arm64 takes the same bundles and has not been run"
    package: str = "onnxruntime"
    extra: str = "onnx"

    def supports(self, precision: Precision, graph: GraphVariant) -> str | None:
        """All graph variants, in fp32 and fp16."""
        if precision not in _PRECISIONS:
            return f"Target 'cpu' does not run {precision} {graph} graphs. Use --precision {' or '.join(_PRECISIONS)}."
        return None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """ONNX Runtime's CPU kernels have no fp16 products: it casts to fp32 and back."""
        if precision is Precision.FP16:
            return "half the file, not half the time: ONNX Runtime computes fp16 graphs in fp32 behind casts"
        return None

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
