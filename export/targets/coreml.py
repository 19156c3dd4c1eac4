"""Apple's Neural Engine and GPUs, through Core ML in an ExecuTorch program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trm_edge.export.targets.base import Choice, Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

PRECISIONS = (Precision.FP32, Precision.FP16, Precision.W8)
COMPUTE_UNITS = {
    "all": "ALL",
    "cpu-and-neural-engine": "CPU_AND_NE",
    "cpu-and-gpu": "CPU_AND_GPU",
    "cpu": "CPU_ONLY",
}
"""What Core ML may choose from on the device, operator by operator: our names (back-ends), and coremltools'."""

_USUAL = Choice(Format.EXECUTORCH, GraphVariant.STEP, Precision.FP16)


@dataclass(frozen=True, kw_only=True)
class CoreMlTarget(Target):
    """Core ML on iPhones, iPads and Macs."""

    id: str = "coreml"
    description: str = "Apple's Neural Engine, GPU or CPU, through Core ML in an ExecuTorch program"
    evidence: Evidence = Evidence.COMPILED
    evidence_note: str = (
        "lowered whole on Linux, and the ML programs evaluated there operator by operator in numpy; "
        "never compiled or run on a Mac or an iPhone"
    )
    package: str = "coremltools"
    extra: str = "coreml"
    writers: Mapping[Format, str] = field(default_factory=lambda: {Format.EXECUTORCH: "trm_edge.export.write_coreml"})
    usual: Choice = _USUAL

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.EXECUTORCH) -> str | None:
        """ExecuTorch programs, which are ``step`` graphs, in fp32, fp16 and w8."""
        if format is not Format.EXECUTORCH:
            return "The target coreml takes ExecuTorch programs, not ONNX graphs. Use --format executorch."
        if graph is not GraphVariant.STEP:
            return f"The target coreml takes programs driven by the host: there is no {graph} graph. Use --graph step."
        if precision not in PRECISIONS:
            return f"The target coreml computes in floats: it takes fp32, fp16 and w8, not {precision}."
        return None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """Where the Neural Engine stays idle."""
        if precision is Precision.FP32:
            return "the Neural Engine computes in fp16: fp32 runs on the GPU or the CPU"
        return None

    def device(self) -> str | None:
        """None: ExecuTorch programs for Core ML are run by apps, not from here."""
        return None
