from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.machine import Done, Machine
from trm_edge.doctor.tools import TOOLS, check_energy, check_tools

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]

COUNTER = "/sys/class/powercap/intel-rapl:0/energy_uj"


def test_one_name_of_a_tool_is_enough(fake: Fake, by_name: Found) -> None:
    found = by_name(check_tools(fake(programs={"clang++": Done(0), "qemu-aarch64": Done(0)})))
    assert len(found) == len(TOOLS)
    assert found["c++"].found.startswith("/usr/bin/clang++")
    assert found["qemu-aarch64-static"].state is State.OK
    assert (found["adb"].state, found["adb"].mend) == (State.NOTE, "apt-get install adb")


@pytest.mark.parametrize(("system", "line"), [("Darwin", "brew install cmake"), ("Windows", "")])
def test_other_systems_install_otherwise(fake: Fake, by_name: Found, system: str, line: str) -> None:
    assert by_name(check_tools(fake(system=system)))["cmake"].mend == line


class Closed(Machine):
    def may(self, path: str, mode: int) -> bool:
        return False


def test_energy(fake: Fake) -> None:
    (found,) = check_energy(fake())
    assert (found.state, found.mend) == (State.NOTE, "")
    machine = fake(files={COUNTER: "1"})
    (found,) = check_energy(machine)
    assert found.state is State.OK
    (found,) = check_energy(Closed(**{name: getattr(machine, name) for name in machine.__dataclass_fields__}))
    assert (found.state, found.mend) == (State.NOTE, "sudo chmod a+r /sys/class/powercap/*/energy_uj")
