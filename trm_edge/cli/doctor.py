"""``trm-edge doctor``: what this machine can do, what is broken, and the line that mends it."""

from __future__ import annotations

from typing import Annotated

import typer

BROKEN = 1  #: exit code


def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Check packages, engines, processors, targets and tools of this machine, and say what to install.

    Exit code 1: something that is installed is broken. What is merely absent is a note.
    """
    import json

    from trm_edge.cli.progress import counted
    from trm_edge.doctor.checks import CHECKS, examine
    from trm_edge.doctor.document import lines, to_dict
    from trm_edge.doctor.machine import this_machine

    machine = this_machine()
    with counted(CHECKS.items(), total=len(CHECKS), what="checks") as groups:
        examined = examine(machine, groups)
    if as_json:
        print(json.dumps(to_dict(examined, machine), indent=2))
    else:
        print("\n".join(lines(examined)))
    if not examined.well:
        raise typer.Exit(BROKEN)
