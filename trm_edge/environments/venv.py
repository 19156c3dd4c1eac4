"""An environment made by the standard library's ``venv`` and filled by pip, with the user's own pip settings."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from trm_edge.environments.base import Environment, Say
from trm_edge.environments.programs import run


@dataclass(frozen=True, kw_only=True)
class VirtualEnvironment(Environment):
    """Python of our own version with other packages."""

    def _fill(self, say: Say) -> None:
        say(f"making {self.folder}")
        run([sys.executable, "-m", "venv", str(self.folder)], "make a virtual environment", say)
        say(f"installing {', '.join(self.requirements)}: about {self.gigabytes:g} GB")
        pip = [*self._interpreter(), "-m", "pip", "install", "--disable-pip-version-check", *self.requirements]
        run(pip, f"install {', '.join(self.requirements)}", say)

    def _interpreter(self) -> list[str]:
        scripts = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        return [str(self.folder / scripts)]
