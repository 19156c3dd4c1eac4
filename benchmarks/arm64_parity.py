"""The bundled models on an emulated arm64 processor: golden vectors, answers, halting steps, integer kernels.

    python benchmarks/arm64_parity.py [--puzzles 32,4] [--models sudoku-4x4,sudoku-9x9] [--precisions fp32,w8a8]

ONNX Runtime's aarch64 wheel computes, in the environment that ``trm-edge targets install arm64`` makes. The bundles are
those of the target ``cpu``, static and dynamic int8 in the format that arm64 wants. Emulation is slow, so ``--puzzles``
has a number for each model. Writes ``results/target_parity-cpu-arm64.json``; the seconds in it are the emulator's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from record import save
from target_parity import MODELS, compared

from trm_edge.bundle import read_bundle
from trm_edge.environments import environment
from trm_edge.environments.arm64 import PROCESSOR
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.export.planning import QuantizationOptions
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.profile.kernels import prove_kernels
from trm_edge.runtimes import open_session
from trm_edge.specs import Precision
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.check import comparison_puzzles, open_reference, verify_bundle

RUNTIME = "arm64"
PRECISIONS = (Precision.FP32, Precision.W8A8, Precision.W8A8_DYNAMIC, Precision.W8, Precision.FP16)
INTEGER = (Precision.W8A8, Precision.W8A8_DYNAMIC)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--puzzles", default="32,4")
    given = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    settings = {
        "target": "cpu",
        "runtime": RUNTIME,
        "evidence": "simulator",
        "emulator": emulator(),
        "processor": os.environ.get("QEMU_CPU", PROCESSOR),
        "packages": list(environment(RUNTIME).requirements),
        "data": "generated",
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, puzzles in zip(given.models.split(","), given.puzzles.split(","), strict=True):
            for precision in map(Precision, given.precisions.split(",")):
                path = export(name, precision, Path(folder, f"{name}.{precision}"))
                rows.append({"model": name, **measure(name, path, int(puzzles))})
                print({key: value for key, value in rows[-1].items() if key not in ("by_depth", "local")}, flush=True)
                saved = save("target_parity-cpu-arm64", settings, rows)  # as it goes: the whole takes hours
    print("saved", saved.name)


def export(name: str, precision: Precision, out: Path) -> Path:
    """Bundle a model, integers in the format of arm64."""
    quantization = QuantizationOptions(optimize_for="arm64") if precision in INTEGER else QuantizationOptions()
    options = ExportOptions(precision=precision, quantization=quantization)
    return export_bundle(load_checkpoint(resolve(name)), options, out, name=name)


def measure(name: str, path: Path, puzzles: int) -> dict[str, Any]:
    """Compare one bundle on arm64 with the float model."""
    start = perf_counter()
    with (
        read_bundle(path) as bundle,
        open_session(bundle, RUNTIME) as session,
        open_reference(name) as reference,
    ):
        manifest = bundle.manifest
        found = verify_bundle(
            bundle,
            session,
            DEFAULT_BOUNDS[manifest.precision],
            reference=reference,
            puzzles=comparison_puzzles(manifest, None, puzzles),
        )
        return {
            "bundle": manifest.name,
            "precision": manifest.precision.value,
            "optimized_for": manifest.graph_stats.get("quantization", {}).get("optimized_for"),
            "runtime": session.runtime,
            "provider": session.provider,
            "kernels": prove_kernels(bundle, RUNTIME) if manifest.precision in INTEGER else None,
            **compared(found),
            "seconds": round(perf_counter() - start, 1),
        }


def emulator() -> str:
    """Name and version of the emulator."""
    program = environment(RUNTIME).command("trm_edge.runtimes.serve")[0]
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0]


if __name__ == "__main__":
    main()
