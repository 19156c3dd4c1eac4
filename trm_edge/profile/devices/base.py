"""What another device is: somewhere to push files to, to run programs on and to pull results from.

Knows processes on this side and a POSIX shell on the other; how the two are joined is the business of the kinds of
devices. Whatever is started or written there belongs to a :class:`Folder`, which goes when its ``with`` ends, however
it ends: an interruption here must not leave a program computing on somebody's phone.
"""

from __future__ import annotations

import os
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from trm_edge.errors import TrmEdgeError
from trm_edge.profile.devices.facts import SCRIPT, parse_facts
from trm_edge.profile.samples import Fact
from trm_edge.programs import QUICK, Completed, execute

Say = Callable[[str], None]  #: hears what is being done, a line at a time

LIMIT = 4 * 3600.0  #: seconds after which a measurement is given up

NOT_STARTED = (126, 127)  #: what a shell ends with if it cannot run a program, or finds none of that name

# The two scripts are for any POSIX shell (dash, bash, mksh on Android, busybox), on one line because the user's own
# shell, which may be another one, has to pass them on. The first notes its process group before it starts a program
# (field 5 of /proc/PID/stat; where there is no /proc, its own number, which is the group's in a session of its own);
# the second kills that group and removes the folder. As temporary files go into the folder too, nothing is left.
_RUN = (
    'cd "$1" || exit 126; shift; '
    '{ read -r _ _ _ _ group _ < "/proc/$$/stat"; } 2> /dev/null || group=$$; '
    'echo "$group" > .running; TMPDIR="$PWD" "$@"; code=$?; rm -f .running; exit "$code"'
)
_REMOVE = (
    'cd "$1" 2> /dev/null || exit 0; '
    'if read -r group 2> /dev/null < .running; then kill -s KILL -- "-$group" 2> /dev/null; fi; '
    'cd /; rm -rf "$1" || { sleep 1; rm -rf "$1"; }'
)


class Device(ABC):
    """Another machine.

    Attributes:
        scheme: how its address begins.
        temporary: folder there that temporary folders are made in, as a shell writes it.
        address: the rest of its address.
    """

    scheme: ClassVar[str]
    temporary: ClassVar[str]

    def __init__(self, address: str) -> None:
        self.address = address

    def __str__(self) -> str:
        return f"{self.scheme}:{self.address}"

    # -- for kinds of devices -----------------------------------------------------------------
    @abstractmethod
    def check(self) -> None:
        """Make sure that it answers.

        Raises:
            TrmEdgeError: it does not; says why.
        """

    @abstractmethod
    def push(self, local: Path, remote: str) -> None:
        """Copy a file or folder to it, under a new name.

        Raises:
            TrmEdgeError: it could not be copied.
        """

    @abstractmethod
    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from it, under a new name.

        Raises:
            TrmEdgeError: it could not be copied.
        """

    @abstractmethod
    def _command(self, line: str) -> list[str]:
        """What to run here so that the shell there runs ``line``."""

    @abstractmethod
    def _broken(self, done: Completed) -> str | None:
        """Why a command never ran, if it was the connection that failed; None if the command itself ended so."""

    # -- for everybody ------------------------------------------------------------------------
    @contextmanager
    def connected(self) -> Iterator[None]:
        """Make sure that it answers, as :meth:`check`, and spare it a new connection for every command meanwhile."""
        self.check()
        yield

    def run(self, arguments: Sequence[str], *, timeout: float = QUICK) -> Completed:
        """Run a program there and wait for it. Every argument arrives as it is.

        Args:
            arguments: name of the program, and its arguments.
            timeout: seconds to wait.

        Raises:
            TrmEdgeError: the device cannot be reached, or the program took too long.
        """
        done = execute(self._command(shlex.join(arguments)), timeout=timeout, what=f"'{arguments[0]}' on {self}")
        reason = self._broken(done)
        if reason is not None:
            raise TrmEdgeError(f"Cannot run anything on {self}: {reason}")
        return done

    def script(self, text: str, *arguments: str, timeout: float = QUICK) -> Completed:
        """Run a script there, by a POSIX shell whatever shell the user has; raises as :meth:`run`."""
        return self.run(["sh", "-c", text, "sh", *arguments], timeout=timeout)

    def facts(self) -> dict[str, Fact]:
        """What it tells about itself now; see :func:`trm_edge.profile.devices.facts.parse_facts`."""
        return parse_facts(self.script(SCRIPT, "").out)

    @contextmanager
    def folder(self) -> Iterator[Folder]:
        """A folder there, of no other user's concern; it goes, with whatever still runs in it.

        Raises:
            TrmEdgeError: it could not be made.
        """
        # the name is ours, so that it can be removed even if we are interrupted before we hear that it was made
        name = f'"{self.temporary}/trm-edge.{os.urandom(8).hex()}"'
        try:
            made = self.script(f"mkdir -m 700 {name} && cd {name} && pwd -P")
            if made.code or not made.out.strip():
                raise TrmEdgeError(f"Cannot make a folder on {self}: {made.last_words}")
            yield Folder(self, made.out.strip().splitlines()[-1])
        except BaseException as error:
            left = self._remove(name)
            if not left:
                raise
            if isinstance(error, TrmEdgeError):
                raise type(error)(f"{error} {left}") from None
            raise TrmEdgeError(f"{'Interrupted.' if isinstance(error, KeyboardInterrupt) else error} {left}") from error
        left = self._remove(name)
        if left:
            raise TrmEdgeError(left)

    def _remove(self, name: str) -> str:
        """Remove a folder, and end what runs in it; says what is left if that fails."""
        command = self._command(shlex.join(["sh", "-c", f"set -- {name}; {_REMOVE}"]))
        try:
            done = execute(command, timeout=QUICK, what=f"tidying up on {self}", shielded=True)
        except TrmEdgeError as error:
            done = Completed(1, "", str(error))
        return f"The folder {name} may be left on {self}: {done.last_words}" if done.code else ""


class Folder:
    """A folder on a device. From :meth:`Device.folder`."""

    def __init__(self, device: Device, path: str) -> None:
        self.device = device
        self.path = path

    def place(self, name: str) -> str:
        """Where a file of that name lies, or would lie."""
        return f"{self.path}/{name}"

    def push(self, local: Path, name: str) -> str:
        """Copy a file or folder into it; returns :meth:`place`."""
        self.device.push(local, self.place(name))
        return self.place(name)

    def pull(self, name: str, local: Path) -> None:
        """Copy a file out of it."""
        self.device.pull(self.place(name), local)

    def run(self, arguments: Sequence[str], *, timeout: float = QUICK) -> Completed:
        """Run a program in it; ends with the folder at the latest. Raises as :meth:`Device.run`."""
        return self.device.script(_RUN, self.path, *arguments, timeout=timeout)
