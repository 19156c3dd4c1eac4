"""NVIDIA GPUs: ONNX Runtime's CUDA provider, in an environment of its own.

Products of float32 stay float32: TF32, which CUDA prefers, keeps 10 bits of the factors and loses parity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trm_edge.environments import environment
from trm_edge.environments.nvidia import gpus
from trm_edge.errors import InvalidInput, MissingDependency, Refused
from trm_edge.runtimes.onnxruntime import CPU, OnnxRuntimeSession

PROVIDER = "CUDAExecutionProvider"


class CudaSession(OnnxRuntimeSession):
    """A graph in ONNX Runtime's CUDA provider.

    Options: ``device``, number of the GPU (default 0); ``profile``, how the name of a trace file starts.
    """

    runtime = "cuda"
    environment = "cuda"
    options = ("device", "profile")

    def _provide(self, ort: Any, settings: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        if PROVIDER not in ort.get_available_providers():
            line = environment("cuda").install_line()
            raise MissingDependency(f"onnxruntime has no CUDA here. Make its environment with: {line}")
        there, device = gpus(), options.get("device", 0)
        if not there:
            raise Refused("There is no NVIDIA GPU here: nvidia-smi lists none. Use --target cpu.")
        if not isinstance(device, int) or not 0 <= device < len(there):
            listed = ", ".join(f"{number} ({name})" for number, name in enumerate(there))
            raise InvalidInput(f"There is no CUDA device {device!r}. Allowed: {listed}.")
        ort.preload_dlls()  # CUDA and cuDNN from their Python packages
        self.provider = PROVIDER
        return {"providers": [(PROVIDER, {"device_id": str(device), "use_tf32": "0"}), CPU]}
