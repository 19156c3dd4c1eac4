"""Android devices as the ``adb`` program of Google's platform tools reaches them (standard library only).

Knows which device is meant, why it cannot be used, and how adb complains; what is done on it is its callers' business.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.programs import QUICK, TRANSFER, Completed, execute

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


class Adb:
    """One device.

    Attributes:
        serial: as ``adb devices`` lists it; empty until :meth:`check` found the only one, or ``ANDROID_SERIAL``.

    Raises:
        InvalidInput: that is no serial number.
    """

    def __init__(self, serial: str = "") -> None:
        self.serial = serial or os.environ.get("ANDROID_SERIAL", "")
        if not re.fullmatch(r"[\w.:\[\]%-]*", self.serial) or self.serial.startswith("-"):
            raise InvalidInput(f"'{self}' is not a device. Write adb:SERIAL, as 'adb devices' lists it.")

    def __str__(self) -> str:
        return f"adb:{self.serial}"

    def check(self) -> None:
        """Make sure that it is there, alone or named, and lets us in.

        Raises:
            TrmEdgeError: it is not, or does not; says why.
            MissingDependency: there is no adb.
        """
        states = self._states()
        listed = ", ".join(f"adb:{serial} ({state})" for serial, state in states.items())
        if not states:
            raise TrmEdgeError("adb sees no device. Plug one in and turn on USB debugging in its developer options.")
        if not self.serial:
            if len(states) > 1:
                raise InvalidInput(f"adb sees {len(states)} devices. Name one: {listed}.")
            (self.serial,) = states
        if self.serial not in states:
            raise InvalidInput(f"adb sees no device '{self.serial}'. It sees: {listed}.")
        state = states[self.serial]
        if state != "device":
            advice = next(
                (advice for known, advice in _ADVICE.items() if state.startswith(known)), "start Android on it"
            )
            raise TrmEdgeError(f"{self} cannot be used, adb says '{state}': {advice}.")

    def run(self, arguments: Sequence[str], *, timeout: float = QUICK) -> Completed:
        """Run a program there; every argument arrives as it is.

        Raises:
            TrmEdgeError: the device cannot be reached, or the program took too long.
        """
        done = execute(self.command(shlex.join(arguments)), timeout=timeout, what=f"'{arguments[0]}' on {self}")
        reason = self.broken(done)
        if reason is not None:
            raise TrmEdgeError(f"Cannot run anything on {self}: {reason}")
        return done

    def push(self, local: Path, remote: str) -> None:
        """Copy a file or folder to it.

        Raises:
            TrmEdgeError: it could not be copied.
        """
        self._copy(["push", str(local.absolute()), remote], f"push {local} to {self}")

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from it; raises as :meth:`push`."""
        self._copy(["pull", remote, str(local.absolute())], f"pull {remote} from {self}")

    def command(self, line: str) -> list[str]:
        """What to run here so that the shell there runs ``line``."""
        return [*self._adb(), "shell", line]

    def broken(self, done: Completed) -> str | None:
        """Why a command never ran, if it was the connection that failed; None if the command itself ended so."""
        said = _COMPLAINT.search(done.err) if done.code else None
        return said[1] if said and _BROKEN.match(said[1]) else None

    def _copy(self, arguments: list[str], what: str) -> None:
        done = execute([*self._adb(), *arguments], timeout=TRANSFER, what=what)
        if done.code:  # its complaint may go on for lines of advice, and on either stream
            said = _COMPLAINT.search(done.err + "\n" + done.out)
            raise TrmEdgeError(f"Cannot {what}: {said[1] if said else done.last_words}")

    def _adb(self) -> list[str]:
        return ["adb", *(["-s", self.serial] if self.serial else [])]

    def _states(self) -> dict[str, str]:
        """Serial number -> state, of all devices that adb sees."""
        done = execute(["adb", "devices"], timeout=QUICK, what="adb")
        if done.code:
            raise TrmEdgeError(f"adb does not work: {done.last_words}")
        lines = (line.split("\t", 1) for line in done.out.splitlines() if "\t" in line)
        return {serial.strip(): state.strip() for serial, state in lines}
