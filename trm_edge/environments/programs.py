"""Runs the programs that make environments: what they say is handed on, and a failure is one line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

from trm_edge.errors import TrmEdgeError

_SAID = 3  #: last lines of a failed program that are shown


def run(command: Sequence[str], what: str, say: Callable[[str], None]) -> None:
    """Run a program, handing every line that it says on.

    Args:
        command: the program and its arguments.
        what: what it is for, after "Cannot".
        say: hears its lines.

    Raises:
        TrmEdgeError: it failed; with its last words.
    """
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        assert program.stdout is not None
        try:
            for line in program.stdout:
                said.append(line.strip())
                say(said[-1])
        except BaseException:
            program.kill()
            raise
    if program.returncode:
        raise TrmEdgeError(f"Cannot {what}: {' '.join(said[-_SAID:]) or f'exit code {program.returncode}'}")
