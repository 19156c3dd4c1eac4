"""What a check says: something is well, worth knowing, or broken, and the line that mends it. Knows no check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How something stands."""

    OK = "ok"  #: there, and as it should be
    NOTE = "note"  #: absent, or worth knowing; nothing is broken
    PROBLEM = "problem"  #: there, and broken


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at.

    Attributes:
        state: how it stands.
        name: what it is.
        found: what was seen, a sentence without its full stop.
        mend: the line that mends it or installs it, or nothing.
    """

    state: State
    name: str
    found: str
    mend: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "state": self.state.value}


def ok(name: str, found: str) -> Finding:
    """Something that is well."""
    return Finding(State.OK, name, found)


def note(name: str, found: str, mend: str = "") -> Finding:
    """Something that is worth knowing."""
    return Finding(State.NOTE, name, found, mend)


def problem(name: str, found: str, mend: str = "") -> Finding:
    """Something that is broken."""
    return Finding(State.PROBLEM, name, found, mend)
