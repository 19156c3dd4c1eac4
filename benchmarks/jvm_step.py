"""Time of one supervision step of one bundle: the Java library on the JVM against Python.

    python benchmarks/jvm_step.py [--threads 2] [--rounds 15] [--steps 4]

The step graph of sudoku-9x9, one puzzle, in fp32 and w8a8, on the CPU. Both hosts check what goes in and comes out, as
they do when they solve. Every round runs each side once, in turn; ratios are medians of the rounds' own ratios. The two
ONNX Runtimes are of different releases: what the Java one lacks in kernels counts against it. Needs Java and Maven.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import save
from rounds import Side, in_turn, median_ratio

from trm_edge.bundle import read_bundle
from trm_edge.export.options import ExportOptions
from trm_edge.export.pipeline import export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import Session, open_session
from trm_edge.specs import Precision

MODEL = "sudoku-9x9"
PROJECT = Path(__file__).resolve().parent.parent / "android_demo" / "pom.xml"
GOAL = 1.1  #: time on the JVM over time in Python
WARM = 100  #: uncounted runs: the JVM compiles what runs often


class Jvm:
    """``StepBench`` of the Java library, a process that runs steps as it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.runtime, self.vm = self._line().split("\t")

    def run(self, steps: int) -> None:
        """Run so many steps; the way there and back takes some tens of microseconds, which count."""
        assert self._process.stdin is not None
        print(steps, file=self._process.stdin, flush=True)
        self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise SystemExit("The Java side ended: its complaint is above")
        return line


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    classes = class_path()
    rows: dict[str, Any] = {}
    checkpoint = load_checkpoint(resolve(MODEL))
    for precision in (Precision.FP32, Precision.W8A8):
        with tempfile.TemporaryDirectory() as folder:
            path = export_bundle(checkpoint, ExportOptions(precision=precision), Path(folder, "bundle"), name=MODEL)
            rows[precision.value] = measure(path, classes, options)
        print(precision.value.ljust(6), rows[precision.value])
    print("saved", save("jvm_step", vars(options), rows).name)


def class_path() -> str:
    """Build the library with its tests; where its classes lie."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "path")
        goals = ["test-compile", "dependency:build-classpath", f"-Dmdep.outputFile={file}"]
        command = ["mvn", "--batch-mode", "--quiet", "--file", PROJECT, "--projects", "core", "--also-make", *goals]
        subprocess.run(command, check=True)
        target = PROJECT.parent / "core" / "target"
        return ":".join([str(target / "test-classes"), str(target / "classes"), file.read_text().strip()])


@contextmanager
def jvm(path: Path, classes: str, threads: int) -> Iterator[Jvm]:
    """The Java side of one bundle."""
    command = ["java", "-cp", classes, "edge.trm.engine.StepBench", str(path), str(threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Jvm(process)
        finally:
            process.communicate()  # no more orders end it


def measure(path: Path, classes: str, options: argparse.Namespace) -> dict[str, Any]:
    """Both sides of one bundle in turn."""
    with (
        read_bundle(path) as bundle,
        open_session(bundle, threads=options.threads) as session,
        jvm(path, classes, options.threads) as other,
    ):
        python = carry_side(session, bundle.golden().tokens[:1], options.steps)
        sides: dict[str, Side] = {"jvm": lambda: other.run(options.steps), "python": python}
        for _ in range(WARM):
            other.run(options.steps)
        times = in_turn(sides, options.rounds)
        ratio = median_ratio(times["jvm"], times["python"])
        steps = {
            f"ms_per_step_{name}": round(1e3 * float(np.median(t)) / options.steps, 3) for name, t in times.items()
        }
        return {
            **steps,
            "ratio_jvm_to_python": ratio,
            "goal": GOAL,
            "within_goal": ratio <= GOAL,
            "jvm": other.vm,
            "onnxruntime_jvm": other.runtime.removeprefix("onnxruntime "),
            "onnxruntime_python": version("onnxruntime"),
        }


def carry_side(session: Session, tokens: NDArray[np.int32], steps: int) -> Side:
    """Supervision steps in Python, from the initial carry."""

    def run() -> None:
        carry = session.initial_carry(1)
        for _ in range(steps):
            outputs = session.infer({"tokens": tokens, **carry})
            carry = {state.input: outputs[state.output] for state in session.manifest.carry}

    return run


if __name__ == "__main__":
    main()
