from __future__ import annotations

from pathlib import Path

import pytest

from trm_edge.environments.nvidia import gpus


def driver(folder: Path, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ('echo "NVIDIA H100 PCIe"; echo "NVIDIA T4"', ["NVIDIA H100 PCIe", "NVIDIA T4"]),
        ('test "$1" = --query-gpu=name && test "$2" = --format=csv,noheader && echo GPU', ["GPU"]),
        ("echo couldn\\'t communicate with the NVIDIA driver; exit 9", []),
        ("exit 0", []),
    ],
)
def test_what_the_driver_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, found: list[str]) -> None:
    driver(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == found


def test_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []
