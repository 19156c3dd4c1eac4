"""What was found, as lines for people and as a JSON document with its schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trm_edge import __version__
from trm_edge.doctor.checks import CHECKS, Examined
from trm_edge.doctor.finding import State
from trm_edge.doctor.limits import processors
from trm_edge.doctor.machine import Machine
from trm_edge.doctor.processor import features, recommended
from trm_edge.export.precision import INTEGER_RULES

SCHEMA_VERSION = 1

_TEXT = {"type": "string"}
_FINDING = {
    "type": "object",
    "required": ["state", "name", "found", "mend"],
    "properties": {
        "state": {"enum": [state.value for state in State]},
        "name": _TEXT,
        "found": _TEXT,
        "mend": {**_TEXT, "description": "the line that mends or installs it; empty where there is none"},
    },
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "trm-edge doctor --json",
    "type": "object",
    "required": ["schema_version", "trm_edge", "system", "architecture", "threads", "optimize_for", "well", "findings"],
    "properties": {
        "schema_version": {"const": SCHEMA_VERSION},
        "trm_edge": _TEXT,
        "system": _TEXT,
        "architecture": _TEXT,
        "threads": {"type": "number", "description": "processors' worth of time that a process may take at once"},
        "optimize_for": {"enum": [*INTEGER_RULES, None], "description": "of trm-edge export, for this processor"},
        "well": {"type": "boolean", "description": "nothing is broken"},
        "findings": {
            "type": "object",
            "required": list(CHECKS),
            "additionalProperties": {"type": "array", "items": _FINDING},
        },
    },
}
"""The document of :func:`to_dict`, in JSON Schema. New fields may appear without another version."""


def to_dict(examined: Examined, machine: Machine) -> dict[str, Any]:
    """Everything, JSON-ready."""
    return {
        "schema_version": SCHEMA_VERSION,
        "trm_edge": __version__,
        "system": machine.system,
        "architecture": machine.architecture,
        "threads": processors(machine),
        "optimize_for": recommended(machine.architecture, features(machine)),
        "well": examined.well,
        "findings": {about: [one.to_dict() for one in found] for about, found in examined.findings.items()},
    }


def lines(examined: Examined) -> Iterator[str]:
    """What a terminal shows: a heading for each group, a line for each finding, and the line that mends it below."""
    for about, found in examined.findings.items():
        yield about
        for one in found:
            yield f"  {one.state.value:<7}  {one.name}: {one.found}"
            if one.mend:
                yield f"           -> {one.mend}"
    problems, notes = examined.count(State.PROBLEM), examined.count(State.NOTE)
    yield f"{'Nothing is broken' if examined.well else f'Broken: {problems}'}; {notes} notes."
