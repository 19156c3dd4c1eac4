"""What a measurement was made with: versions, processor, runtime. Asks package metadata, imports nothing heavy."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from trm_edge import __version__
from trm_edge.runtimes.base import Session

_PACKAGE = {  # of each runtime that has one
    "executorch": "executorch",
    "onnxruntime": "onnxruntime",
    "torch-eager": "torch",
}


def versions(sessions: Iterable[Session]) -> dict[str, str]:
    """Versions of trm-edge, Python, numpy and of the package behind each session."""
    found = {"trm-edge": __version__, "python": platform.python_version()}
    for package in ("numpy", *(_PACKAGE[s.runtime] for s in sessions if s.runtime in _PACKAGE)):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a build without metadata: nothing to say about it
            continue
    return found


def environment(session: Session) -> dict[str, object]:
    """Runtime, provider, threads (None: the runtime's choice) and machine, as JSON holds them."""
    return {
        "runtime": session.runtime,
        "provider": session.provider,
        "threads": session.threads,
        "system": platform.system(),
        "machine": platform.machine(),
    }
