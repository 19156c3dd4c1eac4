"""Keeping to the processors that this process was given: importing PyTorch forgets them.

With PyTorch 2.13 on Linux, a program that was started by ``taskset -c 1`` is on all processors once it has imported
PyTorch or used it for the first time. What is measured after that would not be what was asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def same_processors() -> Iterator[None]:
    """Whatever happens in the ``with``, this thread runs on the processors it may use now afterwards. Linux only."""
    if sys.platform != "linux":
        yield
        return
    allowed = os.sched_getaffinity(0)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
