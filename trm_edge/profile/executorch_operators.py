"""Where the time of an ExecuTorch program goes: its operators, timed by the runtime's own event tracer.

The names are those of the kernels that ran: XNNPACK's inside a delegate, the portable ones elsewhere. Only ``.pte``
programs are traced here; nothing is known of recursion or puzzles.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput, Refused
from trm_edge.optional import require
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.runtimes.executorch import Program, Signature, quiet, set_threads

_CONTAINERS = ("DELEGATE_CALL", "OPERATOR_CALL", "Method::execute", "Method::init", "Program::load_method")


def program_operators(
    path: Path, *, methods: Sequence[str] | None, calls: int, threads: int | None
) -> list[OperatorTime]:
    """Time the operators of a ``.pte``, each method called for itself with made-up inputs.

    Arguments and errors as in :func:`trm_edge.profile.operators.operator_times`.
    """
    if threads is not None:
        set_threads(threads)
    present = sorted(Program(path).methods)
    for name in methods or ():
        if name not in present:
            raise InvalidInput(f"The program has no method '{name}'. It has: {', '.join(present)}.")
    times = []
    for name in present if methods is None else methods:
        times += _trace(path, name, calls)
    return times


def _trace(path: Path, method: str, calls: int) -> list[OperatorTime]:
    """One method in a program of its own: the tracer does not tell methods apart."""
    program = Program(path, etdump=True)
    call = program.load(method)
    torch = require("torch", extra="executorch")
    inputs = [torch.from_numpy(array) for array in _inputs(program.methods[method])]
    for _ in range(1 + calls):
        call(*inputs)
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "trace.etdp")
        program.write_etdump(dump)
        if not dump.exists():
            raise Refused("The installed ExecuTorch was built without its event tracer. Install the wheel of PyPI.")
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            blocks = require("executorch.devtools", extra="executorch").Inspector(etdump_path=str(dump)).event_blocks
    return [
        OperatorTime(
            method, event.name.removeprefix("native_call_"), 1e3 * float(np.median(event.perf_data.raw[1:])), 1
        )
        for block in blocks
        for event in block.events
        if event.perf_data is not None and len(event.perf_data.raw) == 1 + calls and event.name not in _CONTAINERS
    ]


def _inputs(signature: Signature) -> list[NDArray[Any]]:
    """Numbers of the right shape; zeros where they choose a row, for that row exists."""
    random = np.random.default_rng(0)
    return [
        random.standard_normal(shape).astype(dtype) if dtype.startswith("float") else np.zeros(shape, dtype)
        for dtype, shape in signature.inputs
    ]
