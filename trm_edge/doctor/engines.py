"""The engines: whether they load, which execution providers, devices and back-ends they see, and their telemetry.

Each is loaded in a process of its own (:mod:`trm_edge.doctor.probe`): one that crashes is a finding.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from trm_edge.doctor.finding import Finding, note, ok, problem
from trm_edge.doctor.known import PACKAGES
from trm_edge.doctor.machine import Machine

_INSTALL = {known.package: known.install for known in PACKAGES}


def check_onnxruntime(machine: Machine) -> Iterator[Finding]:
    """ONNX Runtime: providers, devices, plug-ins, telemetry."""
    if not any("onnxruntime" in one.modules for one in machine.packages.values()):
        yield note("onnxruntime", "not installed", _INSTALL["onnxruntime"])
        return
    found = _probe(machine, "onnxruntime")
    if isinstance(found, Finding):
        yield found
        return
    yield ok("providers", f"built in: {', '.join(found['built_in'])}")
    if found["devices"]:
        yield ok("devices", "; ".join(f"{name} on {kind} ({vendor})" for name, kind, vendor in found["devices"]))
    for package, reason in found["failed"].items():
        yield problem(package, f"cannot be registered: {reason}", f"pip install --upgrade {package}")
    if found["telemetry_off"]:
        yield ok("telemetry", "off: trm-edge sets ORT_DISABLE_TELEMETRY=1 before it loads ONNX Runtime")
    else:
        yield problem("telemetry", "not switched off", "export ORT_DISABLE_TELEMETRY=1")


def check_torch(machine: Machine) -> Iterator[Finding]:
    """PyTorch, and the GPUs it can use."""
    if "torch" not in machine.packages:
        return  # the check of packages has said so
    found = _probe(machine, "torch")
    if isinstance(found, Finding):
        yield found
    elif found["gpus"]:
        yield ok("torch", f"loads; computes on {', '.join(found['gpus'])}")
    else:
        yield ok("torch", "loads; computes on the CPU")


def check_executorch(machine: Machine) -> Iterator[Finding]:
    """ExecuTorch's runtime, and the back-ends it was built with."""
    if "executorch" not in machine.packages:
        return
    found = _probe(machine, "executorch")
    if isinstance(found, Finding):
        yield found
    elif "XnnpackBackend" in found["backends"]:
        yield ok("executorch", f"loads; back-ends: {', '.join(found['backends'])}")
    else:
        yield problem("executorch", "loads, but without XNNPACK, which bundles for CPUs need", _INSTALL["executorch"])


def _probe(machine: Machine, name: str) -> dict[str, Any] | Finding:
    """What an engine said of itself, or the finding that it could not be loaded."""
    done = machine.run([sys.executable, "-m", "trm_edge.doctor.probe", name])
    if done.code == 0:
        try:
            answer: dict[str, Any] = json.loads(done.out.splitlines()[-1])
            return answer
        except (ValueError, IndexError):
            return problem(name, "loads, but answers nonsense", _again(name))
    end = f"ended by signal {-done.code}" if done.code is not None and done.code < 0 else done.err or "no reason given"
    return problem(name, f"installed, but it cannot be loaded: {end}", _again(name))


def _again(name: str) -> str:
    return f"pip install --force-reinstall {name}"
