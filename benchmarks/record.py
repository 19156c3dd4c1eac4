"""Where results go, and what machine and versions they were measured with."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
PACKAGES = ("trm-edge", "torch", "onnx", "onnxruntime", "onnxruntime-qnn", "openvino", "executorch", "numpy", "numba")


def machine() -> dict[str, Any]:
    """Processor, cores and system, without anything that names the computer."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(named.get("flags", "").split())
    return {
        "processor": named.get("model name", model),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "features": sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"}),
        "system": platform.system(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def document(name: str, settings: dict[str, Any], results: Any) -> dict[str, Any]:
    """``results`` with the machine, the versions and the date."""
    return {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(),
        "settings": settings,
        "results": results,
    }


def write(path: Path, content: Any) -> Path:
    """Write JSON for people to read."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def save(name: str, settings: dict[str, Any], results: Any) -> Path:
    """Write a benchmark's document into the folder of results."""
    return write(RESULTS / f"{name}.json", document(name, settings, results))
