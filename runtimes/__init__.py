"""Runtimes: what computes a bundle's graph. One file each, loaded only when it is asked for.

A runtime never imports the exporters: the two share the bundle and nothing else.
"""

from __future__ import annotations

from typing import Any

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidInput, unknown
from trm_edge.runtimes.base import Session
from trm_edge.specs import Format

RUNTIMES = {
    "onnxruntime": "trm_edge.runtimes.onnxruntime:OnnxRuntimeSession",
    "executorch": "trm_edge.runtimes.executorch:ExecuTorchSession",
    "torch-eager": "trm_edge.runtimes.torch_eager:TorchEagerSession",
    "fake": "trm_edge.runtimes.fake:FakeSession",
}
"""Runtime name -> ``module:class``; nothing is imported before it is used."""

BY_FORMAT = {Format.ONNX: "onnxruntime", Format.EXECUTORCH: "executorch"}
"""The runtime that opens a graph of each format unless another is asked for."""

__all__ = ["BY_FORMAT", "RUNTIMES", "Session", "load_runtime", "open_session"]


def load_runtime(name: str) -> type[Session]:
    """The class of a runtime.

    Raises:
        InvalidInput: there is no runtime of that name.
    """
    import importlib

    if name not in RUNTIMES:
        raise InvalidInput(unknown("runtime", name, RUNTIMES))
    module, _, kind = RUNTIMES[name].partition(":")
    session: type[Session] = getattr(importlib.import_module(module), kind)
    return session


def open_session(bundle: Bundle, runtime: str | None = None, *, threads: int | None = None, **options: Any) -> Session:
    """Open the graph of a bundle. Keep the bundle open as long as the session.

    Args:
        bundle: from :func:`trm_edge.bundle.read_bundle`.
        runtime: name in :data:`RUNTIMES`; None picks by the graph's format.
        threads: threads for one call; None leaves it to the runtime.
        **options: the runtime's own, for instance ``providers`` of onnxruntime.

    Raises:
        InvalidInput: unknown runtime or unusable option.
        InvalidBundle: the graph cannot be loaded or is not what the manifest says.
        MissingDependency: the runtime is not installed.
    """
    return load_runtime(runtime or BY_FORMAT[bundle.manifest.format]).from_bundle(bundle, threads=threads, **options)
