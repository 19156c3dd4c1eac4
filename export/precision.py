"""Precisions as data: what each one stores and computes in. A new precision is one row.

Knows no graph; :mod:`trm_edge.export.graphs` realises the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from trm_edge.specs import Precision


@dataclass(frozen=True)
class PrecisionSpec:
    """One precision.

    Attributes:
        precision: its name.
        float_dtype: of weights, activations and the carry between steps. Logits and halting logits leave the
            graph as float32 whatever it is, and sums of squares are taken in float32.
        note: what one should know before choosing it.
    """

    precision: Precision
    float_dtype: str
    note: str


PRECISIONS = {
    spec.precision: spec
    for spec in (
        PrecisionSpec(Precision.FP32, "float32", "as trained"),
        PrecisionSpec(Precision.FP16, "float16", "half the bytes; ONNX Runtime on x86-64 computes it in float32"),
    )
}
