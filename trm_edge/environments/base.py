"""What an environment of its own is: another interpreter, with packages that ours cannot hold, that runs our code.

Knows where it lies, whether it is complete, and how a program is started in it; how it is filled is its kind's
business. Standard library, and ``platformdirs`` for the user's cache folder.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trm_edge.atomic import atomic_file
from trm_edge.errors import MissingDependency, TrmEdgeError

Say = Callable[[str], None]  #: hears what is being done, a line at a time

CACHE_VARIABLE = "TRM_EDGE_CACHE"  #: a folder to use instead of the user's cache
CURRENT_VARIABLE = "TRM_EDGE_ENVIRONMENT"  #: tells a program which environment it was started in
_COMPLETE = "installed.json"  #: written last
_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, kw_only=True)
class Environment(ABC):
    """Another interpreter.

    Attributes:
        name: in the table of :mod:`trm_edge.environments`.
        purpose: what it is for, and why it cannot be ours.
        requirements: what is installed in it, in pip's words.
        gigabytes: about what it takes on disk.
    """

    name: str
    purpose: str
    requirements: tuple[str, ...]
    gigabytes: float

    @property
    def folder(self) -> Path:
        """Where it lies, or would lie."""
        return cache_folder() / "environments" / self.name

    @property
    def current(self) -> bool:
        """Whether this very program runs in it."""
        return os.environ.get(CURRENT_VARIABLE) == self.name

    def installed(self) -> bool:
        """Whether it is there, complete, and what today's requirements ask for."""
        try:
            found = json.loads((self.folder / _COMPLETE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return bool(found == self._fingerprint())

    def install_line(self) -> str:
        """The command that makes it."""
        return f"trm-edge targets install {self.name}"

    def install(self, say: Say = lambda line: None) -> None:
        """Make it anew. What was there under its name goes first, so that half of one never passes for a whole one.

        Raises:
            TrmEdgeError: it could not be made; says why.
        """
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise TrmEdgeError(f"Cannot make {self.folder}: {error.strerror or error}.") from error
        self._fill(say)
        with atomic_file(self.folder / _COMPLETE) as file:
            file.write(json.dumps(self._fingerprint()).encode())

    def remove(self) -> bool:
        """Delete it; False if there was nothing."""
        found = self.folder.is_dir()
        shutil.rmtree(self.folder, ignore_errors=True)
        return found

    def command(self, module: str, *arguments: str) -> list[str]:
        """What starts one of our modules in it: ``python -m module arguments``.

        Our package is handed over by its place, not by a search path, so that nothing else of ours gets in.

        Raises:
            MissingDependency: it has not been made.
        """
        if not self.installed():
            raise MissingDependency(
                f"The environment '{self.name}' is not installed. Make it with: {self.install_line()}"
            )
        return [*self._interpreter(), "-P", str(_CHILD), module, *arguments]

    def variables(self) -> dict[str, str]:
        """The whole set of environment variables for such a program."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        return {**kept, CURRENT_VARIABLE: self.name, **self._variables()}

    # -- for kinds of environments ------------------------------------------------------------
    @abstractmethod
    def _fill(self, say: Say) -> None:
        """Make it in :attr:`folder`, which is there and empty."""

    @abstractmethod
    def _interpreter(self) -> list[str]:
        """What starts its Python."""

    def _variables(self) -> dict[str, str]:
        """Environment variables that it needs besides ours."""
        return {}

    def _fingerprint(self) -> dict[str, Any]:
        """What must be equal for an old one to be still good."""
        return {**asdict(self), "requirements": list(self.requirements), "python": list(sys.version_info[:2])}


def cache_folder() -> Path:
    """The user's cache folder for trm-edge, or what the variable ``TRM_EDGE_CACHE`` names."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_cache_path  # not there, and not needed, in a worker's interpreter

    return user_cache_path("trm-edge", appauthor=False)
