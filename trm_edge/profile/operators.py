"""Where the time of a graph goes: its operators, timed by the runtime's own tracer.

The names are those of the kernels that ran, not of the operators in the file: what a runtime has fused shows here, and
whether a product that was meant for integers is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidInput
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.specs import Format


def operator_times(
    source: Bundle | Path,
    *,
    methods: Sequence[str] | None = None,
    calls: int = 20,
    threads: int | None = None,
    runtime: str = "onnxruntime",
) -> list[OperatorTime]:
    """Time the operators of a graph with made-up inputs.

    Args:
        source: a bundle, or a ``.pte``.
        methods: methods of an ExecuTorch program to trace; None traces all.
        calls: measured calls, after one that is not measured.
        threads: of one call; None leaves the runtime its choice.
        runtime: of an ONNX graph: this one, or another that runs ONNX Runtime.

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

        return graph_operators(source, calls=calls, threads=threads, runtime=runtime)
    from trm_edge.profile.executorch_operators import program_operators

    path = source.model_path if isinstance(source, Bundle) else source
    return program_operators(path, methods=methods, calls=calls, threads=threads)
