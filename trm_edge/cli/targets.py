"""``trm-edge targets``: the processors that models are exported for, and the environments that some of them need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from trm_edge.export.targets import Target

targets = typer.Typer(rich_markup_mode=None, add_completion=False)


@targets.callback(invoke_without_command=True)
def listing(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the processors that models are exported for, how each is known to work, and what it needs."""
    if context.invoked_subcommand is not None:
        return
    from trm_edge.export.targets import get_target, target_ids

    described = [describe(get_target(id)) for id in target_ids()]
    if as_json:
        print(json.dumps(described))
        return
    for target in described:
        print("\n".join(lines(target)))


@targets.command()
def install(
    name: Annotated[str, typer.Argument(help="Environment: see trm-edge targets.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make it anew if it is there.")] = False,
) -> None:
    """Make the environment of its own that a target needs, in the user's cache folder."""
    from rich.console import Console

    from trm_edge.environments import environment

    place = environment(name)
    if place.installed() and not overwrite:
        print(f"{place.folder} is there already. Make it anew with --overwrite.")
        return
    console = Console(stderr=True)
    with console.status(f"{name}: {place.purpose}") as status:
        place.install(lambda line: status.update(f"{name}: {line[: console.width - len(name) - 6]}"))
    print(f"installed {name} in {place.folder}")


@targets.command()
def remove(name: Annotated[str, typer.Argument(help="Environment: see trm-edge targets.")]) -> None:
    """Delete an environment again."""
    from trm_edge.environments import environment

    place = environment(name)
    if not place.remove():
        raise InvalidInput(f"There is no environment '{name}' in {place.folder}.")
    print(f"removed {place.folder}")


def describe(target: Target) -> dict[str, Any]:
    """A target, JSON-ready; ``install`` is the line that installs its runtime, None if that is installed."""
    notes = [f"{one.precision}: {note}" for one in target.choices() if (note := target.note(one.precision, one.graph))]
    return {
        "id": target.id,
        "description": target.description,
        "evidence": target.evidence.value,
        "evidence_note": target.evidence_note,
        "runs": runs(target),
        "usual": {"format": target.usual.format, "graph": target.usual.graph, "precision": target.usual.precision},
        "notes": list(dict.fromkeys(notes)),
        "package": target.package,
        "environment": target.environment,
        "install": None if target.installed() else target.install_line(),
        "device": target.device(),
    }


def runs(target: Target) -> dict[str, dict[str, list[str]]]:
    """What a target runs: format -> graph -> precisions."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in target.choices():
        found.setdefault(one.format.value, {}).setdefault(one.graph.value, []).append(one.precision.value)
    return found


def lines(target: dict[str, Any]) -> Iterator[str]:
    """A described target as people read it."""
    yield f"{target['id']}: {target['description']}"
    yield f"  evidence: {target['evidence']} ({target['evidence_note']})"
    for format, graphs in target["runs"].items():
        for graph, precisions in graphs.items():
            yield f"  runs: {format} {graph}: {', '.join(precisions)}"
    yield f"  usual: {' '.join(target['usual'].values())}"
    for note in target["notes"]:
        yield f"  note: {note}"
    where = "" if target["environment"] is None else " (environment of its own)"
    yield f"  runtime: {target['package']}{where}, {target['install'] or 'installed'}"
    yield f"  this machine: {target['device'] or 'has no such processor'}"
