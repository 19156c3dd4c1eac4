"""``run.json`` in a run's folder: what is being trained there, and whether it still is, for whoever watches.

Standard library only. Nothing depends on the file: a run without it can be resumed and reported as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trm_edge.atomic import atomic_file

FILE = "run.json"
RUNNING, ENDED, FAILED = "running", "ended", "failed"
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class RunFile:
    """What the file says.

    Attributes:
        recipe: the recipe's settings.
        state: ``running``, ``ended`` (by its last step, a limit or a signal) or ``failed``.
        reason: of a failure, in one line.
        pid: process that trains, or trained last.
    """

    recipe: Mapping[str, Any] = field(default_factory=dict)
    state: str = ENDED
    reason: str = ""
    pid: int = 0

    @property
    def was_killed(self) -> bool:
        """It says ``running``, and on this machine no such process lives."""
        return self.state == RUNNING and not _lives(self.pid)


@contextmanager
def announced(folder: Path, recipe: Mapping[str, Any]) -> Iterator[None]:
    """Say that a run of ``recipe`` is on while the ``with`` lasts, and afterwards how it ended."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, RunFile(recipe, RUNNING, pid=os.getpid()))
    state, reason = ENDED, ""
    try:
        yield
    except Exception as error:
        state, reason = FAILED, " ".join(str(error).split()) or type(error).__name__
        raise
    finally:
        _write(folder, RunFile(recipe, state, reason, os.getpid()))


def read_run_file(folder: Path) -> RunFile | None:
    """What the file says; None where there is none, or none of ours."""
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        values = json.loads(path.read_text(encoding="utf-8"))
        return RunFile(dict(values["recipe"]), str(values["state"]), str(values["reason"]), int(values["pid"]))
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _write(folder: Path, content: RunFile) -> None:
    with atomic_file(folder / FILE, overwrite=True) as file:
        file.write((json.dumps(asdict(content), indent=2) + "\n").encode())


def _lives(pid: int) -> bool:
    """Whether there is such a process; True where the system cannot be asked."""
    if os.name != "posix" or pid <= 0:  # elsewhere, os.kill ends what it is asked about
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
