"""Run the whole suite, in two lanes side by side: ``python tests/all.py``, which ``make test`` does.

A lane is a row of pytest processes. Training has a process of its own: torch.compile does not survive every library
that the other tests load. The apps share one, because they build in the same folders. What the second lane prints is
kept until the first is done. Exit code: that of the first run that failed; 2, pytest's own, when Ctrl-C left some out.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import IO

ROOT = Path(__file__).parents[1]
TRAIN = ("tests/train",)
APPS = ("tests/android", "tests/web", "tests/test_vectors.py")
RUNTIMES = ("tests/runtimes",)  # here for balance: both lanes take about as long
REST = tuple(f"--ignore={path}" for path in (*TRAIN, *APPS, *RUNTIMES))
LANES: tuple[tuple[Sequence[str], ...], ...] = ((REST,), (TRAIN, APPS, RUNTIMES))
INTERRUPTED = Event()


class Lane(Thread):
    """One lane; ``output`` is where its runs print to, None: where we do."""

    def __init__(self, runs: Sequence[Sequence[str]], output: IO[str] | None) -> None:
        super().__init__(daemon=True)
        self.runs = runs
        self.output = output
        self.codes: list[int] = []

    def run(self) -> None:
        for arguments in self.runs:
            command = [sys.executable, "-m", "pytest", *arguments, *sys.argv[1:]]
            self.codes.append(subprocess.run(command, cwd=ROOT, stdout=self.output, stderr=self.output).returncode)
            if INTERRUPTED.is_set():
                return


def main() -> int:
    """Run, tell, add up."""
    signal.signal(signal.SIGINT, lambda *_: INTERRUPTED.set())  # Ctrl-C reaches pytest, too, and we wait for its end
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as kept:
        lanes = [Lane(runs, None if number == 0 else kept) for number, runs in enumerate(LANES)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        kept.seek(0)
        print("\n" + kept.read(), end="")
    return next((code for lane in lanes for code in lane.codes if code), 2 if INTERRUPTED.is_set() else 0)


if __name__ == "__main__":
    raise SystemExit(main())
