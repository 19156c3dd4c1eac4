"""Messages between a session and a worker: a JSON header and arrays, over pipes.

A message is 8 bytes (length of the header, little-endian), the header, and the bytes of the arrays in its order. Knows
no engine and no process.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import TrmEdgeError
from trm_edge.specs import DTYPES

MAX_HEADER = 1 << 24
MAX_ARRAY = 1 << 32
_NO_MESSAGE = "The worker sent something that is not a message."

Arrays = Mapping[str, NDArray[Any]]


class Ended(TrmEdgeError):
    """The other side has closed its end."""


def send(stream: IO[bytes], header: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message."""
    given = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    listed = [[name, str(array.dtype), list(array.shape)] for name, array in given.items()]
    text = json.dumps({**header, "arrays": listed}).encode()
    stream.write(len(text).to_bytes(8, "little") + text)
    for array in given.values():
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one message; the arrays are writable.

    Raises:
        Ended: there is no more.
        TrmEdgeError: what came is no message.
    """
    size = int.from_bytes(_exactly(stream, 8), "little")
    if size > MAX_HEADER:
        raise TrmEdgeError(_NO_MESSAGE)
    try:
        header = json.loads(_exactly(stream, size))
        listed = [(str(name), np.dtype(dtype), tuple(map(int, shape))) for name, dtype, shape in header.pop("arrays")]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise TrmEdgeError(_NO_MESSAGE) from None
    arrays = {}
    for name, dtype, shape in listed:
        count = math.prod(shape) * dtype.itemsize
        if dtype.name not in DTYPES or min(shape, default=0) < 0 or count > MAX_ARRAY:
            raise TrmEdgeError(_NO_MESSAGE)
        arrays[name] = np.frombuffer(bytearray(_exactly(stream, count)), dtype=dtype).reshape(shape)
    return header, arrays


def _exactly(stream: IO[bytes], count: int) -> bytes:
    parts, left = [], count
    while left:
        part = stream.read(left)
        if not part:
            raise Ended("The worker has ended.")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
