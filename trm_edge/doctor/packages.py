"""Python and the packages: what is installed, whether the versions fit each other, and who shadows whom.

Reads metadata only. Whether a package loads is :mod:`trm_edge.doctor.engines`' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from trm_edge.doctor.finding import Finding, note, ok, problem
from trm_edge.doctor.known import (
    CONFLICTS,
    LEAST_PYTHON,
    PACKAGES,
    PAIRS,
    TRIED_PYTHON,
    Known,
    Pair,
    at_least,
    in_series,
)
from trm_edge.doctor.machine import WATCHED, Machine, normalised

REQUIRING = ("torch", "torchao", "executorch", "onnx", "onnxscript", "onnxruntime", "numba", "coremltools", "openvino")
"""Packages whose declared requirements are held against what is installed."""


def check_python(machine: Machine) -> Iterator[Finding]:
    """The interpreter."""
    if not at_least(machine.python, LEAST_PYTHON):
        yield problem("python", f"{machine.python}, and trm-edge needs {LEAST_PYTHON}", "install a newer Python")
    elif any(in_series(machine.python, series) for series in TRIED_PYTHON):
        yield ok("python", machine.python)
    else:
        yield note("python", f"{machine.python}; the tests ran with {', '.join(TRIED_PYTHON)}")


def check_packages(machine: Machine) -> Iterator[Finding]:
    """The packages that trm-edge uses, by :data:`~trm_edge.doctor.known.PACKAGES`."""
    for known in PACKAGES:
        yield _one(known, _providing(machine, known.package))


def check_together(machine: Machine) -> Iterator[Finding]:
    """Whether the versions fit: shadowed packages, declared requirements, pairs and conflicts that are known."""
    found = [*_shadowed(machine), *_requirements(machine), *_pairs(machine), *_conflicts(machine)]
    yield from found or [ok("together", "the installed versions fit each other")]


def _providing(machine: Machine, package: str) -> str | None:
    """Version of a package, or of another distribution that puts the same module in place (onnxruntime-gpu)."""
    others = (one.version for one in machine.packages.values() if package in one.modules)
    return machine.version(package) or next(others, None)


def _one(known: Known, version: str | None) -> Finding:
    if version is None:
        return note(known.package, f"not installed; for {known.purpose}", known.install)
    if not at_least(version, known.least):
        return problem(known.package, f"{version}, and trm-edge needs {known.least} or newer", known.install)
    if in_series(version, known.tried):
        return ok(known.package, version)
    return note(known.package, f"{version}; the tests ran with {known.tried}")


def _shadowed(machine: Machine) -> Iterator[Finding]:
    """Distributions that put their files in the same folder: what is imported is a mixture of them."""
    for module in WATCHED:
        owners = sorted(name for name, one in machine.packages.items() if module in one.modules)
        if len(owners) > 1:
            keep = next(name for name in reversed(owners) if name != module)
            yield problem(
                module,
                f"{' and '.join(owners)} are both installed, in one folder: the last one installed hides the other",
                f"pip uninstall -y {' '.join(owners)} && pip install {keep}",
            )


def _requirements(machine: Machine) -> Iterator[Finding]:
    """What packages declare to need, against what is installed."""
    if find_spec("packaging") is None:
        yield note("requirements", "not compared: that needs the package 'packaging'", "pip install packaging")
        return
    from packaging.requirements import InvalidRequirement, Requirement

    for name in REQUIRING:
        package = machine.packages.get(name)
        for text in () if package is None else package.requires:
            try:
                wanted = Requirement(text)
            except InvalidRequirement:  # some old metadata is not of today's grammar; pip passes over it, too
                continue
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
                continue
            found = machine.version(normalised(wanted.name))
            line = f"pip install '{wanted.name}{wanted.specifier}'"
            if found is None and not _replaced(machine, wanted.name):
                yield problem(name, f"needs {wanted.name}, which is not installed", line)
            elif found is not None and not wanted.specifier.contains(found, prereleases=True):
                yield problem(name, f"needs {wanted.name} {wanted.specifier}, and {found} is installed", line)


def _replaced(machine: Machine, name: str) -> bool:
    return any(name in one.modules for one in machine.packages.values())


def _pairs(machine: Machine) -> Iterator[Finding]:
    for pair in PAIRS:
        version, other = machine.version(pair.package), machine.version(pair.other)
        if version is not None and other is not None and in_series(version, pair.series):
            yield from _pair(pair, version, other)


def _pair(pair: Pair, version: str, other: str) -> Iterator[Finding]:
    both = f"{version} beside {pair.other} {other}"
    line = f"pip install '{pair.other}=={pair.tried}.*'"
    if pair.least and not at_least(other, pair.least):
        yield problem(pair.package, f"{both}: {pair.why}, and it takes {pair.least} or newer", line)
    elif not in_series(other, pair.tried):
        yield note(pair.package, f"{both} has not been tried, {pair.tried} has: {pair.why}", line)


def _conflicts(machine: Machine) -> Iterator[Finding]:
    for conflict in CONFLICTS:
        if all(name in machine.packages for name in conflict.packages):
            yield problem(" and ".join(conflict.packages), conflict.why, conflict.mend)
