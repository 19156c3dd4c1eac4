"""Arm64 Linux in user-mode emulation: Debian's Python for arm64 and the aarch64 wheels, run by QEMU.

Made without root privileges: apt fetches (and checks) Debian's packages for arm64 from the user's own sources into a
folder, dpkg unpacks them, pip adds the wheels; nothing is installed on the machine and no emulated program runs
meanwhile. The emulator translates single programs, so files, pipes and our package are the machine's own.

Knows nothing of engines. Times taken in it say nothing about a real processor.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from trm_edge.environments.base import Environment, Say
from trm_edge.environments.programs import run
from trm_edge.errors import MissingDependency, Refused, TrmEdgeError

EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
PROCESSOR = "max,sme=off"  #: every instruction but SME, with which QEMU 7.2 computes wrong sums
PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")  #: of Debian for arm64, with what they depend on

_TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg"}  #: program -> Debian package
_ARM = ("aarch64", "arm64")
_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
_OLDEST = (3, 11)

_PROCESSOR = """\
processor\t: 0
BogoMIPS\t: 100.00
Features\t: fp asimd
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd03
CPU revision\t: 4

"""
"""``/proc/cpuinfo`` for the emulated programs. Without it they read that of the real machine, find no Arm processor in
it, and ONNX Runtime crashes while it loads. A Cortex-A53 is one of which nothing is assumed: what instructions there
are is then asked of the emulator, whatever it emulates.
"""


@dataclass(frozen=True, kw_only=True)
class Arm64Environment(Environment):
    """An emulated arm64 machine with Debian's Python. The variable ``QEMU_CPU`` names another processor to emulate."""

    @property
    def root(self) -> Path:
        """What the emulated programs see before the machine's own files."""
        return self.folder / "root"

    def command(self, module: str, *arguments: str) -> list[str]:
        """What starts one of our modules in it.

        Raises:
            Refused: this machine needs no emulator.
            MissingDependency: the environment has not been made, or the emulator has gone.
        """
        _refuse_where_pointless()
        return super().command(module, *arguments)

    def install(self, say: Say = lambda line: None) -> None:
        """Make it anew.

        Raises:
            Refused: this machine needs no emulator, or can have none.
            MissingDependency: a program is missing that it is made with.
            TrmEdgeError: it could not be made; says why.
        """
        _refuse_where_pointless()
        if not sys.platform.startswith("linux"):
            raise Refused("Single programs for arm64 are emulated on Linux only. Use a Linux machine or a container.")
        _emulator()
        for tool, package in _TOOLS.items():
            if shutil.which(tool) is None:
                raise MissingDependency(
                    f"'{tool}' is not installed. The environment '{self.name}' is made on Debian or its kin, with the "
                    f"packages qemu-user-static and {package}."
                )
        super().install(say)

    def _fill(self, say: Say) -> None:
        self._unpack_debian(say)
        python = self._python()
        say(f"installing {', '.join(self.requirements)}: about {self.gigabytes:g} GB")
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--only-binary=:all:"]
        pip += ["--implementation", "cp", "--python-version", _version(python)]
        pip += [f"--platform={name}" for name in _PLATFORMS]
        pip += ["--target", str(self.root / "usr/lib/python3/dist-packages"), *self.requirements]
        run(pip, f"install {', '.join(self.requirements)} for arm64", say)
        described = self.root / "proc" / "cpuinfo"
        described.parent.mkdir(exist_ok=True)
        described.write_text(_PROCESSOR, encoding="utf-8")

    def _unpack_debian(self, say: Say) -> None:
        """Fill :attr:`root` with :data:`PACKAGES`."""
        apt = self.folder / "apt"
        for part in ("state/lists/partial", "cache/archives/partial"):
            (apt / part).mkdir(parents=True)
        (apt / "status").touch()  # nothing is installed there yet, so that what they depend on comes along
        options = {
            "APT::Architecture": "arm64",
            "APT::Architectures": "arm64",
            "APT::Sandbox::User": "",  # the user's own folder, which apt's user may not enter
            "Acquire::Languages": "none",
            "Dir::State": apt / "state",
            "Dir::State::status": apt / "status",
            "Dir::Cache": apt / "cache",
        }
        get = ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
        say(f"fetching Debian's {', '.join(PACKAGES)} for arm64")
        run([*get, "update"], "read apt's sources for arm64", say)
        fetch = [*get, "install", "--download-only", "--yes", "--no-install-recommends", *PACKAGES]
        run(fetch, f"fetch {', '.join(PACKAGES)} for arm64 from apt's sources (Debian's have them)", say)
        for package in sorted((apt / "cache" / "archives").glob("*.deb")):
            run(["dpkg-deb", "--extract", str(package), str(self.root)], f"unpack {package.name}", say)
        shutil.rmtree(apt)

    def _python(self) -> Path:
        """The interpreter: the file that ``python3`` is a link to.

        Raises:
            TrmEdgeError: it is older than what we run on.
        """
        link = self.root / "usr" / "bin" / "python3"
        python = link.resolve()
        version = _version(python)
        if tuple(int(part) for part in version.split(".") if part.isdigit()) < _OLDEST:
            wanted = ".".join(map(str, _OLDEST))
            raise TrmEdgeError(f"apt's sources have {python.name} for arm64; {wanted} or newer is needed (Debian 12).")
        return python

    def _interpreter(self) -> list[str]:
        return [_emulator(), str(self._python())]

    def _variables(self) -> dict[str, str]:
        return {
            "QEMU_LD_PREFIX": str(self.root),
            "QEMU_CPU": os.environ.get("QEMU_CPU", PROCESSOR),
            "PYTHONNOUSERSITE": "1",  # the user's own packages are for the real machine
        }


def _refuse_where_pointless() -> None:
    """Refuse an arm64 machine."""
    if platform.machine().lower() in _ARM:
        raise Refused("This machine is arm64 itself and needs no emulator. Use the runtime onnxruntime.")


def _emulator() -> str:
    """Where the emulator is.

    Raises:
        MissingDependency: nowhere.
    """
    for name in EMULATORS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise MissingDependency("The emulator of arm64 is not installed. On Debian or Ubuntu: apt install qemu-user-static")


def _version(python: Path) -> str:
    """Version of an interpreter by its file's name: ``python3.11`` is 3.11."""
    return python.name.removeprefix("python")
