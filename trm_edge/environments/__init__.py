"""Environments of their own, for engines whose packages cannot live beside ours.

A new one is one line here; nothing is made before ``trm-edge targets install NAME`` is run.
"""

from __future__ import annotations

from trm_edge.environments.arm64 import Arm64Environment
from trm_edge.environments.base import Environment
from trm_edge.environments.venv import VirtualEnvironment
from trm_edge.environments.vulkan import VulkanEnvironment
from trm_edge.errors import InvalidInput, unknown

ENVIRONMENTS: dict[str, Environment] = {
    made.name: made
    for made in (
        VirtualEnvironment(
            name="ethos-u",
            purpose="ExecuTorch's Arm back-end with Vela and TOSA: they pin an ml_dtypes that onnx refuses",
            requirements=(
                "executorch[ethos-u]==1.5.1",
                "torch==2.13.0",
                "safetensors",
                "pyyaml",
                "typer",
                "rich",
                "numpy",
            ),
            gigabytes=5.5,
        ),
        VulkanEnvironment(
            name="webgpu",
            purpose="ONNX Runtime with its WebGPU provider (it takes the place of the package onnxruntime)",
            requirements=("onnxruntime-webgpu==1.27.0", "numpy"),
            gigabytes=0.2,
        ),
        VirtualEnvironment(
            name="cuda",
            purpose="ONNX Runtime with its CUDA provider (it takes the place of the package onnxruntime), CUDA, cuDNN",
            requirements=("onnxruntime-gpu[cuda,cudnn]==1.31.1", "numpy"),
            gigabytes=3,
        ),
        Arm64Environment(
            name="arm64",
            purpose="ONNX Runtime's arm64 kernels on another processor: Debian's Python in QEMU, for answers only",
            requirements=("onnxruntime==1.32.0", "numpy"),
            gigabytes=0.25,
        ),
    )
}
"""Environments by name."""

__all__ = ["ENVIRONMENTS", "Environment", "environment"]


def environment(name: str) -> Environment:
    """The environment of a name.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in ENVIRONMENTS:
        raise InvalidInput(unknown("environment", name, ENVIRONMENTS))
    return ENVIRONMENTS[name]
