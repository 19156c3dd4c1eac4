"""The machine as the checks see it: its files, packages, programs and variables. Tests put another one in its place.

Imports nothing that is heavy: packages are known by their metadata, and what can crash runs in a process of its own.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

MAX_BYTES = 1 << 22  #: read of one file: /proc/cpuinfo of the largest machines is smaller
SECONDS = 120  #: that a program may take
ARCHITECTURES = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Package:
    """An installed distribution.

    Attributes:
        version: of it.
        requires: what it declares to need, in the words of its metadata.
        modules: importable packages that it put in place, of those that are asked for (:data:`WATCHED`).
    """

    version: str
    requires: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Done:
    """How a program ended.

    Attributes:
        code: exit code; negative: the signal that ended it; None: it could not be started, or took too long.
        out: what it printed.
        err: its last line of errors.
    """

    code: int | None
    out: str = ""
    err: str = ""


WATCHED = ("onnxruntime",)  #: modules that several distributions put in the same place


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What checks may ask.

    Attributes:
        system: ``Linux``, ``Darwin``, ``Windows`` ...
        architecture: ``x86-64``, ``arm64``, or the system's own name of another.
        python: version of the interpreter.
        packages: installed distributions by normalised name (``ml-dtypes``).
        variables: environment variables.
        processors: logical processors of the machine.
        allowed: those that this process may run on.
        root: where the file system begins.
        which: finds a program, as :func:`shutil.which` does.
        run: runs a program.
    """

    system: str
    architecture: str
    python: str
    packages: Mapping[str, Package]
    variables: Mapping[str, str] = field(default_factory=dict)
    processors: int = 1
    allowed: int = 1
    root: Path = Path("/")
    which: Callable[[str], str | None] = lambda program: None
    run: Callable[[Sequence[str]], Done] = lambda command: Done(None, err="not run")

    def text(self, path: str) -> str | None:
        """What a file holds; None where it is not there or not for us. ``path`` begins with ``/``."""
        try:
            with open(self._at(path), encoding="utf-8", errors="replace") as file:
                return file.read(MAX_BYTES)
        except OSError:
            return None

    def files(self, pattern: str) -> list[str]:
        """Files and devices of a pattern that begins with ``/``, sorted."""
        return sorted(f"/{path.relative_to(self.root).as_posix()}" for path in self.root.glob(pattern.lstrip("/")))

    def may(self, path: str, mode: int) -> bool:
        """Whether this user may read (``os.R_OK``) or write (``os.W_OK``) a file."""
        return os.access(self._at(path), mode)

    def version(self, package: str) -> str | None:
        """Version of an installed distribution."""
        found = self.packages.get(package)
        return None if found is None else found.version

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def this_machine() -> Machine:
    """The machine that this program runs on."""
    count = os.cpu_count() or 1
    return Machine(
        system=platform.system(),
        architecture=ARCHITECTURES.get(platform.machine().lower(), platform.machine()),
        python=platform.python_version(),
        packages=installed_packages(),
        variables=os.environ,
        processors=count,
        allowed=len(os.sched_getaffinity(0)) if sys.platform == "linux" else count,
        which=shutil.which,
        run=run,
    )


def installed_packages() -> dict[str, Package]:
    """Every distribution that this interpreter can import, by normalised name; of two of one name, the first wins."""
    found: dict[str, Package] = {}
    for one in distributions():
        name = one.metadata["Name"]
        if name:  # a broken installation leaves folders without a name
            found.setdefault(normalised(name), Package(one.version, tuple(one.requires or ()), _modules(one)))
    return found


def normalised(name: str) -> str:
    """A distribution's name as it is compared: ``ml_dtypes`` and ``ML.dtypes`` are ``ml-dtypes``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run(command: Sequence[str]) -> Done:
    """Run a program without a shell, for at most :data:`SECONDS`."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Done(None, err=f"no answer after {SECONDS} s")
    except OSError as error:
        return Done(None, err=error.strerror or str(error))
    said = done.stderr.strip().splitlines()
    return Done(done.returncode, done.stdout, said[-1] if said else "")


def _modules(one: Distribution) -> frozenset[str]:
    if not normalised(one.metadata["Name"]).startswith(WATCHED):  # the list of files is long, and rarely asked for
        return frozenset()
    files = {path.as_posix() for path in one.files or ()}
    return frozenset(module for module in WATCHED if f"{module}/__init__.py" in files)
