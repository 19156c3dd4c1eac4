"""Proof from the runtime: the products that a bundle stores as integers do run in integer kernels here."""

from __future__ import annotations

import platform

from trm_edge.bundle import Bundle
from trm_edge.errors import NotQuantized
from trm_edge.profile.operator_time import integer_products
from trm_edge.profile.operators import operator_times
from trm_edge.specs import GraphVariant

_ARM = ("aarch64", "arm64")


def prove_kernels(bundle: Bundle, runtime: str = "onnxruntime") -> str:
    """Run an ONNX graph once under its runtime's tracer and count the integer products.

    Static activations in another processor's format are fused in part or not at all, so that only that processor can
    tell.

    Args:
        bundle: of an ONNX graph.
        runtime: ``arm64`` counts the kernels of an emulated arm64 processor.

    Returns:
        One line with the count, or why nothing was counted.

    Raises:
        NotQuantized: fewer ran in integers than the file holds.
    """
    stats, manifest = bundle.manifest.graph_stats, bundle.manifest
    made_for = stats.get("quantization", {}).get("optimized_for", "")
    processor = runtime if runtime in _ARM else platform.machine().lower()
    if stats["products"].get("static") and (made_for == "arm64") != (processor in _ARM):
        return f"integer kernels were not counted: this is no {made_for} machine"
    wanted = sum(stats["products"].get(kind, 0) for kind in ("static", "dynamic"))
    found = integer_products(operator_times(bundle, calls=1, runtime=runtime))
    what = {GraphVariant.UNROLLED: f"{manifest.steps} supervision steps"}.get(manifest.graph, "a supervision step")
    line = f"{found} of {wanted} integer products of {what} ran in integer kernels"
    if found < wanted:
        raise NotQuantized(f"Only {line}. Use another --precision, or another version of onnxruntime.")
    return line
