"""Versions that are known to work together, as data; a release that was tried is one changed row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A package that trm-edge uses.

    Attributes:
        package: normalised name of the distribution.
        least: the oldest version that may work; the extra in ``pyproject.toml`` says the same.
        tried: the series that the tests ran with.
        extra: what installs it; empty: trm-edge itself.
        purpose: what it is for.
    """

    package: str
    least: str
    tried: str
    extra: str
    purpose: str

    @property
    def install(self) -> str:
        """The line that installs it, or brings it up to date."""
        return f"pip install --upgrade 'trm-edge{f'[{self.extra}]' if self.extra else ''}'"


LEAST_PYTHON, TRIED_PYTHON = "3.11", ("3.11",)

PACKAGES = (
    Known("numpy", "2.0", "2.4", "", "everything"),
    Known("onnxruntime", "1.23", "1.32", "onnx", "running ONNX bundles"),
    Known("torch", "2.8", "2.13", "torch", "the float model, training, export"),
    Known("safetensors", "0.5", "0.8", "torch", "reading checkpoints"),
    Known("onnx", "1.18", "1.23", "export", "writing ONNX bundles"),
    Known("executorch", "1.5", "1.5", "executorch", "writing and running ExecuTorch programs"),
)


@dataclass(frozen=True)
class Pair:
    """Two packages of which one wants certain releases of the other without its metadata saying so.

    Attributes:
        package: normalised name.
        series: releases of it that this row is about.
        other: the package that it wants.
        least: the oldest release of that which it takes; empty: not known.
        tried: the series that was tried beside it.
        why: what the two have to do with each other.
    """

    package: str
    series: str
    other: str
    least: str
    tried: str
    why: str


PAIRS = (
    Pair("executorch", "1.5", "torch", "", "2.13", "its libraries are built against one release"),
    Pair("torchao", "0.18", "torch", "2.11", "2.13", "it leaves its own kernels out beside an older one"),
)


@dataclass(frozen=True)
class Conflict:
    """Packages that cannot live in one environment.

    Attributes:
        packages: normalised names; all of them installed is the conflict.
        why: what goes wrong.
        mend: the line that parts them.
    """

    packages: tuple[str, ...]
    why: str
    mend: str


CONFLICTS = (
    Conflict(
        ("ethos-u-vela", "onnx"),
        "ExecuTorch's Ethos-U back-end pins ml_dtypes 0.5.1, and onnx from 1.20 on needs 0.5.4: one of them is broken",
        "pip uninstall ethos-u-vela tosa-tools && pip install 'ml_dtypes>=0.5.4' && trm-edge targets install ethos-u",
    ),
)


def numbers(version: str) -> tuple[int, ...]:
    """The leading whole numbers of a version: ``2.13.0+cpu`` is (2, 13, 0), ``1.5.0rc1`` is (1, 5)."""
    found: list[int] = []
    for part in version.partition("+")[0].split("."):
        if not (part.isascii() and part.isdigit()):
            break
        found.append(int(part))
    return tuple(found)


def at_least(version: str, least: str) -> bool:
    """Whether a version is not older than another."""
    return numbers(version) >= numbers(least)


def in_series(version: str, series: str) -> bool:
    """Whether a version begins with the numbers of a series: 2.13.1 is of 2.13, 2.1 is not."""
    wanted = numbers(series)
    return numbers(version)[: len(wanted)] == wanted
