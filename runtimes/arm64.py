"""ONNX Runtime's true arm64 kernels on a machine that is not arm64: in the emulator of the environment ``arm64``.

For answers, not for times. On an arm64 machine, ``onnxruntime`` is the runtime.
"""

from __future__ import annotations

from trm_edge.runtimes.onnxruntime import OnnxRuntimeSession


class Arm64Session(OnnxRuntimeSession):
    """A graph in ONNX Runtime for arm64."""

    runtime = "arm64"
    environment = "arm64"
