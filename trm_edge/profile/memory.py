"""What a bundle takes to start, memory and time, measured in a process of its own.

A process that has opened one graph is no place to measure the next: allocators keep what they were given, and shared
libraries are loaded once. So every measurement starts a fresh interpreter, loads the engine's library, and only then
looks at how much the process grows. Memory needs Linux's ``/proc``; elsewhere there are times alone.

Run as a program, it prints its figures: ``python -m trm_edge.profile.memory BUNDLE [THREADS [TARGET]]``, 0 threads for
the runtime's choice.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from trm_edge.bundle import read_bundle
from trm_edge.environments import environment
from trm_edge.runtimes import load_runtime, open_session, runtime_of
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.comparison import comparison_puzzles

SECONDS = 300  #: after which a measurement is given up

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  #: written to the latter (proc(5))
_ENGINES = {  # runtime -> what loads its library, which is not the bundle's memory
    "executorch": "trm_edge.runtimes.executorch:load_executorch",
    "onnxruntime": "trm_edge.runtimes.onnxruntime:load_onnxruntime",
}


@dataclass(frozen=True)
class Memory:
    """What a start took; None where it cannot be measured.

    Attributes:
        load_bytes: growth of the process's resident memory by opening the graph.
        run_bytes: the same after the first puzzle, solved as the bundle halts by itself; what was loaded included.
        problem: why there are no figures, where that is not the system's fault.
        peak_bytes: the most the process grew by on the way.
        load_seconds: to open the graph, the engine's library being loaded.
        cold_seconds: from the start of the process to the first puzzle's answer, its interpreter and imports included.
    """

    load_bytes: int | None = None
    run_bytes: int | None = None
    problem: str = ""
    peak_bytes: int | None = None
    load_seconds: float | None = None
    cold_seconds: float | None = None


def measure_memory(bundle: Path, *, threads: int | None = None, target: str | None = None) -> Memory:
    """Open a bundle in a fresh process, solve a puzzle there, and report what that took."""
    options = [] if threads is None and target is None else [str(threads or 0)]
    options += [] if target is None else [target]
    began = time.monotonic()
    command = [sys.executable, "-m", __name__, str(bundle), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Memory(problem=f"no answer after {SECONDS} s")
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Memory(problem=said[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    answered = found.pop("answered")
    return Memory(**found, cold_seconds=max(0.0, answered - began))


def measure_here(path: Path, *, threads: int | None = None, target: str | None = None) -> dict[str, Any]:
    """The measurement itself; true only in a process that has done nothing else.

    Returns:
        Fields of :class:`Memory`, and ``answered``: when the puzzle was, on the system's monotonic clock.
    """
    with read_bundle(path) as bundle:
        task, kept = get_task(bundle.manifest.task), bundle.manifest.puzzles
        puzzle = next(comparison_puzzles(task, None, 1, kept))
        runtime = runtime_of(bundle.manifest, target)
        if runtime in _ENGINES:
            module, _, loader = _ENGINES[runtime].partition(":")
            getattr(import_module(module), loader)()
        place = load_runtime(runtime).environment
        gc.collect()
        before, began = resident(), time.monotonic()
        _forget_peak()
        with open_session(bundle, target=target, threads=threads) as session:
            seconds, loaded = time.monotonic() - began, resident()
            Solver(session, task).solve(puzzle)
            answered, ran, most = time.monotonic(), resident(), peak()
    here = place is None or environment(place).current  # else it is another process that grew
    grown = {
        name: size - before
        for name, size in (("load_bytes", loaded), ("run_bytes", ran), ("peak_bytes", most))
        if here and before is not None and size is not None
    }
    return {**grown, "load_seconds": seconds, "answered": answered}


def resident() -> int | None:
    """Bytes of this process that lie in memory now; None where the system does not say."""
    return _status("VmRSS:")


def peak() -> int | None:
    """The most bytes of this process that have lain in memory at once; None where the system does not say."""
    return _status("VmHWM:")


def _status(name: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)


def _forget_peak() -> None:
    """Let the peak begin anew; where that is forbidden, what loading the engine took counts."""
    with suppress(OSError):
        _CLEAR.write_text(_FORGET_PEAK, encoding="ascii")


if __name__ == "__main__":
    given, *more = sys.argv[1:]
    asked = {"threads": int(more[0]) or None} if more else {}
    print(json.dumps(measure_here(Path(given), **asked, target=more[1] if len(more) > 1 else None)))
