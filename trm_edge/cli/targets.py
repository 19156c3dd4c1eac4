"""``trm-edge targets``: the processors that models are exported for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trm_edge.export.targets import Target


def targets(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the processors that models are exported for, how each is known to work, and what it needs."""
    from trm_edge.export.targets import get_target, target_ids

    described = [describe(get_target(id)) for id in target_ids()]
    if as_json:
        print(json.dumps(described))
        return
    for target in described:
        print(f"{target['id']}: {target['description']}")
        print(f"  evidence: {target['evidence']} ({target['evidence_note']})")
        print(f"  runs: {', '.join(target['runs'])}")
        for note in target["notes"]:
            print(f"  note: {note}")
        print(f"  runtime: {target['package']}, {target['install'] or 'installed'}")
        print(f"  this machine: {target['device'] or 'has no such processor'}")


def describe(target: Target) -> dict[str, Any]:
    """A target, JSON-ready; ``install`` is the line that installs its runtime, None if that is installed."""
    from trm_edge.specs import GraphVariant, Precision

    pairs = [(precision, graph) for precision in Precision for graph in GraphVariant]
    runs = [(precision, graph) for precision, graph in pairs if target.supports(precision, graph) is None]
    notes = [f"{precision}: {note}" for precision, graph in runs if (note := target.note(precision, graph))]
    return {
        "id": target.id,
        "description": target.description,
        "evidence": target.evidence.value,
        "evidence_note": target.evidence_note,
        "runs": [f"{precision} {graph}" for precision, graph in runs],
        "notes": list(dict.fromkeys(notes)),
        "package": target.package,
        "install": None if target.installed() else target.install_line(),
        "device": target.device(),
    }
