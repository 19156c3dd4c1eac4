"""The targets by id. A new target is one module and one line here; nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module

from trm_edge.errors import InvalidInput, unknown
from trm_edge.export.targets.base import Target

TARGETS = {
    "cpu": "trm_edge.export.targets.cpu:CpuTarget",
    "qualcomm-npu": "trm_edge.export.targets.qualcomm_npu:QualcommNpuTarget",
    "webgpu": "trm_edge.export.targets.webgpu:WebGpuTarget",
    "cuda": "trm_edge.export.targets.cuda:CudaTarget",
    "openvino": "trm_edge.export.targets.openvino:OpenVinoTarget",
    "ethos-u": "trm_edge.export.targets.ethos_u:EthosUTarget",
    "android": "trm_edge.export.targets.android:AndroidTarget",
    "coreml": "trm_edge.export.targets.coreml:CoreMlTarget",
}
"""Target id -> ``module:class``."""

__all__ = ["TARGETS", "Target", "get_target", "target_ids"]


def target_ids() -> list[str]:
    """Ids of all targets."""
    return list(TARGETS)


def get_target(id: str) -> Target:
    """The target of an id.

    Raises:
        InvalidInput: there is no such target.
    """
    if id not in TARGETS:
        raise InvalidInput(unknown("target", id, TARGETS))
    module, _, kind = TARGETS[id].partition(":")
    target: Target = getattr(import_module(module), kind)()
    return target
