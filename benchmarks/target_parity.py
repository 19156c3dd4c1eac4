"""A target against the float model, on real puzzles: golden vectors, answers, halting steps, error by depth, placement.

    python benchmarks/target_parity.py --target cpu [--puzzles 200,50] [--models sudoku-4x4,sudoku-9x9] [--budget 16]

Exports the bundled models as the target usually wants them, opens them on the target and writes
``results/target_parity-TARGET.json``; ``--format``, ``--graph``, ``--precision`` choose another way, which is added to
that name. ``--bundle NAME=PATH`` takes a bundle that is there already, for targets whose exporters live in an
environment of their own. ``--option NAME=VALUE`` goes to the runtime. Where a simulator is slow, fewer puzzles or a
smaller budget do; the result says how many they were.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from record import save

from trm_edge.bundle import read_bundle
from trm_edge.environments import environment
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.export.planning import QuantizationOptions
from trm_edge.export.targets import get_target, target_ids
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import open_session
from trm_edge.specs import OPSETS, Format, GraphVariant, Precision
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.check import Verification, comparison_puzzles, open_reference, verify_bundle
from trm_edge.verify.differences import StepError

MODELS = ("sudoku-4x4", "sudoku-9x9")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", required=True, choices=target_ids())
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--bundle", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--format", type=Format)
    parser.add_argument("--graph", type=GraphVariant)
    parser.add_argument("--precision", type=Precision)
    parser.add_argument("--puzzles", default="200", help="how many; for one model after the other: 200,50")
    parser.add_argument("--budget", type=int)
    parser.add_argument("--halt", help="halting policy; the bundle's own is the default")
    parser.add_argument("--data", type=Path, help="file of puzzles; the default is to generate some")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    bundles = dict(pair.split("=", 1) for pair in given.bundle)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        names, counts = [*bundles] or given.models.split(","), [int(count) for count in given.puzzles.split(",")]
        for name, count in zip(names, counts * len(names) if len(counts) == 1 else counts, strict=True):
            path = Path(bundles[name]) if bundles else export(name, given, Path(folder, name))
            rows.append({"model": name, **measure(name, path, count, given)})
            print({key: value for key, value in rows[-1].items() if key not in ("by_depth", "local")}, flush=True)
    target = get_target(given.target)
    settings = {
        "target": target.id,
        "evidence": target.evidence.value,
        "evidence_note": target.evidence_note,
        "environment": None if target.environment is None else environment(target.environment).requirements,
        "puzzles": counts,
        "data": "generated" if given.data is None else given.data.name,
        "options": runtime_options(given.option),
    }
    unusual = [str(value) for value in (given.format, given.graph, given.precision) if value is not None]
    print("saved", save("-".join(("target_parity", given.target, *unusual)), settings, rows).name)


def export(name: str, given: argparse.Namespace, out: Path) -> Path:
    """Bundle a model as the target usually wants it, or as it was asked for."""
    target = get_target(given.target)
    choice = target.choose(format=given.format, graph=given.graph, precision=given.precision)
    options = ExportOptions(
        target=target.id,
        format=choice.format,
        graph=choice.graph,
        precision=choice.precision,
        opset=target.opset if choice.format is Format.ONNX else OPSETS[-1],
        quantization=QuantizationOptions(**target.quantization),
    )
    return export_bundle(load_checkpoint(resolve(name)), options, out, name=name)


def measure(name: str, path: Path, puzzles: int, given: argparse.Namespace) -> dict[str, Any]:
    """Compare one bundle on the target with the float model."""
    with (
        read_bundle(path) as bundle,
        open_session(bundle, target=given.target, **runtime_options(given.option)) as session,
        open_reference(name) as reference,
    ):
        manifest = bundle.manifest
        placement = session.placement()
        start = perf_counter()
        found = verify_bundle(
            bundle,
            session,
            DEFAULT_BOUNDS[manifest.precision],
            reference=reference,
            puzzles=comparison_puzzles(manifest, given.data, puzzles),
            policy=given.halt,
            budget=given.budget,
        )
        return {
            "bundle": manifest.name,
            "format": manifest.format.value,
            "graph": manifest.graph.value,
            "precision": manifest.precision.value,
            "file_bytes": manifest.files[manifest.model_file].size,
            "runtime": session.runtime,
            "provider": session.provider,
            "placement": None if placement is None else placement.to_dict(),
            **compared(found),
            "seconds": round(perf_counter() - start, 1),
        }


def compared(found: Verification) -> dict[str, Any]:
    """What a comparison found, in the names of the other results."""
    golden, parity = found.golden, found.parity
    assert parity is not None
    return {
        "golden": {
            "puzzles": golden.puzzles,
            "same_answers": golden.answers,
            "same_halting_steps": golden.halting_steps,
            "q_halt_error": short(max(golden.q_halt_error)),
        },
        "policy": parity.policy,
        "budget": len(parity.trajectory),
        "puzzles": parity.puzzles,
        "same_answers": parity.answers,
        "same_answers_at_the_end": parity.last_answers,
        "same_halting_steps": parity.halting_steps,
        "judged": parity.judged,
        "right_float": parity.float_right,
        "right": parity.bundle_right,
        "lost": parity.lost,
        "local_logits_error": short(parity.logits_error),
        "local_carry_cosine": None if parity.carry_cosine is None else short(parity.carry_cosine, 7),
        "by_depth": [depth_row(error) for error in parity.trajectory],
        "local": [depth_row(error) for error in parity.local],
        "violations": found.violations,
        "remarks": found.remarks,
    }


def depth_row(error: StepError) -> dict[str, Any]:
    """Errors after one step, over all puzzles."""
    row: dict[str, Any] = {
        "step": error.step,
        "logits_max": short(error.logits_max),
        "logits_mean": short(error.logits_mean),
        "q_halt_max": short(error.q_halt_max),
        "identical": round(error.identical, 4),
    }
    return row | {f"{name}_cosine": short(carry.cosine, 7) for name, carry in error.carries.items()}


def short(value: float, digits: int = 3) -> float | None:
    """A number for people; None where it is not finite."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def runtime_options(pairs: Sequence[str]) -> dict[str, Any]:
    """``NAME=VALUE`` pairs; a value that is JSON is read as such."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


if __name__ == "__main__":
    main()
