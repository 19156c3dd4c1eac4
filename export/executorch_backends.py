"""What the back-ends of ExecuTorch can realise, as far as it can be said without loading ExecuTorch."""

from __future__ import annotations

from trm_edge.errors import unknown
from trm_edge.specs import Precision

BACKENDS = ("xnnpack", "portable")


def refusal(precision: Precision, backend: str) -> str | None:
    """Why a backend cannot realise a precision, in one line, or None."""
    if backend not in BACKENDS:
        return unknown("ExecuTorch backend", backend, BACKENDS)
    if precision is Precision.FP32:
        return None
    if precision is Precision.W8:
        return (
            "XNNPACK takes int8 weights with int8 activations only: a w8 product would fall out of the delegate. "
            "Use w8a8-dynamic, which is as small and faster."
        )
    if precision not in (Precision.W8A8, Precision.W8A8_DYNAMIC):
        return f"ExecuTorch programs are written in fp32, w8a8 and w8a8-dynamic, not in {precision}. Use one of these."
    if backend == "portable":
        return (
            f"The portable kernels of ExecuTorch have no integer matrix product, so {precision} would be slower than "
            "fp32. Use --backend xnnpack, or --precision fp32."
        )
    return None
