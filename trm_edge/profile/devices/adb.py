"""An Android device that is reached through the ``adb`` program of Google's platform tools."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import ClassVar

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.profile.devices.base import QUICK, TRANSFER, Completed, Device, execute

_ADVICE = {  # state in `adb devices` -> what to do
    "unauthorized": "unlock it and allow USB debugging in the dialog that it shows",
    "authorizing": "unlock it and allow USB debugging in the dialog that it shows",
    "offline": "unplug it and plug it in again, or run 'adb reconnect'",
    "connecting": "wait a moment",
    "no permissions": "the system lets only others use it: install udev rules (Debian: apt install "
    "android-sdk-platform-tools-common) and join the group plugdev",
}
_BROKEN = re.compile(  # what adb itself says when a command never reached the device, or the device went away
    r"device '.*' not found|device offline|device unauthorized|device still |no devices|more than one|closed"
    r"|protocol fault|failed to (read|connect)|cannot connect|insufficient permissions"
)
_COMPLAINT = re.compile(r"^(?:adb: |error: )+(.*)", re.MULTILINE)


class AdbDevice(Device):
    """A phone: ``adb:SERIAL`` as ``adb devices`` lists it, or ``adb:`` where there is only one."""

    scheme: ClassVar[str] = "adb"
    temporary: ClassVar[str] = "/data/local/tmp"  # the one place where the shell user may write and run programs

    def __init__(self, address: str) -> None:
        super().__init__(address or os.environ.get("ANDROID_SERIAL", ""))
        if not re.fullmatch(r"[\w.:\[\]%-]*", self.address) or self.address.startswith("-"):
            raise InvalidInput(f"'{self}' is not a device. Write adb:SERIAL, as 'adb devices' lists it.")

    def check(self) -> None:
        """Make sure that it is there, alone or named, and lets us in."""
        states = self._states()
        listed = ", ".join(f"adb:{serial} ({state})" for serial, state in states.items())
        if not states:
            raise TrmEdgeError("adb sees no device. Plug one in and turn on USB debugging in its developer options.")
        if not self.address:
            if len(states) > 1:
                raise InvalidInput(f"adb sees {len(states)} devices. Name one: {listed}.")
            (self.address,) = states
        if self.address not in states:
            raise InvalidInput(f"adb sees no device '{self.address}'. It sees: {listed}.")
        state = states[self.address]
        if state != "device":
            advice = next(
                (advice for known, advice in _ADVICE.items() if state.startswith(known)), "start Android on it"
            )
            raise TrmEdgeError(f"{self} cannot be used, adb says '{state}': {advice}.")

    def push(self, local: Path, remote: str) -> None:
        """Copy a file or folder to it."""
        self._copy(["push", str(local.absolute()), remote], f"push {local} to {self}")

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from it."""
        self._copy(["pull", remote, str(local.absolute())], f"pull {remote} from {self}")

    def _copy(self, arguments: list[str], what: str) -> None:
        done = execute([*self._adb(), *arguments], timeout=TRANSFER, what=what)
        if done.code:  # its complaint may go on for lines of advice, and on either stream
            said = _COMPLAINT.search(done.err + "\n" + done.out)
            raise TrmEdgeError(f"Cannot {what}: {said[1] if said else done.last_words}")

    def _command(self, line: str) -> list[str]:
        return [*self._adb(), "shell", line]

    def _adb(self) -> list[str]:
        return ["adb", *(["-s", self.address] if self.address else [])]

    def _broken(self, done: Completed) -> str | None:
        said = _COMPLAINT.search(done.err) if done.code else None
        return said[1] if said and _BROKEN.match(said[1]) else None

    def _states(self) -> dict[str, str]:
        """Serial number -> state, of all devices that adb sees."""
        done = execute(["adb", "devices"], timeout=QUICK, what="adb")
        if done.code:
            raise TrmEdgeError(f"adb does not work: {done.last_words}")
        lines = (line.split("\t", 1) for line in done.out.splitlines() if "\t" in line)
        return {serial.strip(): state.strip() for serial, state in lines}
