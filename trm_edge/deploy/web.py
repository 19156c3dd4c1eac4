"""The web app as a folder for any static host, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trm_edge.atomic import atomic_folder
from trm_edge.bundle.fields import Fields, parse_json
from trm_edge.bundle.manifest import is_litter
from trm_edge.bundle.reader import copy_hashing, os_errors
from trm_edge.deploy import ort_web
from trm_edge.deploy.headers import HEADERS_FILE, headers_file
from trm_edge.deploy.placing import opened
from trm_edge.deploy.site import FILES, PAGE, File, Site, build_site, total_bytes
from trm_edge.errors import InvalidBundle, InvalidInput


@dataclass(frozen=True)
class Deployed:
    """What was written: number of files, and their bytes together."""

    files: int
    bytes: int


def deploy_web(
    bundles: Sequence[Path],
    out: Path,
    *,
    ort: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
    page: Path = PAGE,
) -> Deployed:
    """Write page, runtime, bundles, ``files.json`` and ``_headers`` to a folder.

    Args:
        bundles: folders or archives, at least one; the page opens the first.
        out: folder to make.
        ort: folder with ONNX Runtime's files; None: see :mod:`trm_edge.deploy.ort_web`.
        overwrite: replace what an earlier call made; nothing else is ever replaced.
        say: hears what is being done.
        page: folder of the page's sources.

    Raises:
        InvalidInput: ``out`` exists (and is no deployed page, or ``overwrite`` is False); damaged bundles.
        Refused: a browser cannot run one of the bundles.
        MissingDependency: ONNX Runtime cannot be fetched.
        TrmEdgeError: a file could not be read or written.
    """
    with (
        os_errors("write", out),
        atomic_folder(out, overwrite=overwrite, replaceable=_not_ours) as fresh,
        opened(bundles) as found,
    ):
        site = build_site(found, ort_web.find(page, ort, say), page=page)
        _write(site, fresh)
        (fresh / HEADERS_FILE).write_text(headers_file(), encoding="utf-8")
    return Deployed(len(site) + 1, total_bytes(site))


def _not_ours(folder: Path) -> str | None:
    """Why a folder may not be replaced: overwriting deletes, and never what somebody else put there."""
    if folder.is_symlink():
        return "it is a link"
    try:
        listing = (folder / FILES).read_text(encoding="utf-8")
        ours = {FILES, HEADERS_FILE, *Fields(parse_json(listing, FILES), FILES).object("files")}
    except (OSError, UnicodeDecodeError, InvalidBundle):
        return "it is not a page that 'trm-edge deploy web' wrote"
    there = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    stranger = next((name for name in sorted(there) if name not in ours and not is_litter(Path(name).name)), None)
    return None if stranger is None else f"it also holds '{stranger}', which would be deleted"


def _write(site: Site, folder: Path) -> None:
    for path, file in site.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if _copy(file, target) != file.sha256:
            raise InvalidInput(f"'{file.source}' changed while it was copied: try again")


def _copy(file: File, target: Path) -> str:
    """SHA-256 of what was written."""
    if file.source is None:
        target.write_bytes(file.content)
        return hashlib.sha256(file.content).hexdigest()
    with open(file.source, "rb") as source, open(target, "xb") as copy:
        digest, _ = copy_hashing(source, copy, file.size)
    return digest
