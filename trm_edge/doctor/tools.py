"""Programs that some commands use, and counters of energy. All of them are optional."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from trm_edge.doctor.finding import Finding, note, ok
from trm_edge.doctor.machine import Machine

_COUNTERS = "/sys/class/powercap/*/energy_uj"


@dataclass(frozen=True)
class Tool:
    """A program.

    Attributes:
        names: of which one is enough.
        purpose: what it is for.
        package: Debian's package that holds it.
        formula: Homebrew's; empty: it has none.
    """

    names: tuple[str, ...]
    purpose: str
    package: str
    formula: str = ""


TOOLS = (
    Tool(("qemu-aarch64-static", "qemu-aarch64"), "running arm64 kernels on another processor", "qemu-user-static"),
    Tool(("ssh",), "profiling on another machine", "openssh-client"),
    Tool(("adb",), "profiling on a phone", "adb", "android-platform-tools"),
    Tool(("cmake",), "building the C++ runner", "cmake", "cmake"),
    Tool(("c++", "g++", "clang++"), "building the C++ runner", "g++", "gcc"),
)


def check_tools(machine: Machine) -> Iterator[Finding]:
    """The programs of :data:`TOOLS`."""
    for tool in TOOLS:
        path = next(filter(None, map(machine.which, tool.names)), None)
        if path is not None:
            yield ok(tool.names[0], f"{path}; for {tool.purpose}")
        else:
            yield note(tool.names[0], f"not installed; for {tool.purpose}", _install(machine, tool))


def check_energy(machine: Machine) -> Iterator[Finding]:
    """Counters of energy (Intel's and AMD's RAPL, as Linux shows them)."""
    counters = machine.files(_COUNTERS)
    readable = [path for path in counters if machine.may(path, os.R_OK)]
    if readable:
        yield ok("energy", f"{len(readable)} of {len(counters)} counters in /sys/class/powercap are readable")
    elif counters:
        yield note("energy", "counters are there, for root only", f"sudo chmod a+r {_COUNTERS}")
    else:
        yield note("energy", "this machine shows no counters: profiles will name no joules")


def _install(machine: Machine, tool: Tool) -> str:
    if machine.system == "Darwin":
        return f"brew install {tool.formula}" if tool.formula else ""
    return f"apt-get install {tool.package}" if machine.system == "Linux" else ""
