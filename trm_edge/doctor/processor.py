"""The processor: which instructions it has, and which integer rules of an export they want.

Knows names of features as Linux and macOS tell them; measures nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trm_edge.doctor.finding import Finding, note, ok
from trm_edge.doctor.machine import Machine
from trm_edge.export.precision import INTEGER_RULES

FEATURES = {
    "x86-64": {
        "avx2": "AVX2",
        "avx512_vnni": "AVX512-VNNI",
        "avx_vnni": "AVX-VNNI",
        "amx_int8": "AMX-int8",
        "avx512_bf16": "AVX512-bf16",
        "amx_bf16": "AMX-bf16",
    },
    "arm64": {
        "asimddp": "dotprod",
        "i8mm": "i8mm",
        "bf16": "bf16",
        "sve": "SVE",
        "sme": "SME",
    },
}
"""Features that matter here, by architecture: Linux's name -> the usual one."""

_APPLE = {  # what `sysctl hw.optional` calls them
    "FEAT_DotProd": "asimddp",
    "FEAT_I8MM": "i8mm",
    "FEAT_BF16": "bf16",
    "FEAT_SME": "sme",
    "avx2_0": "avx2",
}
_UNSIGNED_BY_SIGNED = {"avx512_vnni", "avx_vnni", "amx_int8"}
_SIGNED = {"asimddp", "i8mm"}


def features(machine: Machine) -> frozenset[str] | None:
    """Linux's names of all features; None where the system does not tell them."""
    text = machine.text("/proc/cpuinfo")
    if text is not None:
        lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.M)
        # of big and little cores a program may meet either
        return frozenset.intersection(*(frozenset(line.split()) for line in lines)) if lines else None
    if machine.system == "Darwin":
        done = machine.run(["sysctl", "hw.optional"])
        found = re.findall(r"^hw\.optional\.(?:arm\.)?(\w+): 1$", done.out, re.M)
        return frozenset(_APPLE[name] for name in found if name in _APPLE) if done.code == 0 else None
    return None


def recommended(architecture: str, found: frozenset[str] | None) -> str | None:
    """Id of the integer rules (``--optimize-for``) for a processor; None where none was made for it.

    An x86-64 processor without VNNI, or of unknown features, gets the rules that are right on every one.
    """
    if architecture == "arm64":
        return "arm64"
    if architecture == "x86-64":
        return "x86-64" if found and _UNSIGNED_BY_SIGNED & found else "x86-64-avx2"
    return None


def check_processor(machine: Machine) -> Iterator[Finding]:
    """Instructions, and what they mean for quantized bundles."""
    names = FEATURES.get(machine.architecture)
    if names is None:
        yield note("processor", f"{machine.architecture}: targets are made for x86-64 and arm64")
        return
    found = features(machine)
    if found is None:
        yield note("features", f"{machine.architecture}; the system does not tell which instructions it has")
    else:
        has, lacks = ([usual for name, usual in names.items() if (name in found) is wanted] for wanted in (True, False))
        yield ok("features", f"{machine.architecture} with {', '.join(has) or 'none of'}; without {', '.join(lacks)}")
        yield _integers(machine.architecture, found)
    rules = recommended(machine.architecture, found)
    if rules is not None:
        line = f"trm-edge export --precision w8a8 --optimize-for {rules}"
        yield ok("bundles for it", f"{line}: {INTEGER_RULES[rules].note}")


def _integers(architecture: str, found: frozenset[str]) -> Finding:
    """How fast products of bytes can be."""
    if found & (_UNSIGNED_BY_SIGNED if architecture == "x86-64" else _SIGNED):
        return ok("int8", "products of bytes have instructions of their own: w8a8 is likely the fastest")
    return note("int8", "products of bytes have no instructions of their own: w8a8 may be no faster than fp32")
