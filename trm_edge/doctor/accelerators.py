"""Processors beside the CPU, as the system shows them: GPUs and NPUs by their device files and drivers.

Whether an engine can use one is for :mod:`trm_edge.doctor.engines` and the targets to say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from trm_edge.doctor.finding import Finding, note, ok, problem
from trm_edge.doctor.machine import Machine
from trm_edge.environments.vulkan import CHOSEN, DRIVER, SWIFTSHADER

_QUERY = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
_VULKAN = ("/usr/share/vulkan/icd.d/*.json", "/usr/local/share/vulkan/icd.d/*.json", "/etc/vulkan/icd.d/*.json")
_DEVICES = (  # pattern, what it is, group that usually may use it
    ("/dev/dri/renderD*", "GPU", "render"),
    ("/dev/accel/accel*", "NPU", "render"),
    ("/dev/fastrpc-*", "Qualcomm DSP or NPU", "fastrpc"),
    ("/dev/adsprpc-smd", "Qualcomm DSP or NPU", "system"),
)


def check_nvidia(machine: Machine) -> Iterator[Finding]:
    """GPUs of NVIDIA, by their own tool."""
    program = machine.which("nvidia-smi")
    if program is None:
        yield note("nvidia", "no nvidia-smi: no GPU of NVIDIA, or no driver")
        return
    done = machine.run([program, *_QUERY])
    if done.code == 0 and done.out.strip():
        yield ok("nvidia", "; ".join(line.strip() for line in done.out.strip().splitlines()))
    else:
        said = done.out.strip() or done.err or "it lists no GPU"  # it tells of a missing driver on standard output
        yield note("nvidia", f"nvidia-smi is there, but: {' '.join(said.split())[:200]}")


def check_vulkan(machine: Machine) -> Iterator[Finding]:
    """Drivers of Vulkan, which WebGPU runs on."""
    for variable in CHOSEN:
        for path in filter(None, machine.variables.get(variable, "").split(os.pathsep)):
            yield from _driver(machine, path, f"{variable} names {path}, which", f"unset {variable}")
    drivers = [path for pattern in _VULKAN for path in machine.files(pattern)]
    for path in drivers:
        yield from _driver(machine, path, path, "reinstall the GPU's driver")
    software = [path for folder in SWIFTSHADER for path in machine.files(f"{folder}/{DRIVER}")]
    if software:
        yield ok("vulkan in software", f"{software[0]}: WebGPU runs on it where there is no GPU")
    if not drivers and not software:
        lacking = "no driver of a GPU, and no SwiftShader in its place: WebGPU cannot run here"
        yield note("vulkan", lacking, "install the GPU's driver, or apt-get install chromium, which has SwiftShader")


def check_devices(machine: Machine) -> Iterator[Finding]:
    """Device files of GPUs and NPUs, and whether this user may open them."""
    seen = False
    for pattern, kind, group in _DEVICES:
        for path in machine.files(pattern):
            seen = True
            if machine.may(path, os.R_OK | os.W_OK):
                yield ok(path, f"{kind}, this user may use it")
            else:
                yield note(path, f"{kind}, which this user may not open", f"sudo usermod -aG {group} $USER")
    if not seen:
        yield note("devices", "no GPU in /dev/dri, no NPU in /dev/accel, none of Qualcomm's")


def _driver(machine: Machine, path: str, named: str, mend: str) -> Iterator[Finding]:
    """A file that leads to a driver's library."""
    text = machine.text(path)
    if text is None:
        yield problem("vulkan", f"{named} cannot be read", mend)
        return
    try:
        library = json.loads(text)["ICD"]["library_path"]
    except (ValueError, KeyError, TypeError):
        yield problem("vulkan", f"{named} is damaged", mend)
        return
    yield ok("vulkan", f"{path} ({library})")
