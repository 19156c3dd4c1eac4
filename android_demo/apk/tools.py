"""Where Android's build tools are: installed, in an SDK, or Debian's packages unpacked without root.

Knows no app. ``python android_demo/apk/tools.py`` fetches what is missing and prints where each tool is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HOME = Path(__file__).parents[1]
UNPACKED = HOME / "target" / "tools"
PACKAGES = ("aapt", "apksigner", "dexdump", "zipalign")
TOOLS = ("aapt", "aapt2", "apksigner", "dexdump", "zipalign")


class BuildError(Exception):
    """Something that a person can mend, in one line."""


class Tools:
    """Android's tools, found once.

    Raises:
        BuildError: a tool is neither installed nor to be had.
    """

    def __init__(self) -> None:
        self._at = {name: _find(name) for name in TOOLS}
        if not all(self._at.values()):
            _unpack()
            self._at = {name: _find(name) for name in TOOLS}
        missing = [name for name, path in self._at.items() if path is None]
        if missing:
            raise BuildError(f"Android's {', '.join(missing)}: not found; {_ADVICE}")
        root = UNPACKED / "usr"
        folders = [path for path in (root / "lib").glob("**") if path.is_dir()] if root.is_dir() else []
        self._libraries = os.pathsep.join(str(path) for path in folders)

    def path(self, name: str) -> Path:
        """Where a tool lies."""
        path = self._at[name]
        assert path is not None, "checked when the tools were looked for"
        return path

    def run(self, name: str, *arguments: str | Path) -> str:
        """What a tool prints.

        Raises:
            BuildError: it failed; with its own words.
        """
        path = self.path(name)
        command = [str(path)] if path.suffix != ".jar" else [java(), "-jar", str(path)]
        return run([*command, *map(str, arguments)], libraries=self._libraries if UNPACKED in path.parents else "")


def run(command: Sequence[str], *, libraries: str = "") -> str:
    """Run a command; what it printed.

    Raises:
        BuildError: it failed; with the last lines of what it said.
    """
    environment = dict(os.environ)
    if libraries:
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [libraries, os.environ.get("LD_LIBRARY_PATH")]))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = "\n".join((done.stderr + done.stdout).strip().splitlines()[-15:])
        raise BuildError(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{said}")
    return done.stdout


def java() -> str:
    """Java's launcher.

    Raises:
        BuildError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if found is None:
        raise BuildError("java: not found; install a JDK of version 17 or newer, for example openjdk-17-jdk-headless")
    return found


_ADVICE = (
    f"install the packages {' '.join(PACKAGES)} (Debian, Ubuntu), or Android's SDK build tools and set ANDROID_HOME"
)


def _find(name: str) -> Path | None:
    """A tool on the path, in the newest SDK, or among what was unpacked."""
    installed = shutil.which(name)
    if installed:
        return Path(installed)
    sdk = os.environ.get("ANDROID_HOME") or os.environ.get("ANDROID_SDK_ROOT")
    newest = sorted(Path(sdk).glob(f"build-tools/*/{name}"), key=_version) if sdk else []
    unpacked = [UNPACKED / "usr" / "share" / "java" / f"{name}.jar", UNPACKED / "usr" / "bin" / name]
    return next((path for path in [*reversed(newest), *unpacked] if path.is_file()), None)


def _version(tool: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", tool.parent.name)]


def _unpack() -> None:
    """Fetch the packages that are not installed (7 MB) and unpack them; complete, or not there."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise BuildError(f"Android's build tools: not found; {_ADVICE}")
    print("Fetching Android's build tools from the system's package sources (7 MB) ...", file=sys.stderr)
    unfetched = BuildError(f"Android's build tools could not be fetched; run apt-get update, or {_ADVICE}")
    asking = ["apt-get", "install", "--print-uris", "-qq", "-y", "--no-install-recommends"]
    try:
        wanted = run([*asking, "-o", "Debug::NoLocking=1", *PACKAGES])
    except BuildError:  # the system has no lists of packages, or not these
        raise unfetched from None
    names = [name for name in re.findall(r"^'[^']*' ([^_]+)_", wanted, re.MULTILINE) if not _java_itself(name)]
    UNPACKED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as temporary:
        folder, root = Path(temporary), Path(temporary) / "root"
        subprocess.run(["apt-get", "download", "-qq", *names], cwd=folder, check=False, capture_output=True)
        packages = sorted(folder.glob("*.deb"))
        if len(packages) < len(names):
            raise unfetched
        for package in packages:
            run(["dpkg-deb", "-x", str(package), str(root)])
        shutil.rmtree(UNPACKED, ignore_errors=True)
        root.rename(UNPACKED)


def _java_itself(package: str) -> bool:
    return package in ("java-common", "ca-certificates-java") or "-jre" in package or "-jdk" in package


if __name__ == "__main__":
    try:
        tools = Tools()
    except BuildError as error:
        sys.exit(f"Error: {error}")
    for tool in TOOLS:
        print(tool, tools.path(tool))
