"""Arm's Ethos-U: neural processors beside microcontrollers, through ExecuTorch's Arm back-end, TOSA and Vela."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trm_edge.export.targets.base import Choice, Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

ACCELERATORS = (
    "ethos-u55-128",
    "ethos-u55-32",
    "ethos-u55-64",
    "ethos-u55-256",
    "ethos-u65-256",
    "ethos-u65-512",
    "ethos-u85-128",
    "ethos-u85-256",
    "ethos-u85-512",
    "ethos-u85-1024",
    "ethos-u85-2048",
)
"""Configurations, in Vela's words: the family and how many products a cycle. The first is the usual one."""

_WRITER = "trm_edge.export.write_ethos_u"
_USUAL = Choice(Format.EXECUTORCH, GraphVariant.STEP, Precision.W8A16)


@dataclass(frozen=True, kw_only=True)
class EthosUTarget(Target):
    """Integers only; the host drives the recursion and keeps the states in the processor's integers."""

    id: str = "ethos-u"
    description: str = "Arm Ethos-U55, U65 and U85 beside a microcontroller, through ExecuTorch, TOSA and Vela"
    evidence: Evidence = Evidence.SIMULATOR
    evidence_note: str = (
        "numbers: the TOSA graphs in Arm's TOSA reference model; cycles and memory: compiled by Vela, its estimates; "
        "not run on a board, nor in Arm's Corstone model, which no package index has"
    )
    package: str = "tosa_reference_model"
    extra: str = "ethos-u"
    environment: str | None = "ethos-u"
    exports_there: bool = True
    writers: Mapping[Format, str] = field(default_factory=lambda: {Format.EXECUTORCH: _WRITER})
    usual: Choice = _USUAL

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.EXECUTORCH) -> str | None:
        """ExecuTorch programs, driven by the host, of which everything is an integer of fixed scale."""
        if format is not Format.EXECUTORCH:
            return "ethos-u is compiled for from ExecuTorch programs: it has no ONNX runtime."
        if graph is not GraphVariant.STEP:
            return (
                f"ethos-u has no {graph} graph: Vela stores the weights anew at every pass that a graph holds, so the "
                "host calls one pass."
            )
        if precision not in (Precision.W8A16, Precision.W8A8):
            return f"ethos-u computes in integers of fixed scale: w8a16 or w8a8, not {precision}."
        return None

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """Which of the two precisions to take."""
        if precision is Precision.W8A8:
            return "less exact than w8a16, and slower but for wide models on U85: products convert to 8 bits and back"
        return None

    def device(self) -> str | None:
        """None: such a processor is beside a microcontroller, not in the machine that exports."""
        return None
