"""What a target is: a processor that bundles are made for, and what it can run.

A target knows which combinations work and which package runs them; it neither writes graphs nor runs them.
Standard library only, so that listing the targets loads nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import product
from typing import Any

from trm_edge.environments import environment
from trm_edge.errors import Refused
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

WRITERS = {
    Format.ONNX: "trm_edge.export.write_onnx",
    Format.EXECUTORCH: "trm_edge.export.write_executorch",
}
"""The writers of targets that have none of their own."""


@dataclass(frozen=True)
class Choice:
    """What to write for a target.

    Attributes:
        format: file format of the graph.
        graph: layout of the recursion.
        precision: number format.
    """

    format: Format
    graph: GraphVariant
    precision: Precision

    def __str__(self) -> str:
        return f"--format {self.format} --graph {self.graph} --precision {self.precision}"


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
        environment: the environment of its own that its runtime lives in; None: ours.
        exports_there: whether its writers live there, too.
        writers: what writes its graphs, by format: a module, see :mod:`trm_edge.export.writing`.
        usual: what is written unless somebody asks for something else.
        opset: the newest ONNX operator set that it reads.
        quantization: options of :class:`~trm_edge.export.planning.QuantizationOptions` that it wants unless somebody
            asks for others, by name.
    """

    id: str
    description: str
    evidence: Evidence
    evidence_note: str
    package: str
    extra: str
    environment: str | None = None
    exports_there: bool = False
    writers: Mapping[Format, str] = field(default_factory=lambda: dict(WRITERS))
    usual: Choice = Choice(Format.ONNX, GraphVariant.STEP, Precision.FP32)
    opset: int = 23
    quantization: Mapping[str, Any] = field(default_factory=dict)

    @abstractmethod
    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        """None if the target runs this combination wholly, else the reason why not."""

    @abstractmethod
    def device(self) -> str | None:
        """The processor of this machine that a bundle would run on, or None where there is none."""

    def note(self, precision: Precision, graph: GraphVariant) -> str | None:
        """What one should know before choosing a supported combination, if anything."""
        return None

    def choices(self) -> list[Choice]:
        """Everything that it runs."""
        every = (Choice(*one) for one in product(Format, GraphVariant, Precision))
        return [one for one in every if self.supports(one.precision, one.graph, one.format) is None]

    def choose(
        self,
        *,
        format: Format | None = None,
        graph: GraphVariant | None = None,
        precision: Precision | None = None,
    ) -> Choice:
        """What to write: the usual, with what somebody wishes in its place.

        Raises:
            Refused: the target does not run that; says why, and what comes nearest that it runs.
        """
        wished = {"format": format, "graph": graph, "precision": precision}
        given = {name: value for name, value in wished.items() if value is not None}
        wish = Choice(**{name: given.get(name, getattr(self.usual, name)) for name in wished})
        reason = self.supports(wish.precision, wish.graph, wish.format)
        if reason is None:
            return wish

        def closeness(choice: Choice) -> tuple[int, int]:
            kept = sum(getattr(choice, name) == value for name, value in given.items())
            return kept, sum(getattr(choice, name) == getattr(self.usual, name) for name in wished)

        nearest = max(self.choices(), key=closeness)
        if closeness(nearest)[0] == len(given):  # the wish left room, and the usual was not the way to fill it
            return nearest
        raise Refused(f"{reason} The nearest that '{self.id}' runs: {nearest}.")

    def installed(self) -> bool:
        """Whether its runtime is there: the package, or the environment that it lives in."""
        if self.environment is not None and not environment(self.environment).current:
            return environment(self.environment).installed()
        return find_spec(self.package) is not None

    def install_line(self) -> str:
        """The command that installs the runtime."""
        if self.environment is not None:
            return environment(self.environment).install_line()
        return f"pip install 'trm-edge[{self.extra}]'"
