"""What a target is: a processor that bundles are made for, and what it can run.

A target knows which combinations work and which package runs them; it neither writes graphs nor runs them.
Standard library only, so that listing the targets loads nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.util import find_spec

from trm_edge.specs import Evidence, Format, GraphVariant, Precision


@dataclass(frozen=True, kw_only=True)
class Target(ABC):
    """A processor that bundles are made for.

    Attributes:
        id: its name, in the table of :mod:`trm_edge.export.targets`.
        description: one line.
        evidence: how it is known to work.
        evidence_note: what exactly that evidence covers.
        package: importable name of the runtime's package.
        extra: the extra of ``pyproject.toml`` that installs it.
    """

    id: str
    description: str
    evidence: Evidence
    evidence_note: str
    package: str
    extra: str

    @abstractmethod
    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """None if the target runs this combination, else the reason why not and the nearest that it runs."""

    @abstractmethod
    def device(self) -> str | None:
        """The processor of this machine that a bundle would run on, or None where there is none."""

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What one should know before choosing a supported combination, if anything."""
        return None

    def installed(self) -> bool:
        """Whether the runtime's package can be imported here."""
        return find_spec(self.package) is not None

    def install_line(self) -> str:
        """The command that installs the runtime."""
        return f"pip install 'trm-edge[{self.extra}]'"
