"""ONNX Runtime, the reference runtime for ``.onnx`` graphs.

Telemetry is switched off before the library is loaded: releases from 1.29 on send it by default.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, unknown
from trm_edge.optional import require
from trm_edge.runtimes.base import Arrays, Session, one_line
from trm_edge.runtimes.placement import Placement
from trm_edge.specs import Format, TensorSpec

CPU = "CPUExecutionProvider"
_ERRORS_ONLY = 3  #: log severity
_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
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
    options: ClassVar[tuple[str, ...]] = ("providers", "provider_options", "profile")

    _graph: Any = None  #: onnxruntime.InferenceSession
    _assigned = CPU  #: the provider that the graph was opened for, as ONNX Runtime names it

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the graph.

        Options: ``providers``, names of execution providers, the preferred one first (default: CPU);
        ``provider_options``, a mapping for the first of them; ``profile``, how the name of a trace file starts, see
        :meth:`end_profile`.
        """
        if bundle.manifest.format is not Format.ONNX:
            raise Refused(f"onnxruntime opens onnx graphs, this bundle holds {bundle.manifest.format}")
        ort = load_onnxruntime()
        settings = ort.SessionOptions()
        settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        settings.log_severity_level = _ERRORS_ONLY
        if self.threads is not None:
            settings.intra_op_num_threads = self.threads
        if options.get("profile"):
            settings.enable_profiling = True
            settings.profile_file_prefix = options["profile"]
        path = self._graph_path(bundle, options)
        provided = self._provide(ort, settings, options)
        if self.provider != CPU:  # there is nothing to tell of one processor, and the record takes memory
            settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        try:
            self._graph = ort.InferenceSession(str(path), settings, **provided)
        except Exception as error:  # its exceptions have no common base below Exception
            raise InvalidBundle(f"onnxruntime cannot load '{path}': {one_line(error)}") from error
        if self.provider not in self._graph.get_providers():  # it falls back without raising
            raise Refused(f"{self.provider} could not be started on this machine. Use {CPU}.")
        self._assigned = self.provider
        _return_freed_memory()
        self._output_names = [spec.name for spec in bundle.manifest.outputs]
        compare("input", self._graph.get_inputs(), bundle.manifest.inputs)
        compare("output", self._graph.get_outputs(), bundle.manifest.outputs)

    def _graph_path(self, bundle: Bundle, options: Mapping[str, Any]) -> Path:
        """The file to load; a runtime with compiled forms of the graph may have another."""
        return bundle.model_path

    def _provide(self, ort: Any, settings: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        """Choose what computes and set :attr:`provider`; a runtime for another processor has its own.

        Args:
            ort: the library.
            settings: the session's; devices of plug-ins are added to them.
            options: of :meth:`_open`.

        Returns:
            More arguments of ``InferenceSession``.

        Raises:
            InvalidInput: an unknown provider.
            Refused: the processor is not there.
        """
        available = ort.get_available_providers()
        providers = list(options.get("providers") or (CPU,))
        for name in providers:
            if name not in available:
                raise InvalidInput(unknown("execution provider", name, available))
        self.provider = providers[0]
        first = (providers[0], dict(options.get("provider_options") or {}))
        return {"providers": [first, *providers[1:]]}

    def placement(self) -> Placement | None:
        """Where the nodes of the graph run, as ONNX Runtime assigned them; None on the CPU and before release 1.24."""
        assignments = getattr(self._graph, "get_provider_graph_assignment_info", None)
        if assignments is None or self._assigned == CPU:
            return None
        placed, elsewhere = 0, Counter[str]()
        for part in assignments():
            kinds = [node.op_type for node in part.get_nodes()]
            if part.ep_name == self._assigned:
                placed += len(kinds)
            else:
                elsewhere.update(kinds)
        return Placement(self.provider, placed, dict(elsewhere.most_common()), "nodes as the runtime assigned them")

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
            raise InvalidBundle(f"onnxruntime could not run the graph: {one_line(error)}") from error
        return dict(zip(self._output_names, outputs, strict=True))


def _return_freed_memory() -> None:
    """Give the system back what loading a graph used and freed: with int8 graphs as much as the graph itself.

    glibc keeps it for later; other C libraries have no such call, and need none.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def compare(kind: str, nodes: Sequence[Any], specs: Sequence[TensorSpec]) -> None:
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
