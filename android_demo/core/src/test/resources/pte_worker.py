"""The methods of an ExecuTorch program for a parent process, over standard input and output, big-endian.

A request: a name (2 bytes of length), then the number of tensors, each with whether it is int32 (1 byte), its rank, its
sizes and its numbers. An empty name asks for the names of the methods. The answer: number of tensors, each with its
length and its float32 numbers.
"""

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from trm_edge.runtimes.executorch import Program

_source, _sink = sys.stdin.buffer, sys.stdout.buffer


def main() -> None:
    """Serve the program that the command line names until the parent closes its end."""
    program = Program(Path(sys.argv[1]))
    methods = {name: program.load(name) for name in program.methods}
    while length := _source.read(2):
        name = _source.read(struct.unpack(">H", length)[0]).decode()
        if not name:
            names = ",".join(methods).encode()
            _sink.write(struct.pack(">H", len(names)) + names)
        else:
            outputs = methods[name](*[_tensor() for _ in range(_number(">i"))])
            _sink.write(struct.pack(">i", len(outputs)))
            for output in outputs:
                _sink.write(struct.pack(">i", output.size) + output.astype(">f4").tobytes())
        _sink.flush()


def _number(form: str) -> int:
    number: int = struct.unpack(form, _source.read(struct.calcsize(form)))[0]
    return number


def _tensor() -> Any:
    import torch

    dtype = ">i4" if _number(">?") else ">f4"
    shape = [_number(">i") for _ in range(_number(">i"))]
    numbers = np.frombuffer(_source.read(4 * int(np.prod(shape))), dtype)
    return torch.from_numpy(numbers.astype(dtype[1:]).reshape(shape))


if __name__ == "__main__":
    main()
