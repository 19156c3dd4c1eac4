"""ONNX Runtime, the reference runtime for ``.onnx`` graphs.

Telemetry is switched off before the library is loaded: releases from 1.29 on send it by default.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, unknown
from trm_edge.optional import require
from trm_edge.runtimes.base import Arrays, Session
from trm_edge.specs import Format, TensorSpec

CPU = "CPUExecutionProvider"
_ERRORS_ONLY = 3  #: log severity
_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


def load_onnxruntime() -> Any:
    """The library, with its telemetry off: from 1.29 on it reports home unless told not to before it loads.

    Raises:
        MissingDependency: onnxruntime is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read while the library loads
    ort = require("onnxruntime", extra="onnx")
    ort.disable_telemetry_events()  # for a host program that had loaded it already
    return ort


class OnnxRuntimeSession(Session):
    """A graph in ONNX Runtime."""

    runtime = "onnxruntime"
    options = ("providers", "provider_options", "profile")

    _graph: Any = None  #: onnxruntime.InferenceSession

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the graph.

        Options: ``providers``, names of execution providers, the preferred one first (default: CPU);
        ``provider_options``, a mapping for the first of them; ``profile``, how the name of a trace file starts, see
        :meth:`end_profile`.
        """
        if bundle.manifest.format is not Format.ONNX:
            raise Refused(f"onnxruntime opens onnx graphs, this bundle holds {bundle.manifest.format}")
        ort = load_onnxruntime()
        available = ort.get_available_providers()
        providers = list(options.get("providers") or (CPU,))
        for name in providers:
            if name not in available:
                raise InvalidInput(unknown("execution provider", name, available))
        settings = ort.SessionOptions()
        settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        settings.log_severity_level = _ERRORS_ONLY
        if self.threads is not None:
            settings.intra_op_num_threads = self.threads
        if options.get("profile"):
            settings.enable_profiling = True
            settings.profile_file_prefix = options["profile"]
        first = (providers[0], dict(options.get("provider_options") or {}))
        try:
            self._graph = ort.InferenceSession(str(bundle.model_path), settings, providers=[first, *providers[1:]])
        except Exception as error:  # its exceptions have no common base below Exception
            raise InvalidBundle(f"onnxruntime cannot load '{bundle.model_path}': {_one_line(error)}") from error
        if providers[0] not in self._graph.get_providers():  # it falls back without raising
            raise Refused(f"{providers[0]} could not be started on this machine. Use {CPU}.")
        self.provider = providers[0]
        _return_freed_memory()
        self._output_names = [spec.name for spec in bundle.manifest.outputs]
        _compare("input", self._graph.get_inputs(), bundle.manifest.inputs)
        _compare("output", self._graph.get_outputs(), bundle.manifest.outputs)

    def end_profile(self) -> str:
        """Finish the trace that the option ``profile`` began; returns the path of the file (Chrome's trace format)."""
        path: str = self._graph.end_profiling()
        return path

    def close(self) -> None:
        """Free the graph."""
        super().close()
        self._graph = None

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        try:
            outputs = self._graph.run(self._output_names, inputs)
        except Exception as error:  # as above
            raise InvalidBundle(f"onnxruntime could not run the graph: {_one_line(error)}") from error
        return dict(zip(self._output_names, outputs, strict=True))


def _return_freed_memory() -> None:
    """Give the system back what loading a graph used and freed: with int8 graphs as much as the graph itself.

    glibc keeps it for later; other C libraries have no such call, and need none.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _compare(kind: str, nodes: Sequence[Any], specs: Sequence[TensorSpec]) -> None:
    """Refuse a graph whose tensors are not those of its manifest. Sizes that vary are not compared."""
    names = sorted(node.name for node in nodes)
    if names != sorted(spec.name for spec in specs):
        raise InvalidBundle(f"The graph's {kind}s are {', '.join(names)}: not what its manifest says")
    by_name = {node.name: node for node in nodes}
    for spec in specs:
        node = by_name[spec.name]
        same_type = _TYPES.get(node.type, node.type) == spec.dtype
        same_rank = len(node.shape) == len(spec.shape)
        if not same_type or not same_rank or any(map(_sizes_differ, node.shape, spec.shape)):
            raise InvalidBundle(
                f"The graph's {kind} '{spec.name}' is {_TYPES.get(node.type, node.type)} {node.shape},"
                f" its manifest says {spec.dtype} {list(spec.shape)}"
            )


def _sizes_differ(given: int | str | None, stated: int | str) -> bool:
    return isinstance(given, int) and isinstance(stated, int) and given != stated


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
