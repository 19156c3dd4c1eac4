"""The table of checks, and running them: a check that fails is a finding like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trm_edge.doctor.accelerators import check_devices, check_nvidia, check_vulkan
from trm_edge.doctor.engines import check_executorch, check_onnxruntime, check_torch
from trm_edge.doctor.finding import Finding, State, problem
from trm_edge.doctor.limits import check_memory, check_processors
from trm_edge.doctor.machine import Machine
from trm_edge.doctor.packages import check_packages, check_python, check_together
from trm_edge.doctor.processor import check_processor
from trm_edge.doctor.targets import check_environments, check_targets
from trm_edge.doctor.tools import check_energy, check_tools

Check = Callable[[Machine], Iterable[Finding]]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "packages": (check_python, check_packages, check_together),
    "engines": (check_onnxruntime, check_torch, check_executorch),
    "processor": (check_processor, check_processors, check_memory),
    "accelerators": (check_nvidia, check_vulkan, check_devices),
    "environments": (check_environments,),
    "targets": (check_targets,),
    "tools": (check_tools, check_energy),
}
"""Checks by what they are about, in the order they are shown; a new one is a function and its name here."""


@dataclass(frozen=True)
class Examined:
    """All that was found.

    Attributes:
        findings: by the names of :data:`CHECKS`.
    """

    findings: Mapping[str, tuple[Finding, ...]]

    def count(self, state: State) -> int:
        """How many findings are of a state."""
        return sum(one.state is state for found in self.findings.values() for one in found)

    @property
    def well(self) -> bool:
        """Whether nothing is broken."""
        return not self.count(State.PROBLEM)


def examine(machine: Machine, checks: Iterable[tuple[str, Sequence[Check]]] = tuple(CHECKS.items())) -> Examined:
    """Run checks, all of them unless others are given; each group is read when it is its turn."""
    return Examined({about: tuple(one for check in group for one in _run(check, machine)) for about, group in checks})


def _run(check: Check, machine: Machine) -> list[Finding]:
    findings: list[Finding] = []
    try:
        findings.extend(check(machine))  # what it found before it failed stays
    except Exception as error:  # whatever it is: the others still have something to say
        name = getattr(check, "__name__", "check").removeprefix("check_")
        findings.append(problem(name, f"this check failed itself: {type(error).__name__}: {_one_line(error)}"))
    return findings


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
