"""The vocabulary of the project as frozen data: tensors, graph variants, precisions, evidence.

Standard library only: everything else, exporters and runtimes alike, may import this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Dim = int | str
"""A fixed size, or the name of a size that may vary (``"batch"``)."""

OPSETS = range(18, 24)
"""ONNX operator sets that graphs are written in."""

DTYPES = ("float32", "float16", "int64", "int32", "int16", "uint16", "int8", "uint8", "bool")


class GraphVariant(StrEnum):
    """How the recursion over supervision steps is laid out in an exported graph."""

    STEP = "step"  #: one supervision step; the carry goes in and comes out, the host loops
    UNROLLED = "unrolled"  #: N supervision steps, all logits and halting logits out
    LOOP = "loop"  #: a Loop operator that halts inside the graph, row by row


class Precision(StrEnum):
    """Number format of weights and activations (``w`` weights, ``a`` activations)."""

    FP32 = "fp32"
    FP16 = "fp16"
    W8 = "w8"  #: weights int8, everything computed in float32
    W8A8_DYNAMIC = "w8a8-dynamic"  #: integer products; activations are scaled anew at every product
    W8A8 = "w8a8"  #: integer products; the scales of activations are fixed by calibration
    W8A16 = "w8a16"  #: everything in integers: int8 weights, activations of 16 bits (processors without float)
    AUTO = "auto"  #: w8a8 where it costs nothing, wider where a search found that it does


class Format(StrEnum):
    """File format of the exported graph."""

    ONNX = "onnx"
    EXECUTORCH = "executorch"


class Evidence(StrEnum):
    """How a target is known to work."""

    HARDWARE = "hardware"  #: ran on the processor itself
    SIMULATOR = "simulator"  #: ran on the vendor's simulator or an instruction-set emulator
    COMPILED = "compiled"  #: only lowered or compiled, never run
    DECLARED = "declared"  #: written to its documentation; neither compiled nor run


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape and dtype of one graph input or output.

    Attributes:
        name: the name in the graph.
        shape: sizes; a string names a size that may vary (``"batch"``).
        dtype: a numpy dtype name out of :data:`DTYPES`.
    """

    name: str
    shape: tuple[Dim, ...]
    dtype: str

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"tensor '{self.name}': dtype '{self.dtype}' is not one of {DTYPES}")
