"""GPUs through WebGPU: ONNX Runtime's WebGPU provider, in an environment of its own.

On Linux it runs on any Vulkan adapter, and on a browser's SwiftShader where there is none: the true shaders, run by the
CPU, thousands of times slower than a GPU. ``provider`` says which of the two it is.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Bundle
from trm_edge.environments import environment
from trm_edge.environments.vulkan import adapter
from trm_edge.errors import InvalidBundle, MissingDependency, Refused
from trm_edge.runtimes.base import Arrays
from trm_edge.runtimes.onnxruntime import CPU, OnnxRuntimeSession
from trm_edge.runtimes.placement import Placement

PROVIDER = "WebGpuExecutionProvider"
_NO_HALF = "requires f16"  #: what ONNX Runtime says where an adapter computes in 32 bits only


class WebGpuSession(OnnxRuntimeSession):
    """A graph in ONNX Runtime's WebGPU provider."""

    runtime = "webgpu"
    environment = "webgpu"
    options = ("profile",)

    _bundle: Bundle

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the graph.

        Option: ``profile``, how the name of a trace file starts, see :meth:`end_profile`.

        Raises:
            Refused: there is no adapter.
        """
        self._bundle = bundle
        found = adapter()
        if found is None and sys.platform.startswith("linux"):  # others do not need Vulkan
            raise Refused(
                "WebGPU finds no Vulkan adapter here. Install the driver of the GPU or, to try it without one, "
                "Debian's chromium, which brings SwiftShader along."
            )
        super()._open(bundle, options)
        self.provider = f"WebGPU on {found or 'the adapter of this system'}"

    def _provide(self, ort: Any, settings: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        if PROVIDER not in ort.get_available_providers():
            line = environment("webgpu").install_line()
            raise MissingDependency(f"onnxruntime has no WebGPU here. Make its environment with: {line}")
        self.provider = PROVIDER
        return {"providers": [PROVIDER, CPU]}

    def placement(self) -> Placement:
        """Where the nodes of the graph run, from a trace of one call: release 1.27 does not tell them all otherwise."""
        with tempfile.TemporaryDirectory() as folder:
            options = {"profile": str(Path(folder, "trace"))}
            with type(self).from_bundle(self._bundle, threads=self.threads, **options) as traced:
                traced._infer(_any_inputs(self._bundle))
                events = json.loads(Path(traced.end_profile()).read_text(encoding="utf-8"))
        return count_nodes(events, PROVIDER, self.provider)

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        try:
            return super()._infer(inputs)
        except InvalidBundle as error:
            if _NO_HALF not in str(error):
                raise
            raise Refused(
                f"{self.provider} does not compute in 16 bits (shader-f16), and this bundle is"
                f" {self.manifest.precision}. Export it with --precision fp32."
            ) from error


def count_nodes(events: Sequence[Mapping[str, Any]], provider: str, accelerator: str) -> Placement:
    """The nodes in a trace of ONNX Runtime, those that ``provider`` ran and the others; one in a loop counts once."""
    nodes = {
        event["name"]: (event["args"]["op_name"], event["args"]["provider"])
        for event in events
        if event["name"].endswith("_kernel_time") and "provider" in event["args"]
    }
    elsewhere = Counter(kind for kind, where in nodes.values() if where != provider)
    placed = len(nodes) - elsewhere.total()
    return Placement(accelerator, placed, dict(elsewhere.most_common()), "nodes, in a trace of one call")


def _any_inputs(bundle: Bundle) -> dict[str, NDArray[Any]]:
    """Inputs for one call, whatever they mean: one puzzle, and one step where the graph counts them."""
    manifest = bundle.manifest
    batch = manifest.fixed_batch or 1
    return {
        spec.name: np.full(
            [size if isinstance(size, int) else batch for size in spec.shape], spec.name == "budget", spec.dtype
        )
        for spec in manifest.inputs
    }
