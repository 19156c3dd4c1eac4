"""The methods of an ExecuTorch program for a parent process, over standard input and output, big-endian.

A request: a name (2 bytes of length), then the number of tensors, each with whether it is int32 (1 byte), its rank, its
sizes and its numbers. An empty name asks for the names of the methods. The answer: number of tensors, each with its
length and its float32 numbers.
"""

import struct
import sys
from pathlib import Path

import numpy as np
import torch

from trm_edge.runtimes.executorch import Program

source, sink = sys.stdin.buffer, sys.stdout.buffer
program = Program(Path(sys.argv[1]))
methods = {name: program.load(name) for name in program.methods}


def whole(form: str) -> int:
    return struct.unpack(form, source.read(struct.calcsize(form)))[0]


def tensor() -> torch.Tensor:
    dtype = ">i4" if whole(">?") else ">f4"
    shape = [whole(">i") for _ in range(whole(">i"))]
    numbers = np.frombuffer(source.read(4 * int(np.prod(shape))), dtype)
    return torch.from_numpy(numbers.astype(dtype[1:]).reshape(shape))


while length := source.read(2):
    name = source.read(struct.unpack(">H", length)[0]).decode()
    if not name:
        names = ",".join(methods).encode()
        sink.write(struct.pack(">H", len(names)) + names)
    else:
        outputs = methods[name](*[tensor() for _ in range(whole(">i"))])
        sink.write(struct.pack(">i", len(outputs)))
        for output in outputs:
            sink.write(struct.pack(">i", output.size) + output.astype(">f4").tobytes())
    sink.flush()
