"""Bundles in a folder beside an ``index.json`` that lists them: what both apps read (docs/apps.md).

Knows names, copies and the list; which bundles an app can run is said by who deploys to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trm_edge.bundle import MANIFEST, Bundle, Manifest, read_bundle
from trm_edge.bundle.fields import Fields, parse_json
from trm_edge.bundle.manifest import unsafe_name
from trm_edge.bundle.reader import copy_hashing, os_errors
from trm_edge.errors import InvalidBundle, InvalidInput, TrmEdgeError

INDEX = "index.json"
MAX_INDEX_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One bundle of a list.

    Attributes:
        name: as its manifest says.
        path: folder beside the list.
        title: for people.
        bytes: of all its files together.
    """

    name: str
    path: str
    title: str
    bytes: int


def entry(bundle: Bundle, path: str) -> Entry:
    """How a bundle is listed, in the folder ``path``."""
    m = bundle.manifest
    size = sum((bundle.folder / name).stat().st_size for name in files_of(m))
    target = "" if m.target == "cpu" else f", for {m.target}"
    return Entry(m.name, path, f"{m.task}, {m.precision}, {m.format} {m.graph}{target}", size)


def files_of(manifest: Manifest) -> list[str]:
    """Files that a bundle is copied with: what its manifest lists, and the manifest itself."""
    return [MANIFEST, *manifest.files]


def folder_name(name: str) -> str:
    """A bundle's name as a safe name of a folder; tools for apps and hosts pass over those that begin with ``_``."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-").rstrip(".")[:100].rstrip(".")
    return "bundle" if unsafe_name(safe) else safe


def folder_names(bundles: Iterable[Bundle]) -> list[str]:
    """A name for each, unlike the others also where case does not count; of equal ones the second gets ``-2`` ..."""
    taken: list[str] = []
    for bundle in bundles:
        usual = free = folder_name(bundle.manifest.name)
        number = 2
        while free.lower() in {name.lower() for name in taken}:
            free, number = f"{usual[:90]}-{number}", number + 1
        taken.append(free)
    return taken


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[list[Bundle]]:
    """Bundles whose files have been checked, open as long as the ``with`` lasts."""
    with ExitStack() as stack:
        yield [stack.enter_context(read_bundle(path)) for path in paths]


def copy_bundle(bundle: Bundle, folder: Path) -> None:
    """Copy a bundle into an empty folder, and check the copy as if somebody else had sent it.

    Raises:
        InvalidBundle: a file changed while it was copied, or was damaged on the way.
        TrmEdgeError: the system could not write it.
    """
    with os_errors("write", folder):
        for name in files_of(bundle.manifest):
            size = (bundle.folder / name).stat().st_size
            with open(bundle.folder / name, "rb") as source, open(folder / name, "xb") as target:
                copy_hashing(source, target, size)
    with read_bundle(folder) as copied:
        if copied.manifest != bundle.manifest:
            raise InvalidBundle(f"'{bundle.path}' changed while it was copied: try again")


def index_text(entries: Iterable[Entry]) -> str:
    """``index.json``, the same bytes for the same list."""
    return json.dumps({"bundles": [asdict(one) for one in entries]}, indent=2) + "\n"


def read_index(folder: Path) -> list[Entry]:
    """The list of a folder, empty where there is none.

    Raises:
        InvalidInput: it is no such list, or leads out of the folder.
        TrmEdgeError: the system could not read it.
    """
    path = folder / INDEX
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_INDEX_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TrmEdgeError(f"Cannot read {path}: {error.strerror or error}") from error
    try:
        if len(data) > MAX_INDEX_BYTES:
            raise InvalidBundle(f"{path} is larger than {MAX_INDEX_BYTES} bytes")
        return [_entry(one) for one in Fields(parse_json(data.decode(), str(path)), str(path)).children("bundles")]
    except (InvalidBundle, UnicodeDecodeError) as error:
        raise InvalidInput(f"{error}. Remove that file, and deploy the bundles again") from None


def _entry(data: Fields) -> Entry:
    path: Any = data.text("path")
    if unsafe_name(path):
        data.refuse("path", "the plain name of a folder")
    return Entry(data.text("name"), path, data.text("title"), data.integer("bytes"))
