"""The time of one operator, and what a list of them says about matrix products. Knows no runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def integer_products(times: Sequence[OperatorTime]) -> int:
    """How many matrix products of one call of an ONNX graph ran in integer kernels."""
    return sum(time.count for time in times if PRODUCTS.get(time.operator))


def product_share(times: Sequence[OperatorTime]) -> float:
    """Share of the kernels' time that matrix products take, 0 to 1."""
    total = sum(time.microseconds for time in times)
    return sum(time.microseconds for time in times if time.operator in PRODUCTS) / total if total else 0.0
