"""What this process may use: processors by affinity and control groups, and memory."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from trm_edge.doctor.finding import Finding, note, ok
from trm_edge.doctor.machine import Machine

ROOM = 1_000_000_000  #: bytes: exporting the 9x9 Sudoku solver as w8a8 took 0.9 GB, PyTorch included
_GROUPS = "/sys/fs/cgroup"
_UNLIMITED = 1 << 60  #: what version 1 of control groups writes for "no limit" is larger


def processors(machine: Machine) -> float:
    """How many processors' worth of time this process may take at once: its affinity, or a quota below that."""
    return min(machine.allowed, quota(machine) or math.inf)


def quota(machine: Machine) -> float | None:
    """The tightest limit of processor time of the control groups around this process; None: there is none."""
    found = []
    for folder in _groups(machine):
        text = machine.text(f"{folder}/cpu.max")
        if text is None:  # version 1 has two files
            text = " ".join(machine.text(f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period"))
        numbers = re.fullmatch(r"(\d+)\s+(\d+)", text.strip())  # "max" and "-1" stand for no limit
        if numbers and int(numbers[2]):
            found.append(int(numbers[1]) / int(numbers[2]))
    return min(found, default=None)


def memory_limit(machine: Machine) -> int | None:
    """The tightest limit of memory of the control groups, in bytes; None: there is none."""
    names = ("memory.max", "memory.limit_in_bytes")
    texts = (machine.text(f"{folder}/{name}") or "" for folder in _groups(machine) for name in names)
    return min((int(t) for t in texts if t.strip().isdecimal() and int(t) < _UNLIMITED), default=None)


def check_processors(machine: Machine) -> Iterator[Finding]:
    """Whether engines, which count the machine's processors, would start more threads than may run."""
    usable = processors(machine)
    if usable >= machine.processors:
        yield ok("processors", f"{machine.processors}, all of them for this process")
    else:
        limit = "its affinity" if usable == machine.allowed else "the control group's limit"
        yield note(
            "processors",
            f"{machine.processors}, and {limit} leaves {usable:g} to this process: ONNX Runtime starts threads for "
            "all of them and they stand in each other's way",
            f"--threads {max(1, math.floor(usable))}",
        )
    threads = machine.variables.get("OMP_NUM_THREADS")
    if threads is not None:
        yield note("OMP_NUM_THREADS", f"{threads}: PyTorch keeps to it, ONNX Runtime does not")


def check_memory(machine: Machine) -> Iterator[Finding]:
    """How much memory is left."""
    text = machine.text("/proc/meminfo")
    sizes = {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text or "", re.M)}
    if not {"MemTotal", "MemAvailable"} <= sizes.keys():
        yield note("memory", "the system does not tell")
        return
    limit = memory_limit(machine)
    total, free = sizes["MemTotal"], min(sizes["MemAvailable"], limit or math.inf)
    within = "" if limit is None else f", and the control group's limit is {_gigabytes(limit)}"
    said = f"{_gigabytes(total)}, of which {_gigabytes(sizes['MemAvailable'])} are free{within}"
    if free < ROOM:
        yield note("memory", f"{said}: an export needs about {_gigabytes(ROOM)}", "end other programs")
    else:
        yield ok("memory", said)


def _groups(machine: Machine) -> list[str]:
    """Folders of the control groups around this process, from the inside outwards; a limit of any of them holds."""
    folders = []
    for line in (machine.text("/proc/self/cgroup") or "").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if {"", "cpu", "memory"} & set(controllers.split(",")):
            inside = PurePosixPath(path)
            folders += [_join(controllers, part) for part in (inside, *inside.parents)]
    return list(dict.fromkeys([*folders, _GROUPS, f"{_GROUPS}/cpu", f"{_GROUPS}/memory"]))


def _join(controllers: str, path: PurePosixPath) -> str:
    parts = [part for part in (controllers, *path.parts) if part not in ("", "/", "..")]
    return "/".join((_GROUPS, *parts))


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
