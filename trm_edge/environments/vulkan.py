"""The Vulkan adapters of this machine, and the one in software that stands in where there is none.

Drivers are loaded in a process of their own (``vulkan_probe.py``): a broken one must not take ours along. Knows nothing
of WebGPU. Standard library only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from trm_edge.environments.venv import VirtualEnvironment

SWIFTSHADER = (
    "/usr/lib/chromium",  # Debian
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    "/usr/lib64/chromium-browser",
)
"""Folders of browsers that bring SwiftShader, and the loader ``libvulkan.so.1``, along."""

DRIVER = "vk_swiftshader_icd.json"  #: names SwiftShader to the loader
CHOSEN = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")  #: name the drivers to load: today's loaders and older ones
_PATIENCE = 30  #: seconds
_SOFTWARE, _DISCRETE = 4, 2  #: VkPhysicalDeviceType: CPU, discrete GPU


@dataclass(frozen=True)
class Adapter:
    """One Vulkan device.

    Attributes:
        name: as its driver says.
        kind: VkPhysicalDeviceType.
    """

    name: str
    kind: int

    @property
    def software(self) -> bool:
        """Whether it is a program that runs on the CPU."""
        return self.kind == _SOFTWARE

    def __str__(self) -> str:
        return f"{self.name}, a simulator" if self.software else self.name


@dataclass(frozen=True, kw_only=True)
class VulkanEnvironment(VirtualEnvironment):
    """A virtual environment whose programs find an adapter."""

    def _variables(self) -> dict[str, str]:
        return variables()


def adapter() -> Adapter | None:
    """The adapter that a program started with :func:`variables` gets: hardware if there is some, else SwiftShader."""
    found = adapters(variables())
    return max(found, key=lambda one: (not one.software, one.kind == _DISCRETE), default=None)


def variables() -> dict[str, str]:
    """Environment variables with which a program finds an adapter: none, unless it needs SwiftShader.

    Drivers that somebody has chosen already (``VK_DRIVER_FILES``) stay chosen. Other systems than Linux bring their own
    graphics interface along.
    """
    if not sys.platform.startswith("linux"):
        return {}
    from tempfile import gettempdir  # this module is imported with the table of environments, by every program

    needed = {} if os.environ.get("XDG_RUNTIME_DIR") else {"XDG_RUNTIME_DIR": gettempdir()}
    if any(os.environ.get(name) for name in CHOSEN) or not all(one.software for one in adapters(needed)):
        return needed
    folder = swiftshader()
    if folder is None:
        return needed
    libraries = os.pathsep.join(filter(None, (os.environ.get("LD_LIBRARY_PATH"), str(folder))))
    return {**needed, **dict.fromkeys(CHOSEN, str(folder / DRIVER)), "LD_LIBRARY_PATH": libraries}


def swiftshader() -> Path | None:
    """The folder of a browser's SwiftShader."""
    return next((Path(folder) for folder in SWIFTSHADER if Path(folder, DRIVER).is_file()), None)


def adapters(more: dict[str, str]) -> list[Adapter]:
    """The adapters that a program sees, started with ``more`` environment variables. None where a driver fails."""
    try:
        found = subprocess.run(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("vulkan_probe.py"))],
            env={**os.environ, **more},
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
        return [Adapter(str(name), int(kind)) for name, kind in json.loads(found.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
