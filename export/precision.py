"""Precisions and integer rules as data: what each one stores and computes in. A new one is one row.

Knows no graph; :mod:`trm_edge.export.graphs` realises the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trm_edge.specs import Precision


class Arithmetic(StrEnum):
    """How a matrix product with weights is computed."""

    FLOAT = "float"  #: weights and activations in the graph's float type
    WEIGHTS = "weights"  #: weights stored as int8 and widened before the product
    DYNAMIC = "dynamic"  #: an integer product; the activations' scale is taken from the tensor itself, at every call
    STATIC = "static"  #: an integer product; the activations' scale is a constant from calibration


INTEGER = frozenset({Arithmetic.DYNAMIC, Arithmetic.STATIC})


@dataclass(frozen=True)
class PrecisionSpec:
    """One precision.

    Attributes:
        precision: its name.
        float_dtype: of everything that is not int8: activations, the carry between steps, and the weights outside
            products (``FLOAT``: those in products, too). Logits and halting logits leave the graph as float32
            whatever it is, and sums of squares are taken in float32.
        arithmetic: of the products of every network pass. Heads and embeddings stay in ``float_dtype``: they are a
            thousandth of the work, and a halting head that is initialised with zeros has no scale.
        note: what one should know before choosing it.
    """

    precision: Precision
    float_dtype: str
    arithmetic: Arithmetic
    note: str


PRECISIONS = {
    spec.precision: spec
    for spec in (
        PrecisionSpec(Precision.FP32, "float32", Arithmetic.FLOAT, "as trained"),
        PrecisionSpec(
            Precision.FP16,
            "float16",
            Arithmetic.FLOAT,
            "half the bytes; ONNX Runtime on x86-64 computes it in float32",
        ),
        PrecisionSpec(Precision.W8, "float32", Arithmetic.WEIGHTS, "a quarter of the bytes, not faster than fp32"),
        PrecisionSpec(
            Precision.W8A8_DYNAMIC,
            "float32",
            Arithmetic.DYNAMIC,
            "needs no calibration; puzzles of one batch share their scales, so an answer may depend on its neighbours",
        ),
        PrecisionSpec(Precision.W8A8, "float32", Arithmetic.STATIC, "the fastest; needs puzzles to calibrate on"),
        PrecisionSpec(
            Precision.W8A16,
            "float32",
            Arithmetic.STATIC,
            "everything in integers, for processors without float; needs puzzles to calibrate on",
        ),
        PrecisionSpec(Precision.AUTO, "float32", Arithmetic.STATIC, "w8a8, wider where a search finds that it must be"),
    )
}


@dataclass(frozen=True)
class IntegerRules:
    """What the integer kernels of a processor want.

    Attributes:
        id: name, as ``--optimize-for`` takes it.
        activations: ``"uint8"`` or ``"int8"`` (static scales only: ONNX's DynamicQuantizeLinear always gives uint8).
        weight_limit: largest magnitude of a quantized weight.
        note: why.
    """

    id: str
    activations: str
    weight_limit: int
    note: str


INTEGER_RULES = {
    rules.id: rules
    for rules in (
        IntegerRules("x86-64", "uint8", 127, "VNNI multiplies unsigned by signed bytes (vpdpbusd)"),
        IntegerRules(
            "x86-64-avx2", "uint8", 63, "vpmaddubsw adds pairs in 16 bits, which saturate above 7-bit weights"
        ),
        IntegerRules("arm64", "int8", 127, "sdot and smmla multiply signed by signed bytes"),
    )
}
"""Kernels by processor. Of signed activations on x86-64 ONNX Runtime makes integer products only in part, and computes
those without vector instructions, 20 to 60 times slower."""
