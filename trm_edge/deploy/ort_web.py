"""ONNX Runtime for browsers: the files of npm's package ``onnxruntime-web`` that the page loads.

They are not a part of trm-edge (tens of megabytes). Looked for in a folder that is named, beside the page where ``npm
ci`` put them, and in the user's cache, which npm fills once; npm checks them against the hashes of package-lock.json.
``vendor.json`` of the page says which files, ``package.json`` which version. Knows nothing of bundles.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trm_edge.atomic import atomic_folder
from trm_edge.bundle.fields import Fields, parse_json
from trm_edge.bundle.manifest import unsafe_name
from trm_edge.bundle.reader import os_errors
from trm_edge.environments.base import cache_folder
from trm_edge.environments.programs import run
from trm_edge.errors import InvalidInput, MissingDependency

PACKAGE = "onnxruntime-web"

_NPM_FILES = ("package.json", "package-lock.json")
_BANNER = re.compile(r"ONNX Runtime Web v(\S+)")  # in the first lines of each of its modules, but for the wasm's own
_BANNER_BYTES = 300


@dataclass(frozen=True)
class Wanted:
    """What the page asks for: a version, and files of it by name."""

    version: str
    files: tuple[str, ...]


def wanted(page: Path) -> Wanted:
    """Read ``package.json`` and ``vendor.json``."""
    package = _fields(page / "package.json").child("dependencies").text(PACKAGE)
    listing = _fields(page / "vendor.json")
    files = listing.array(PACKAGE)
    if not files or not all(isinstance(name, str) and not unsafe_name(name) for name in files):
        listing.refuse(PACKAGE, "an array of plain file names")
    return Wanted(package, tuple(files))


def find(page: Path, folder: Path | None, say: Callable[[str], None] = lambda line: None) -> dict[str, Path]:
    """The files by name; fetches them where they are nowhere to be found.

    Args:
        page: folder of the page's sources.
        folder: a folder that has them, for instance ``dist`` of the package; None: look for them.
        say: hears what npm says.

    Raises:
        InvalidInput: ``folder`` does not have them, or has another version.
        MissingDependency: they are nowhere, and there is no npm to fetch them with.
        TrmEdgeError: npm could not fetch them.
    """
    want = wanted(page)
    if folder is not None:
        place = folder / "dist" if (folder / "dist").is_dir() else folder
        reason = _unfit(place, want)
        if reason is not None:
            raise InvalidInput(f"--ort {folder} {reason}. The page needs {PACKAGE} {want.version}, its folder 'dist'")
    else:
        place = page / "node_modules" / PACKAGE / "dist"
        if _unfit(place, want) is not None:
            place = cache_folder() / "web" / f"{PACKAGE}-{want.version}"
            if _unfit(place, want) is not None:
                _fetch(page, want, place, say)
    return {name: place / name for name in want.files}


def _unfit(place: Path, want: Wanted) -> str | None:
    """Why the files of a folder are not those that are wanted, or None."""
    missing = next((name for name in want.files if not (place / name).is_file()), None)
    if missing is not None:
        return f"has no {missing}"
    versions = {version for name in want.files if (version := _version(place / name)) is not None}
    if versions != {want.version}:
        return f"holds version {', '.join(sorted(versions)) or 'unknown'}"
    return None


def _version(path: Path) -> str | None:
    """What a module says of itself; None where it says nothing."""
    if path.suffix != ".mjs":
        return None
    with os_errors("read", path), open(path, "rb") as file:
        found = _BANNER.search(file.read(_BANNER_BYTES).decode(errors="replace"))
    return None if found is None else found[1]


def _fetch(page: Path, want: Wanted, place: Path, say: Callable[[str], None]) -> None:
    """Have npm install the package for a moment, and keep the files that are wanted."""
    npm = shutil.which("npm")
    if npm is None:
        raise MissingDependency(
            f"{PACKAGE} {want.version} is not here, and npm, which fetches it, is not installed. Install Node.js "
            "(Debian: apt install npm), or name a folder that has it with --ort DIR"
        )
    with tempfile.TemporaryDirectory(prefix="trm-edge-") as scratch:
        for name in _NPM_FILES:
            shutil.copy(page / name, scratch)
        say(f"npm fetches {PACKAGE} {want.version}, once")
        quiet = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command = [npm, "ci", "--prefix", scratch, *quiet]
        run(command, f"fetch {PACKAGE} {want.version} with npm", lambda line: say(line) if line else None)
        fetched = Path(scratch, "node_modules", PACKAGE, "dist")
        reason = _unfit(fetched, want)
        if reason is not None:
            raise InvalidInput(f"The package {PACKAGE} that npm fetched {reason}: trm-edge was put together wrongly")
        with os_errors("write", place), atomic_folder(place, overwrite=True) as fresh:
            for name in want.files:
                shutil.copy(fetched / name, fresh)


def _fields(path: Path) -> Fields:
    with os_errors("read", path):
        text = path.read_text(encoding="utf-8")
    return Fields(parse_json(text, str(path)), str(path))
