from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numba")


def test_what_cannot_be_cached_is_compiled_all_the_same() -> None:
    """A function without a file has no place in numba's cache, like one in a package that cannot be written to."""
    import numba

    from trm_edge.data.compiling import compiled

    names: dict[str, Any] = {}
    exec("def double(number): return 2 * number", names)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(names["double"])
    double = compiled(names["double"])
    assert double(4) == 8
    assert double.signatures


def test_what_can_be_cached_is() -> None:
    from trm_edge.data import sudoku_kernels

    kernel: Any = sudoku_kernels.make
    assert type(kernel._cache).__name__ != "NullCache"
    assert kernel.targetoptions["nogil"]
