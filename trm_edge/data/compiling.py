"""Numba as the kernels of this package use it. Importing this module needs numba, so that is done where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from trm_edge.optional import require

numba = require("numba", extra="data")

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile at the first call, to run without the interpreter's lock; cache on disk where that can be written.

    The cache notices changes of the file that ``function`` is in, and of no other: what calls each other shares a file.
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache folder is writable
        return cast(Function, numba.njit(nogil=True)(function))
