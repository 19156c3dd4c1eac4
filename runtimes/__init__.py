"""Runtimes: what computes a bundle's graph. One file each, loaded only when it is asked for.

A runtime never imports the exporters: the two share the bundle and nothing else.
"""

from __future__ import annotations

from typing import Any

from trm_edge.bundle import Bundle, Manifest
from trm_edge.errors import InvalidInput, Refused, unknown
from trm_edge.runtimes.base import Session
from trm_edge.specs import Format

RUNTIMES = {
    "onnxruntime": "trm_edge.runtimes.onnxruntime:OnnxRuntimeSession",
    "executorch": "trm_edge.runtimes.executorch:ExecuTorchSession",
    "qnn": "trm_edge.runtimes.qnn:QnnSession",
    "webgpu": "trm_edge.runtimes.webgpu:WebGpuSession",
    "openvino": "trm_edge.runtimes.openvino:OpenVinoSession",
    "cuda": "trm_edge.runtimes.cuda:CudaSession",
    "ethos-u": "trm_edge.runtimes.ethos_u:EthosUSession",
    "arm64": "trm_edge.runtimes.arm64:Arm64Session",
    "torch-eager": "trm_edge.runtimes.torch_eager:TorchEagerSession",
    "fake": "trm_edge.runtimes.fake:FakeSession",
}
"""Runtime name -> ``module:class``; nothing is imported before it is used."""

BY_FORMAT = {Format.ONNX: "onnxruntime", Format.EXECUTORCH: "executorch"}
"""The runtime that opens a graph of each format on the CPU."""

BY_TARGET = {
    ("qualcomm-npu", Format.ONNX): "qnn",
    ("webgpu", Format.ONNX): "webgpu",
    ("openvino", Format.ONNX): "openvino",
    ("cuda", Format.ONNX): "cuda",
    ("ethos-u", Format.EXECUTORCH): "ethos-u",
}
"""The runtime of a target that is not the CPU."""

__all__ = ["BY_FORMAT", "BY_TARGET", "RUNTIMES", "Session", "load_runtime", "open_session", "runtime_of"]


def runtime_of(manifest: Manifest, target: str | None = None) -> str:
    """Name of the runtime that runs a bundle on a target.

    Args:
        manifest: of the bundle.
        target: id; None: the one it was made for.

    Raises:
        Refused: nothing here runs it there.
    """
    target = target or manifest.target
    if target == "cpu":
        return BY_FORMAT[manifest.format]
    runtime = BY_TARGET.get((target, manifest.format))
    if runtime is None:
        raise Refused(
            f"Nothing here runs {manifest.format} bundles on '{target}'. Runs here: cpu (any bundle), "
            f"{', '.join(f'{name} ({format})' for name, format in BY_TARGET)}."
        )
    return runtime


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


def open_session(
    bundle: Bundle,
    runtime: str | None = None,
    *,
    target: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> Session:
    """Open the graph of a bundle. Keep the bundle open as long as the session.

    Args:
        bundle: from :func:`trm_edge.bundle.read_bundle`.
        runtime: name in :data:`RUNTIMES`; None picks by target and format.
        target: processor to run on; None: the one that the bundle was made for.
        threads: threads for one call; None leaves it to the runtime.
        **options: the runtime's own, for instance ``providers`` of onnxruntime.

    Raises:
        InvalidInput: unknown runtime or unusable option.
        InvalidBundle: the graph cannot be loaded or is not what the manifest says.
        MissingDependency: the runtime, or the environment that it lives in, is not installed.
        Refused: nothing here runs the bundle on that target.
    """
    kind = load_runtime(runtime or runtime_of(bundle.manifest, target))
    if kind.environment is not None:
        from trm_edge.environments import environment  # of no use to an engine that lives here

        if not environment(kind.environment).current:
            from trm_edge.runtimes.worker import WorkerSession

            return WorkerSession.open(bundle, kind, kind.environment, threads=threads, options=options)
    return kind.from_bundle(bundle, threads=threads, **options)
