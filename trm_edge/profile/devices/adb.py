"""An Android device that is reached through the ``adb`` program of Google's platform tools."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from trm_edge.adb import Adb
from trm_edge.profile.devices.base import Device
from trm_edge.programs import Completed


class AdbDevice(Device):
    """A phone: ``adb:SERIAL`` as ``adb devices`` lists it, or ``adb:`` where there is only one."""

    scheme: ClassVar[str] = "adb"
    temporary: ClassVar[str] = "/data/local/tmp"  # the one place where the shell user may write and run programs

    def __init__(self, address: str) -> None:
        self._adb = Adb(address)
        super().__init__(self._adb.serial)

    def check(self) -> None:
        """Make sure that it is there, alone or named, and lets us in."""
        self._adb.check()
        self.address = self._adb.serial

    def push(self, local: Path, remote: str) -> None:
        """Copy a file or folder to it."""
        self._adb.push(local, remote)

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from it."""
        self._adb.pull(remote, local)

    def _command(self, line: str) -> list[str]:
        return self._adb.command(line)

    def _broken(self, done: Completed) -> str | None:
        return self._adb.broken(done)
