"""The targets and the environments of their own: which can run here, and what the others want.

Knows the tables, no entry of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from trm_edge.doctor.finding import Finding, note, ok, problem
from trm_edge.doctor.machine import Machine
from trm_edge.environments import ENVIRONMENTS, Environment
from trm_edge.errors import MissingDependency
from trm_edge.export.targets import Target, get_target, target_ids


def check_environments(machine: Machine) -> Iterator[Finding]:
    """Whether each environment is made, and still what it should be."""
    for name, environment in ENVIRONMENTS.items():
        yield _environment(name, environment)


def check_targets(machine: Machine) -> Iterator[Finding]:
    """Whether each target can run on this machine."""
    for id in target_ids():
        yield _target(get_target(id))


def _environment(name: str, environment: Environment) -> Finding:
    try:
        if environment.installed():
            return ok(name, f"made, in {environment.folder}")
        if environment.folder.exists():
            return problem(
                name, f"{environment.folder} is half made, or of another version", environment.install_line()
            )
    except MissingDependency as missing:  # without platformdirs nobody knows where it would lie
        return note(name, str(missing))
    return note(name, f"not made ({environment.gigabytes:g} GB); for {environment.purpose}", environment.install_line())


def _target(target: Target) -> Finding:
    known = f"evidence: {target.evidence}"
    try:
        if not target.installed():
            return note(target.id, f"its runtime is not installed; {known}", target.install_line())
    except MissingDependency as missing:
        return note(target.id, str(missing))
    device = target.device()
    if device is None:
        return note(target.id, f"its runtime is installed, this machine has no such processor; {known}")
    return ok(target.id, f"runs here, on {device}; {known}")
