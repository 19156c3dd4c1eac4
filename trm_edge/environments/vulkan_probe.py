"""Prints the Vulkan devices that this process sees, as JSON: ``[[name, VkPhysicalDeviceType], ...]``.

A program of its own, run by :mod:`trm_edge.environments.vulkan`: a driver that crashes takes only this process along.
"""

import ctypes
import json
import sys

_LOADERS = {"win32": "vulkan-1.dll", "darwin": "libvulkan.1.dylib"}
_TYPE_AT, _NAME_AT, _NAME_SIZE = 16, 20, 256  #: in VkPhysicalDeviceProperties
_PROPERTIES_SIZE = 4096  #: bytes, more than VkPhysicalDeviceProperties takes


class _InstanceCreateInfo(ctypes.Structure):
    """VkInstanceCreateInfo: no layers, no extensions, Vulkan 1.0."""

    _fields_ = (
        ("structure_type", ctypes.c_int),  # 1
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    )


def devices() -> list[tuple[str, int]]:
    """Name and type of every device; none where Vulkan or its drivers are missing."""
    try:
        vulkan = ctypes.CDLL(_LOADERS.get(sys.platform, "libvulkan.so.1"))
    except OSError:
        return []
    instance = ctypes.c_void_p()
    if vulkan.vkCreateInstance(ctypes.byref(_InstanceCreateInfo(1)), None, ctypes.byref(instance)):
        return []
    count = ctypes.c_uint32()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    handles = (ctypes.c_void_p * count.value)()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    found = []
    for handle in handles[: count.value]:
        properties = ctypes.create_string_buffer(_PROPERTIES_SIZE)
        vulkan.vkGetPhysicalDeviceProperties(ctypes.c_void_p(handle), properties)
        name = properties.raw[_NAME_AT : _NAME_AT + _NAME_SIZE].split(b"\0")[0].decode(errors="replace")
        found.append((name, int.from_bytes(properties.raw[_TYPE_AT:_NAME_AT], sys.byteorder)))
    return found


if __name__ == "__main__":
    print(json.dumps(devices()))
