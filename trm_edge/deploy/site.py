"""The web app as a table of paths: what `trm-edge deploy web` writes, and `trm-edge serve` answers from.

Nothing outside the table can be asked for. Knows where the page's files lie and what a browser runs; not how files are
written or sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trm_edge.bundle import Bundle, Manifest
from trm_edge.bundle.reader import os_errors
from trm_edge.deploy.placing import INDEX, Entry, entry, files_of, folder_names, index_text
from trm_edge.errors import InvalidInput, Refused
from trm_edge.specs import Format

PAGE = Path(__file__).parents[1] / "web_demo"
"""The page's sources; a symlink in a checkout."""

FILES = "files.json"
BROWSER_TARGETS = ("cpu", "webgpu")

_SUFFIXES = {".css", ".html", ".js", ".mjs", ".png", ".svg", ".webmanifest"}
_NOT_THE_PAGE = {"bundles", "node_modules", "scripts", "test", "tests", "vendor"}  # folders of developers, and ours


@dataclass(frozen=True)
class File:
    """One file of the site.

    Attributes:
        sha256: of its content, hexadecimal.
        size: bytes.
        source: where it lies; None: ``content`` is it.
        content: of a file that is made, not copied.
        stamp: time of the source's last change, by which it is known to be still the same.
    """

    sha256: str
    size: int
    source: Path | None = None
    content: bytes = b""
    stamp: int = 0


Site = Mapping[str, File]
"""Path, with ``/`` and without a leading one -> file."""


def refusal(manifest: Manifest) -> str | None:
    """Why a browser cannot run a bundle and what to export instead, or None."""
    if manifest.format is not Format.ONNX:
        return (
            f"{manifest.name} holds an {manifest.format} program, a browser runs onnx graphs: export the model again "
            "without --format"
        )
    if manifest.target not in BROWSER_TARGETS:
        return (
            f"{manifest.name} was made for {manifest.target}, a browser runs what was made for "
            f"{' or '.join(BROWSER_TARGETS)}: export the model again with --target cpu"
        )
    return None


def build_site(bundles: Sequence[Bundle], vendor: Mapping[str, Path], *, page: Path = PAGE) -> dict[str, File]:
    """Put page, runtime and bundles together; every file is hashed.

    Args:
        bundles: open ones, the first is what the page opens first.
        vendor: files of ONNX Runtime by name, see :mod:`trm_edge.deploy.ort_web`.
        page: folder of the page's sources.

    Raises:
        Refused: a browser cannot run one of the bundles.
        InvalidInput: there is no page.
        TrmEdgeError: a file cannot be read.
    """
    for bundle in bundles:
        reason = refusal(bundle.manifest)
        if reason is not None:
            raise Refused(reason)
    site = {name: _file(page / name) for name in page_files(page)}
    site |= {f"vendor/{name}": _file(path) for name, path in vendor.items()}
    entries: list[Entry] = []
    for bundle, folder in zip(bundles, folder_names(bundles), strict=True):
        entries.append(entry(bundle, folder))
        site |= {f"bundles/{folder}/{name}": _file(bundle.folder / name) for name in files_of(bundle.manifest)}
    site[f"bundles/{INDEX}"] = _made(index_text(entries))
    site[FILES] = _made(_listing(site))
    return site


def total_bytes(site: Site) -> int:
    """Of all files."""
    return sum(file.size for file in site.values())


def page_files(page: Path) -> list[str]:
    """Paths of the files that make the page; what only its developers need is left out.

    Raises:
        InvalidInput: there is no page.
    """
    if not (page / "index.html").is_file():
        raise InvalidInput(f"There is no page at {page}: install trm-edge again, or check the sources out again")
    return [path.relative_to(page).as_posix() for path in _walk(page)]


def _walk(folder: Path, depth: int = 0) -> Iterable[Path]:
    """What developers need lies at the top, is hidden, or is of another kind."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")) or path.is_symlink() or (depth == 0 and path.name in _NOT_THE_PAGE):
            continue
        if path.is_dir():
            yield from _walk(path, depth + 1)
        elif path.suffix in _SUFFIXES and not path.stem.endswith((".config", ".test")):
            yield path


def _file(path: Path) -> File:
    with os_errors("read", path), open(path, "rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        found = path.stat()
    return File(digest, found.st_size, path, stamp=found.st_mtime_ns)


def _made(text: str) -> File:
    content = text.encode()
    return File(hashlib.sha256(content).hexdigest(), len(content), content=content)


def _listing(site: Site) -> str:
    """``files.json``: what the service worker keeps the page by."""
    lines = "".join(f"{site[path].sha256}  {path}\n" for path in sorted(site))
    files = {path: {"sha256": site[path].sha256, "bytes": site[path].size} for path in sorted(site)}
    return json.dumps({"version": hashlib.sha256(lines.encode()).hexdigest(), "files": files}, indent=1) + "\n"
