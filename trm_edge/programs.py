"""Running a program of this machine, without input, for what it says and how it ends (standard library only)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from trm_edge.errors import MissingDependency, TrmEdgeError

QUICK = 60.0  #: seconds for a command that has hardly anything to do
TRANSFER = 1800.0  #: seconds for a file that goes over the cable


@dataclass(frozen=True)
class Completed:
    """How a program ended: its exit code, and what it wrote to its two streams."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line that it wrote, on standard error if it wrote any there: of what failed, usually the reason."""
        said = [line.strip() for text in (self.out, self.err) for line in text.splitlines() if line.strip()]
        return said[-1] if said else f"exit code {self.code}"

    def demand(self, complaint: str) -> None:
        """Insist that it went well.

        Raises:
            TrmEdgeError: it did not; ``complaint``, and the program's own reason.
        """
        if self.code:
            reason = self.last_words.removeprefix("error: ").removeprefix("trm-edge-run: ")
            raise TrmEdgeError(f"{complaint}: {reason}")


def execute(command: Sequence[str], *, timeout: float, what: str, shielded: bool = False) -> Completed:
    """Run a program of this machine, without input; it never outlives the call.

    Args:
        command: name and arguments.
        timeout: seconds to wait.
        what: what takes so long, for a complaint.
        shielded: Ctrl-C in the terminal does not reach it.

    Raises:
        MissingDependency: there is no such program.
        TrmEdgeError: it took too long.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            start_new_session=shielded,
        )
    except FileNotFoundError:
        raise MissingDependency(
            f"There is no program '{command[0]}' on this machine. Install it (Debian: apt install "
            f"{'adb' if command[0] == 'adb' else 'openssh-client'}), or put it on the PATH."
        ) from None
    except subprocess.TimeoutExpired:
        raise TrmEdgeError(f"{what} took longer than {timeout:g} s and was given up.") from None
    return Completed(done.returncode, done.stdout, done.stderr)
