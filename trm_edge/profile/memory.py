"""Resident memory that a bundle takes, measured in a process of its own.

A process that has opened one graph is no place to measure the next: allocators keep what they were given, and shared
libraries are loaded once. So every measurement starts a fresh interpreter, loads the engine's library, and only then
looks at how much the process grows. Needs Linux's ``/proc``; elsewhere there is nothing to tell.

Run as a program, it prints the two figures: ``python -m trm_edge.profile.memory BUNDLE [THREADS]``.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from trm_edge.bundle import read_bundle
from trm_edge.runtimes import BY_FORMAT, open_session
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.comparison import comparison_puzzles

SECONDS = 300  #: after which a measurement is given up

_STATUS = Path("/proc/self/status")
_ENGINES = {  # runtime -> what loads its library, which is not the bundle's memory
    "executorch": "trm_edge.runtimes.executorch:load_executorch",
    "onnxruntime": "trm_edge.runtimes.onnxruntime:load_onnxruntime",
}


@dataclass(frozen=True)
class Memory:
    """Growth of a process's resident memory; None where it cannot be measured.

    Attributes:
        load_bytes: after opening the graph.
        run_bytes: after its first supervision step of one puzzle, what was loaded included.
        problem: why there are no figures, where that is not the system's fault.
    """

    load_bytes: int | None = None
    run_bytes: int | None = None
    problem: str = ""


def measure_memory(bundle: Path, *, threads: int | None = None) -> Memory:
    """Open a bundle in a fresh process and report how much memory that took."""
    if resident() is None:
        return Memory()
    command = [sys.executable, "-m", __name__, str(bundle), *([] if threads is None else [str(threads)])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Memory(problem=f"no answer after {SECONDS} s")
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Memory(problem=said[-1])
    return Memory(**json.loads(done.stdout.splitlines()[-1]))


def measure_here(path: Path, *, threads: int | None = None) -> Memory:
    """The measurement itself; true only in a process that has done nothing else."""
    with read_bundle(path) as bundle:
        task, kept = get_task(bundle.manifest.task), bundle.manifest.puzzles
        puzzle = next(comparison_puzzles(task, None, 1, kept))
        module, _, loader = _ENGINES[BY_FORMAT[bundle.manifest.format]].partition(":")
        getattr(import_module(module), loader)()
        gc.collect()
        before = resident()
        with open_session(bundle, threads=threads) as session:
            loaded = resident()
            Solver(session, task, budget=1).solve(puzzle)
            ran = resident()
    if before is None or loaded is None or ran is None:
        return Memory()
    return Memory(loaded - before, ran - before)


def resident() -> int | None:
    """Bytes of this process that lie in memory now; None where the system does not say."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), None)


if __name__ == "__main__":
    given, *more = sys.argv[1:]
    print(json.dumps(asdict(measure_here(Path(given), threads=int(more[0]) if more else None))))
