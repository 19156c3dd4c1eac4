"""Loading an engine and asking it what it sees; run as a program, since a broken one may take its process down.

``python -m trm_edge.doctor.probe NAME`` prints one JSON object.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

PLUGINS = {"onnxruntime_qnn": "QNNExecutionProvider"}
"""Packages that bring an execution provider for ONNX Runtime -> its name; each has ``get_library_path()``."""


def probe_onnxruntime() -> dict[str, Any]:
    """Providers that are built in, devices by provider, plug-ins registered, and whether telemetry is off."""
    from trm_edge.runtimes.onnxruntime import load_onnxruntime

    ort = load_onnxruntime()
    built_in = list(ort.get_available_providers())  # asked again below, it would name plug-ins, too
    failed = {}
    for package, provider in PLUGINS.items():
        if find_spec(package) is not None:
            try:
                ort.register_execution_provider_library(provider, importlib.import_module(package).get_library_path())
            except Exception as error:  # whatever it raises is what there is to report
                failed[package] = " ".join(str(error).split())[:200]
    devices = ort.get_ep_devices() if hasattr(ort, "get_ep_devices") else []  # from 1.23 on
    return {
        "version": ort.__version__,
        "file": ort.__file__,
        "built_in": built_in,
        "devices": [[one.ep_name, one.device.type.name, one.device.vendor] for one in devices],
        "failed": failed,
        "telemetry_off": os.environ.get("ORT_DISABLE_TELEMETRY") == "1",
    }


def probe_torch() -> dict[str, Any]:
    """Version, and the GPUs that it can use."""
    import torch

    cuda = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())] if cuda else []
    return {"version": torch.__version__, "built_for_cuda": torch.version.cuda, "gpus": names}


def probe_executorch() -> dict[str, Any]:
    """Back-ends that its runtime was built with."""
    from trm_edge.runtimes.executorch import load_executorch

    return {"backends": list(load_executorch()._get_registered_backend_names())}


PROBES: dict[str, Callable[[], dict[str, Any]]] = {
    "onnxruntime": probe_onnxruntime,
    "torch": probe_torch,
    "executorch": probe_executorch,
}

if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]]()))
