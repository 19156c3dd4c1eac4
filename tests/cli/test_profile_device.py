"""``trm-edge profile --device``: what it refuses before anything is connected to."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--device", "board"], "Unknown device 'board'. Allowed: ssh, adb. Write ssh:HOST"),
        (["--device", "ssh:-v"], "'ssh:-v' is not an address"),
        (["--runner", "trm-edge-run"], "name it with --device"),
        (["--device-python", "python3"], "name it with --device"),
        (["--device", "ssh:h", "--device-python", "python3", "--runner", "r"], "give one of them"),
        (["--device", "ssh:h", "--baseline", "b"], "--compare-to"),
        (["--device", "adb:", "--runner", "r"], "holds onnx"),
    ],
)
def test_refusals(cli: Any, scripted: Any, options: list[str], reason: str) -> None:
    cli("profile", scripted().path, *options).refused(reason)


def test_a_device_needs_something_to_measure(cli: Any) -> None:
    cli("profile", "--device", "ssh:h").refused("name a bundle to profile")
