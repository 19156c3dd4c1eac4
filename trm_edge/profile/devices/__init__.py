"""Devices beside this machine, to measure on: what ``--device`` understands.

A new kind is one file and one line here.
"""

from __future__ import annotations

from trm_edge.errors import InvalidInput, unknown
from trm_edge.profile.devices.base import Device

DEVICES = {
    "ssh": "trm_edge.profile.devices.ssh:SshDevice",
    "adb": "trm_edge.profile.devices.adb:AdbDevice",
}
"""Scheme -> ``module:class``."""

__all__ = ["DEVICES", "Device", "open_device"]


def open_device(spelling: str) -> Device:
    """The device that a text names: ``ssh:HOST``, ``ssh:USER@HOST:PORT``, ``adb:SERIAL`` or ``adb:``.

    Nothing is connected to yet.

    Raises:
        InvalidInput: no such scheme, or not an address of it.
    """
    from importlib import import_module

    scheme, colon, address = spelling.partition(":")
    if scheme not in DEVICES or not colon:
        raise InvalidInput(f"{unknown('device', scheme, DEVICES)} Write ssh:HOST, ssh:USER@HOST:PORT or adb:SERIAL.")
    module, _, kind = DEVICES[scheme].partition(":")
    device: Device = getattr(import_module(module), kind)(address)
    return device
