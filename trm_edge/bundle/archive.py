"""The ``.zip`` form of a bundle.

Knows the traps of archives (paths that escape, links, encryption, bombs, duplicates); hashes are checked by
its caller. Nothing is extracted by name: the caller asks for the names the manifest lists.
"""

from __future__ import annotations

import errno
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from trm_edge.bundle.manifest import MANIFEST, MAX_FILES, is_litter, unsafe_name
from trm_edge.errors import InvalidBundle

_EPOCH = (1980, 1, 1, 0, 0, 0)  #: the oldest date a zip can hold; keeps archives reproducible
_ENCRYPTED = 0x1


class Archive:
    """An open archive whose entries have been checked, by plain file name."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._members = _members(path, archive.infolist())

    def names(self) -> list[str]:
        """File names, ``manifest.json`` included, litter left out."""
        return list(self._members)

    def size(self, name: str) -> int:
        """Bytes of a file, as the archive declares it."""
        return self._member(name).file_size

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Read a file. The caller stops at the size it expects: the declared one may lie."""
        with self._archive.open(self._member(name)) as source:
            yield source

    def _member(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._members[name]
        except KeyError:
            raise InvalidBundle(f"'{self._path}' is not a bundle: it has no {name}") from None


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive for reading.

    Raises:
        InvalidBundle: not a zip, damaged, or unsafe; also for damage met while reading inside the ``with``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield Archive(path, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise InvalidBundle(f"'{path}' is not a readable zip: {error}") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # its directory names a place before the file's beginning
            raise
        raise InvalidBundle(f"'{path}' is not a readable zip: its directory is damaged") from None


def pack(folder: Path, dest: Path) -> None:
    """Write the files of ``folder`` to the archive ``dest``: the same files make the same bytes.

    Stored, not compressed: weights hardly shrink, zlib versions differ in their output, and a browser can read
    it without inflating.
    """
    names = sorted(entry.name for entry in folder.iterdir())
    with open(dest, "xb") as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(names, key=lambda name: name != MANIFEST):  # the manifest first
                info = zipfile.ZipInfo(name, _EPOCH)
                info.create_system = 3  # Unix, wherever it is written
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                info.file_size = (folder / name).stat().st_size
                with open(folder / name, "rb") as source, archive.open(info, "w") as entry:
                    while chunk := source.read(1 << 20):
                        entry.write(chunk)
        target.flush()
        os.fsync(target.fileno())


def _members(path: Path, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Entries by plain name. All may lie in one top folder, as archives made by hand do."""
    infos = [info for info in infos if not info.filename.startswith("__MACOSX/")]
    files = [info for info in infos if not info.filename.endswith("/")]  # is_dir() fails on an empty name
    top = next((info.filename[: -len(MANIFEST)] for info in files if info.filename.endswith("/" + MANIFEST)), "")
    if any(info.filename == MANIFEST for info in files) or top.count("/") != 1 or unsafe_name(top[:-1]):
        top = ""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in files:
        name = info.filename.removeprefix(top)
        if is_litter(name):
            continue
        reason = None if name == MANIFEST else unsafe_name(name)
        if reason is not None:
            raise InvalidBundle(f"'{path}' holds the unsafe name {info.filename!r}: {reason}")
        if name in members:
            raise InvalidBundle(f"'{path}' holds {name!r} twice")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise InvalidBundle(f"{name!r} in '{path}' is not a regular file: links are not allowed in a bundle")
        if info.flag_bits & _ENCRYPTED:
            raise InvalidBundle(f"{name!r} in '{path}' is encrypted: a bundle must not be")
        members[name] = info
    if len(members) > MAX_FILES + 1:
        raise InvalidBundle(f"'{path}' holds {len(members)} files, at most {MAX_FILES + 1} are allowed")
    return members
