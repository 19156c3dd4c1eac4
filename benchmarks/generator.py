"""Sudoku puzzles made per second on one core: the generator in Python against the compiled one for bulk.

python benchmarks/generator.py [--rounds 5]

Both in one process, by turns. Seconds are of processor time, which on a quiet machine are those of the clock, and on a
shared one still are what a core needs. Every puzzle has its solution proven unique and is rated, on both sides. What
the first call costs, which compiles or reads numba's cache on disk, is measured by itself in fresh processes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from typing import Any

import numpy as np
from record import save

from trm_edge.data.sudoku_bulk import generate_many
from trm_edge.tasks.sudoku import SudokuTask

KINDS: dict[str, dict[str, Any]] = {
    "9x9, 34 clues": {"givens": 34},
    "9x9, 30 clues": {"givens": 30},
    "9x9, 27 clues": {"givens": 27},
    "9x9, 26 clues": {"givens": 26},
    "9x9, 25 clues": {"givens": 25},
    "9x9, 24 clues": {"givens": 24},
    "9x9, easy": {"difficulty": "easy"},
    "9x9, medium": {"difficulty": "medium"},
    "9x9, hard": {"difficulty": "hard"},
    "9x9, extreme": {"difficulty": "extreme"},
    "16x16, 128 clues": {"box": 4, "givens": 128},
}
"""What is asked for; a ``difficulty`` leaves the number of clues to each generator."""

FIRST_CALL = """
import time
began = time.process_time()
from trm_edge.data.sudoku_bulk import generate_many
generate_many(1, seed=0)
print(time.process_time() - began)
"""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", type=float, default=1.0, metavar="S", help="seconds of the Python side a round")
    parser.add_argument("--bulk", type=int, default=500, metavar="N", help="puzzles of the bulk side a round")
    options = parser.parse_args()
    first_call = first_calls()
    generate_many(1, seed=0)
    results = {
        name: measure(rounds=options.rounds, python=options.python, bulk=options.bulk, **kind)
        for name, kind in KINDS.items()
    }
    for name, row in results.items():
        print(
            f"{name:18} python {row['python_per_s']:8.1f} /s   bulk {row['bulk_per_s']:8.0f} /s   "
            f"ratio {row['ratio']:6.0f}   needed: {row['bulk_techniques']}"
        )
    print("first call:", ", ".join(f"{name} {seconds} s" for name, seconds in first_call.items()))
    document = {"puzzles": results, "first_call_s": first_call}
    print("saved", save("generator", vars(options) | {"numba": version("numba")}, document).name)


def first_calls() -> dict[str, float]:
    """Seconds from importing the generator to the first puzzle, with an empty cache and with a filled one."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", FIRST_CALL]
        return {
            name: round(float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout), 2)
            for name in ("compiling", "cached")
        }


def measure(*, rounds: int, python: float, bulk: int, box: int = 3, **wanted: Any) -> dict[str, Any]:
    """Puzzles per second of both sides, the best of some rounds each, and the median.

    Args:
        rounds: turns of both sides.
        python: seconds of the Python side in each turn; at least one puzzle.
        bulk: puzzles of the bulk side in each turn, a tenth of that above 9x9.
        box: rows and columns of a box.
        wanted: ``givens`` or ``difficulty``.
    """
    task = SudokuTask(box, box)
    count = bulk if box == 3 else bulk // 10
    theirs: list[float] = []
    ours: list[float] = []
    needed = np.zeros(4, dtype=np.intp)
    for turn in range(rounds):
        began, number = time.process_time(), 0
        while number == 0 or time.process_time() - began < python:
            task.generate(np.random.default_rng([turn, number]), **wanted)
            number += 1
        theirs.append(number / (time.process_time() - began))
        began = time.process_time()
        made = generate_many(count, seed=0, first=turn * count, box_rows=box, box_cols=box, **wanted)
        ours.append(count / (time.process_time() - began))
        needed += np.bincount(made.technique, minlength=4)
    return {
        "python_per_s": round(max(theirs), 2),
        "python_median_per_s": round(statistics.median(theirs), 2),
        "bulk_per_s": round(max(ours), 1),
        "bulk_median_per_s": round(statistics.median(ours), 1),
        "ratio": round(max(ours) / max(theirs), 1),
        "bulk_techniques": [round(float(share), 3) for share in needed / needed.sum()],
    }


if __name__ == "__main__":
    main()
