"""The NVIDIA GPUs of this machine, as the driver's own ``nvidia-smi`` lists them. Standard library only."""

from __future__ import annotations

import subprocess

_PATIENCE = 20  #: seconds; a driver that has to wake up takes some


def gpus() -> list[str]:
    """Names by CUDA's number: ``["NVIDIA H100 PCIe"]``; none where there is no driver, or it fails."""
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()]
