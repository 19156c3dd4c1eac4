from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable

import pytest

from trm_edge.doctor.accelerators import check_devices, check_nvidia, check_vulkan
from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.machine import Done, Machine

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]

ICD = "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json"
DRIVER = json.dumps({"ICD": {"library_path": "libvulkan_radeon.so"}})


@pytest.mark.parametrize(
    ("done", "state", "said"),
    [
        (Done(0, "NVIDIA H100, 570.1, 81559 MiB\n"), State.OK, "NVIDIA H100, 570.1"),
        (Done(9, "NVIDIA-SMI has failed because\nit could not talk"), State.NOTE, "has failed because it could not"),
        (Done(0, ""), State.NOTE, "lists no GPU"),
    ],
)
def test_nvidia(fake: Fake, done: Done, state: State, said: str) -> None:
    (found,) = check_nvidia(fake(programs={"nvidia-smi": done}))
    assert found.state is state
    assert said in found.found


def test_no_gpu_of_nvidia(fake: Fake) -> None:
    (found,) = check_nvidia(fake())
    assert found.state is State.NOTE


def test_vulkan_drivers(fake: Fake) -> None:
    (found,) = check_vulkan(fake(files={ICD: DRIVER}))
    assert (found.state, found.found) == (State.OK, f"{ICD} (libvulkan_radeon.so)")


@pytest.mark.parametrize("text", ["", "[]", '{"ICD": {}}', '{"ICD": 3}'])
def test_a_damaged_vulkan_driver(fake: Fake, text: str) -> None:
    (found,) = check_vulkan(fake(files={ICD: text}))
    assert found.state is State.PROBLEM
    assert "is damaged" in found.found


def test_a_variable_that_names_a_driver_that_is_not_there(fake: Fake) -> None:
    found, _ = check_vulkan(fake(variables={"VK_DRIVER_FILES": "/gone.json"}))
    assert (found.state, found.mend) == (State.PROBLEM, "unset VK_DRIVER_FILES")


def test_no_vulkan_and_vulkan_in_software(fake: Fake) -> None:
    (found,) = check_vulkan(fake())
    assert found.state is State.NOTE
    assert "apt-get install chromium" in found.mend
    software = "/usr/lib/chromium/vk_swiftshader_icd.json"
    (found,) = check_vulkan(fake(files={software: DRIVER}))
    assert found.state is State.OK
    assert software in found.found


class Closed(Machine):
    def may(self, path: str, mode: int) -> bool:
        return mode != os.R_OK | os.W_OK


def test_devices(fake: Fake, by_name: Found) -> None:
    (found,) = check_devices(fake())
    assert found.state is State.NOTE
    machine = fake(files={"/dev/dri/renderD128": "", "/dev/accel/accel0": "", "/dev/fastrpc-cdsp": ""})
    found_ones = by_name(check_devices(machine))
    assert {name: one.state for name, one in found_ones.items()} == dict.fromkeys(
        ("/dev/dri/renderD128", "/dev/accel/accel0", "/dev/fastrpc-cdsp"), State.OK
    )


def test_a_device_that_this_user_may_not_open(fake: Fake) -> None:
    machine = fake(files={"/dev/dri/renderD128": ""})
    closed = Closed(**{name: getattr(machine, name) for name in machine.__dataclass_fields__})
    (found,) = check_devices(closed)
    assert (found.state, found.mend) == (State.NOTE, "sudo usermod -aG render $USER")
