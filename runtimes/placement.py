"""Where the nodes of a graph run: on the accelerator that it was opened for, or on the CPU beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Placement:
    """Nodes by processor.

    Attributes:
        accelerator: what the graph was opened for, in the runtime's own words.
        placed: nodes that run on it.
        elsewhere: nodes that run elsewhere (on the CPU), by operator.
        counted: what a node is, and how it was found out where it runs.
    """

    accelerator: str
    placed: int
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    counted: str = ""

    @property
    def left_out(self) -> int:
        """Nodes that do not run on the accelerator."""
        return sum(self.elsewhere.values())

    @property
    def whole(self) -> bool:
        """Whether all of the graph runs on the accelerator."""
        return self.placed > 0 and not self.left_out

    def __str__(self) -> str:
        if self.whole:
            return f"all {self.placed} nodes on {self.accelerator}"
        named = ", ".join(f"{count} {kind}" for kind, count in self.elsewhere.items())
        return f"{self.placed} of {self.placed + self.left_out} nodes on {self.accelerator}; not {named or 'one'}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as a manifest's ``placement``."""
        return {
            "accelerator": self.accelerator,
            "placed": self.placed,
            "elsewhere": dict(self.elsewhere),
            "whole": self.whole,
            "counted": self.counted,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Placement:
        """The inverse of :meth:`to_dict`."""
        return cls(values["accelerator"], values["placed"], dict(values["elsewhere"]), values["counted"])
