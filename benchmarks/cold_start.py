"""From the start of a process to the first answer of the bundled 9x9 model, and to ``trm-edge --help``.

python benchmarks/cold_start.py [--runs 11]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import save

PUZZLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    command = [str(Path(sys.executable).with_name("trm-edge"))]
    with tempfile.TemporaryDirectory() as folder:
        bundle = str(Path(folder) / "bundle")
        subprocess.run([*command, "export", "--out", bundle], check=True, stdout=subprocess.DEVNULL)
        sides = {
            "trm-edge --help": [*command, "--help"],
            "python -c 'import numpy, onnxruntime'": [sys.executable, "-c", "import numpy, onnxruntime"],
            "trm-edge solve --json": [*command, "solve", bundle, PUZZLE, "--json"],
            "trm-edge solve": [*command, "solve", bundle, PUZZLE],
        }
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for run in range(options.runs + 1):
            for name, side in sides.items():
                began = time.perf_counter()
                subprocess.run(side, check=True, stdout=subprocess.DEVNULL)
                if run:  # the first is the warm-up
                    seconds[name].append(time.perf_counter() - began)
    results = {
        name: {"median_s": round(statistics.median(values), 3), "min_s": round(min(values), 3)}
        for name, values in seconds.items()
    }
    for name, result in results.items():
        print(name.ljust(40), result)
    print("saved", save("cold_start", vars(options), results).name)


if __name__ == "__main__":
    main()
