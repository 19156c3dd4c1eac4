"""The bundled models against their bundles, in every graph variant and precision: answers, halting, error.

python benchmarks/parity.py [--puzzles 128]
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from record import save

from trm_edge.bundle import read_bundle
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import model_names, resolve
from trm_edge.runtimes import open_session
from trm_edge.specs import GraphVariant, Precision
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.check import comparison_puzzles, open_reference, verify_bundle

COMBINATIONS = (
    *product((Precision.FP32, Precision.FP16), GraphVariant),
    *product((Precision.W8, Precision.W8A8_DYNAMIC, Precision.W8A8), (GraphVariant.STEP,)),
)
"""Float precisions in every graph; integers in one, since the body of every graph is the same."""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--puzzles", type=int, default=128)
    options = parser.parse_args()
    rows = []
    for name in model_names():
        for precision, graph in COMBINATIONS:
            rows.append(measure(name, ExportOptions(graph=graph, precision=precision), options.puzzles))
            print(rows[-1], flush=True)
    print("saved", save("parity", vars(options), rows).name)


def measure(name: str, options: ExportOptions, puzzles: int) -> dict[str, Any]:
    """Export one bundle and compare it with the float model."""
    with tempfile.TemporaryDirectory() as folder:
        path = export_bundle(load_checkpoint(resolve(name)), options, Path(folder) / "bundle", name=name)
        with read_bundle(path) as bundle, open_session(bundle) as session, open_reference(name) as reference:
            found = verify_bundle(
                bundle,
                session,
                DEFAULT_BOUNDS[options.precision],
                reference=reference,
                puzzles=comparison_puzzles(bundle.manifest, None, puzzles),
            )
            stats = bundle.manifest.graph_stats
    parity = found.parity
    assert parity is not None
    return {
        "model": name,
        "graph": options.graph.value,
        "precision": options.precision.value,
        "file_bytes": stats["file_bytes"],
        "file_to_weights": stats["file_to_weights"],
        "nodes": stats["node_count"],
        "puzzles": parity.puzzles,
        "same_answers": parity.answers,
        "same_answers_at_the_end": parity.last_answers,
        "same_halting_steps": parity.halting_steps,
        "local_logits_error": float(f"{parity.logits_error:.3g}"),
        "violations": found.violations,
    }


if __name__ == "__main__":
    main()
