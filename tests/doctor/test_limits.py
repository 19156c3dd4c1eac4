from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.limits import check_memory, check_processors, memory_limit, processors, quota
from trm_edge.doctor.machine import Machine

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]

V2 = {"/proc/self/cgroup": "0::/box/inner\n"}
V1 = {"/proc/self/cgroup": "4:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/x\n"}
MEMORY = {"/proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n"}


def test_no_limits(fake: Fake) -> None:
    machine = fake(processors=8, allowed=8)
    (found,) = check_processors(machine)
    assert (found.state, quota(machine), memory_limit(machine)) == (State.OK, None, None)


def test_affinity(fake: Fake) -> None:
    (found,) = check_processors(fake(processors=8, allowed=3))
    assert (found.state, found.mend) == (State.NOTE, "--threads 3")
    assert "its affinity leaves 3" in found.found


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("max 100000", "250000 100000", 2.5),
        ("150000 100000", "max 100000", 1.5),
        ("400000 100000", "50000 100000", 0.5),
        ("max 100000", "max 100000", None),
    ],
)
def test_the_tightest_quota_holds(fake: Fake, inner: str, outer: str, expected: float | None) -> None:
    group = "/sys/fs/cgroup/box"
    machine = fake(processors=8, allowed=8, files={**V2, f"{group}/inner/cpu.max": inner, f"{group}/cpu.max": outer})
    assert quota(machine) == expected
    assert processors(machine) == (expected or 8)
    (found,) = check_processors(machine)
    assert found.mend == ("" if expected is None else f"--threads {max(1, int(expected))}")


def test_in_a_container_the_groups_lie_at_the_top(fake: Fake) -> None:
    files = {"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n"}
    assert quota(fake(files=files)) == 2


def test_version_1_of_control_groups(fake: Fake) -> None:
    group = "/sys/fs/cgroup/cpu,cpuacct/box"
    limits = {f"{group}/cpu.cfs_quota_us": "300000\n", f"{group}/cpu.cfs_period_us": "100000\n"}
    memory = {"/sys/fs/cgroup/memory/box/memory.limit_in_bytes": "2000000000\n"}
    unlimited = {"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}
    machine = fake(files={**V1, **limits, **memory, **unlimited})
    assert (quota(machine), memory_limit(machine)) == (3, 2_000_000_000)


def test_the_groups_of_a_hostile_path_stay_where_they_are(fake: Fake) -> None:
    assert quota(fake(files={"/proc/self/cgroup": "0::/../../etc\nnonsense\n", "/etc/cpu.max": "1 1"})) is None


def test_omp_threads_are_named(fake: Fake, by_name: Found) -> None:
    found = by_name(check_processors(fake(variables={"OMP_NUM_THREADS": "4"})))
    assert found["OMP_NUM_THREADS"].state is State.NOTE


@pytest.mark.parametrize(("limit", "state"), [("max", State.OK), ("4000000000", State.OK), ("500000000", State.NOTE)])
def test_memory_that_a_limit_takes_away(fake: Fake, limit: str, state: State) -> None:
    (found,) = check_memory(fake(files={**V2, **MEMORY, "/sys/fs/cgroup/box/memory.max": f"{limit}\n"}))
    assert found.state is state
    assert found.found.startswith("16.4 GB, of which 8.2 GB are free")


def test_a_system_that_does_not_tell_its_memory(fake: Fake) -> None:
    (found,) = check_memory(fake())
    assert found.state is State.NOTE
