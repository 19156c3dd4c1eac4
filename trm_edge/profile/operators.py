"""Where the time of a graph goes: its operators, timed by the runtime's own tracer.

The names are those of the kernels that ran, not of the operators in the file: what a runtime has fused shows here, and
whether a product that was meant for integers is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidInput
from trm_edge.specs import Format

PRODUCTS = {"MatMul": False, "MatMulIntegerToFloat": True, "DynamicQuantizeMatMul": True} | {
    "FusedMatMul": False,
    "Gemm": False,
    "MatMulInteger": True,
    "QLinearMatMul": True,
}
"""ONNX Runtime's kernels that multiply matrices, and whether they do it in integers."""


@dataclass(frozen=True)
class OperatorTime:
    """One operator of a call.

    Attributes:
        method: method of an ExecuTorch program; ``graph`` for ONNX.
        operator: kernel. XNNPACK numbers those of a kind (``Fully Connected (NC, QS8, QC8W) GEMM #3``); ONNX Runtime's
            are summed up by kind.
        microseconds: in one call, all ``count`` together; the median of the calls.
        count: how often it ran in one call.
    """

    method: str
    operator: str
    microseconds: float
    count: int


def operator_times(
    source: Bundle | Path, *, methods: Sequence[str] | None = None, calls: int = 20, threads: int | None = None
) -> list[OperatorTime]:
    """Time the operators of a graph with made-up inputs.

    Args:
        source: a bundle, or a ``.pte``.
        methods: methods of an ExecuTorch program to trace; None traces all.
        calls: measured calls, after one that is not measured.
        threads: of one call; None leaves the runtime its choice.

    Returns:
        ONNX: kinds of kernels, the most expensive first. ExecuTorch: methods in alphabetical order, operators in the
        order they ran.

    Raises:
        Refused: the installed runtime traces no events.
        InvalidInput: a method that the program does not have, or no calls.
        InvalidBundle: the graph cannot be loaded or run.
        MissingDependency: the runtime is not installed.
    """
    if calls < 1:
        raise InvalidInput(f"calls = {calls}: measure at least one.")
    if isinstance(source, Bundle) and source.manifest.format is Format.ONNX:
        if methods:
            raise InvalidInput("An ONNX graph has no methods: leave --method out.")
        from trm_edge.profile.onnx_operators import graph_operators

        return graph_operators(source, calls=calls, threads=threads)
    from trm_edge.profile.executorch_operators import program_operators

    path = source.model_path if isinstance(source, Bundle) else source
    return program_operators(path, methods=methods, calls=calls, threads=threads)


def integer_products(times: Sequence[OperatorTime]) -> int:
    """How many matrix products of one call of an ONNX graph ran in integer kernels."""
    return sum(time.count for time in times if PRODUCTS.get(time.operator))


def product_share(times: Sequence[OperatorTime]) -> float:
    """Share of the kernels' time that matrix products take, 0 to 1."""
    total = sum(time.microseconds for time in times)
    return sum(time.microseconds for time in times if time.operator in PRODUCTS) / total if total else 0.0
