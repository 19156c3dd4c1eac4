"""A device that is reached through the user's own ``ssh`` and ``scp``.

Their configuration decides: names of hosts, keys, jump hosts, how host keys are checked. Passwords are not asked for,
as nobody may be there to type them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.profile.devices.base import Device
from trm_edge.programs import TRANSFER, Completed, execute

_ADDRESS = re.compile(r"((?P<user>[^\s:]+)@)?(?P<host>\[[0-9A-Fa-f:.]+(%\w+)?\]|[^\s:@\[\]/]+)(:(?P<port>[0-9]{1,5}))?")
_SETTINGS = {
    "BatchMode": "yes",
    "ConnectTimeout": "15",
    "ServerAliveInterval": "15",  # a board that went away must not hold us until the time limit
    "LogLevel": "ERROR",  # no banners between what a command says
    "ClearAllForwardings": "yes",  # the user's forwarded ports are taken by the user's own session
    "RemoteCommand": "none",
    "ControlMaster": "no",  # a command must not stay behind as everybody's connection, whatever the user's settings say
}
_FAILED = 255  #: ssh's own exit code
_PATIENCE = 20.0  #: seconds to wait for the shared connection


class SshDevice(Device):
    """A host with an SSH server and a POSIX shell: ``ssh:[USER@]HOST[:PORT]``."""

    scheme: ClassVar[str] = "ssh"
    temporary: ClassVar[str] = "${TMPDIR:-/tmp}"

    def __init__(self, address: str) -> None:
        super().__init__(address)
        found = _ADDRESS.fullmatch(address)
        if found is None or address.startswith("-") or found["host"].startswith("-") or not address.isprintable():
            raise InvalidInput(
                f"'{self}' is not an address. Write ssh:HOST, ssh:USER@HOST or ssh:USER@HOST:PORT; "
                "an IPv6 address in brackets, ssh:[::1]."
            )
        port = found["port"]
        if port is not None and not 1 <= int(port) <= 65535:
            raise InvalidInput(f"'{self}': a port lies in 1..65535, not {port}")
        self._port = [] if port is None else [port]
        user = "" if found["user"] is None else f"{found['user']}@"
        self._ssh_host = user + found["host"].strip("[]")
        self._scp_host = user + found["host"]
        self._shared: dict[str, str] = {}  # settings by which a command finds the connection that is open already

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Open one connection, which the commands meanwhile share, and make sure that the host answers.

        If none can be shared, every command opens its own.
        """
        if os.name != "posix":  # Windows has no such sockets
            self.check()
            yield
            return
        with TemporaryDirectory(prefix="ssh") as folder:
            socket = Path(folder) / "s"
            path = str(socket).replace("%", "%%")  # ssh replaces %h and the like
            with _background(self._ssh(["-N"], {"ControlMaster": "yes", "ControlPath": path})) as program:
                if _appears(socket, program):
                    self._shared = {"ControlPath": path}
                try:
                    self.check()  # also says why no connection could be opened
                    yield
                finally:
                    self._shared = {}

    def check(self) -> None:
        """Make sure that it answers, and has a shell that we understand."""
        done = self.script("echo ready")
        if done.code or done.out.strip().splitlines()[-1:] != ["ready"]:
            raise TrmEdgeError(f"{self} has no POSIX shell to run programs with: {done.last_words}")

    def push(self, local: Path, remote: str) -> None:
        """Copy a file or folder to it."""
        self._copy([str(local.absolute()), f"{self._scp_host}:{remote}"], f"push {local} to {self}")

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from it."""
        self._copy([f"{self._scp_host}:{remote}", str(local.absolute())], f"pull {remote} from {self}")

    def _copy(self, ends: list[str], what: str) -> None:
        port = [part for number in self._port for part in ("-P", number)]
        # small servers (dropbear) know only the older protocol, which newer versions of scp must be told to use
        for protocol in ([], ["-O"]):
            command = ["scp", "-q", "-r", *protocol, *_options(self._shared), *port, "--", *ends]
            done = execute(command, timeout=TRANSFER, what=what)
            if not done.code:
                return
            if "subsystem request failed" not in done.err:
                break
        raise TrmEdgeError(f"Cannot {what}: {done.last_words}")

    def _command(self, line: str) -> list[str]:
        return [*self._ssh([], self._shared), line]

    def _ssh(self, flags: Sequence[str], settings: dict[str, str]) -> list[str]:
        port = [part for number in self._port for part in ("-p", number)]
        return ["ssh", "-T", *flags, *_options(settings), *port, "--", self._ssh_host]

    def _broken(self, done: Completed) -> str | None:
        if done.code != _FAILED:
            return None
        return (
            f"{done.last_words.rstrip('.')}. It must work without a question: ssh -o BatchMode=yes {self._by_hand} true"
        )

    @property
    def _by_hand(self) -> str:
        return " ".join([*(f"-p {number}" for number in self._port), self._ssh_host])


def _options(settings: dict[str, str]) -> list[str]:
    return [part for name, value in {**_SETTINGS, **settings}.items() for part in ("-o", f"{name}={value}")]


@contextmanager
def _background(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes] | None]:
    """A program that runs meanwhile, None if there is none; Ctrl-C does not reach it, as it is needed to tidy up."""
    silent = subprocess.DEVNULL
    try:
        program = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, start_new_session=True)
    except OSError:  # whoever needs it next will say so
        yield None
        return
    try:
        yield program
    finally:
        program.terminate()
        program.wait()


def _appears(socket: Path, program: subprocess.Popen[bytes] | None) -> bool:
    """Wait until a program has made its socket; False if it ended, or takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not socket.exists():
        if program is None or program.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
