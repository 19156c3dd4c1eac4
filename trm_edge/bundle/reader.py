"""Reading a bundle safely.

Knows files, hashes and caps; what the fields mean is the manifest's business. Files are taken to be
hostile: names stay inside the bundle, sizes are capped before anything is read, every byte is hashed before a
runtime sees it, nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from trm_edge.bundle.golden import GoldenVectors
from trm_edge.bundle.manifest import GOLDEN, MANIFEST, FileEntry, Manifest, is_litter
from trm_edge.errors import InvalidBundle, TrmEdgeError

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

MAX_MANIFEST_BYTES = 4 * 1024**2
MAX_GOLDEN_BYTES = 64 * 1024**2

_CHUNK = 1 << 20


class Bundle:
    """A bundle whose files have been checked. Close it, or use it in a ``with``: an archive is unpacked to
    a temporary folder that lives as long as the bundle is open.

    Attributes:
        path: the folder or archive it was read from.
        manifest: its manifest.
        folder: where its files lie.
    """

    def __init__(
        self, path: Path, manifest: Manifest, folder: Path, unpacked: TemporaryDirectory[str] | None = None
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.folder = folder
        self._unpacked = unpacked

    @property
    def model_path(self) -> Path:
        """The graph."""
        return self.folder / self.manifest.model_file

    def model_bytes(self) -> bytes:
        """The graph's bytes."""
        with os_errors("read", self.model_path):
            data = self.model_path.read_bytes()
        return data

    def golden(self) -> GoldenVectors:
        """The golden vectors.

        Raises:
            InvalidBundle: there are none, or they do not fit the manifest.
        """
        if GOLDEN not in self.manifest.files:
            raise InvalidBundle(f"'{self.path}' holds no {GOLDEN}: export it again with golden vectors")
        vectors = GoldenVectors.from_json(_read_text(self.folder / GOLDEN, MAX_GOLDEN_BYTES))
        vectors.check(self.manifest)
        return vectors

    def close(self) -> None:
        """Remove what was unpacked; does nothing for a folder."""
        if self._unpacked is not None:
            self._unpacked.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_manifest(path: Path | str) -> Manifest:
    """The manifest of a bundle alone, without checking its files.

    Raises:
        InvalidBundle: no bundle, or an invalid manifest.
        TrmEdgeError: the system could not read it.
    """
    path = Path(path)
    with os_errors("read", path):
        text = manifest_text(path)
    return Manifest.from_json(text)


def read_bundle(path: Path | str) -> Bundle:
    """Open a bundle, a folder or a ``.zip``, after checking the size and SHA-256 of every file.

    Raises:
        InvalidBundle: no bundle, damaged, tampered with, unsafe or too new; says which file and why.
        TrmEdgeError: the system could not read it.
    """
    path = Path(path)
    with os_errors("read", path):
        bundle = _read_folder(path) if path.is_dir() else _read_archive(path)
    return bundle


def _read_folder(path: Path) -> Bundle:
    manifest = Manifest.from_json(manifest_text(path))
    _check_listing(path, manifest, os.listdir(path))
    for name, entry in manifest.files.items():
        with _open_regular(path / name) as source:
            _check_size(path, name, entry, os.fstat(source.fileno()).st_size)
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        _check_digest(path, name, entry, digest)
    return Bundle(path, manifest, path)


def _read_archive(path: Path) -> Bundle:
    from tempfile import TemporaryDirectory

    from trm_edge.bundle.archive import open_archive

    text = manifest_text(path)
    manifest = Manifest.from_json(text)
    unpacked = TemporaryDirectory(prefix="trm-edge-", ignore_cleanup_errors=True)
    folder = Path(unpacked.name)
    try:
        (folder / MANIFEST).write_bytes(text.encode())  # whoever is handed the folder finds a bundle in it
        with open_archive(path) as archive:
            _check_listing(path, manifest, archive.names())
            for name, entry in manifest.files.items():
                _check_size(path, name, entry, archive.size(name))
                with archive.open(name) as source, open(folder / name, "xb") as target:
                    digest, size = copy_hashing(source, target, entry.size)
                _check_size(path, name, entry, size)  # the archive's own word may lie
                _check_digest(path, name, entry, digest)
    except BaseException:
        unpacked.cleanup()
        raise
    return Bundle(path, manifest, folder, unpacked)


def manifest_text(path: Path) -> str:
    """The text of a bundle's manifest, size capped, not yet parsed."""
    if path.is_dir():
        if not (path / MANIFEST).exists():
            raise InvalidBundle(f"'{path}' is not a bundle: it has no {MANIFEST}")
        return _read_text(path / MANIFEST, MAX_MANIFEST_BYTES)
    if not path.is_file():
        raise InvalidBundle(f"No bundle at '{path}': expected a folder or a .zip that 'trm-edge export' wrote")

    from trm_edge.bundle.archive import open_archive

    with open_archive(path) as archive, archive.open(MANIFEST) as source:
        data = source.read(MAX_MANIFEST_BYTES + 1)
    return _decode(data, MANIFEST, MAX_MANIFEST_BYTES)


def _check_listing(path: Path, manifest: Manifest, present: list[str]) -> None:
    missing = manifest.files.keys() - set(present)
    if missing:
        raise InvalidBundle(f"'{path}' lacks '{min(missing)}', which its manifest lists: copy the bundle again")
    unlisted = strangers(manifest, present)
    if unlisted:
        raise InvalidBundle(f"'{path}' holds {min(unlisted)!r}, which its manifest does not list: remove it")


def _check_size(path: Path, name: str, entry: FileEntry, size: int) -> None:
    """The size comes first, so that a file of the wrong size is never read to its end."""
    if name == GOLDEN and size > MAX_GOLDEN_BYTES:
        raise InvalidBundle(f"'{name}' in '{path}' is {size} bytes, at most {MAX_GOLDEN_BYTES} are allowed")
    if size != entry.size:
        raise InvalidBundle(
            f"'{name}' in '{path}' is {size} bytes, its manifest says {entry.size}: copy the bundle again"
        )


def _check_digest(path: Path, name: str, entry: FileEntry, digest: str) -> None:
    if digest != entry.sha256:
        raise InvalidBundle(
            f"'{name}' in '{path}' does not match its SHA-256: damaged or changed, copy the bundle again"
        )


def _open_regular(path: Path) -> BufferedReader:
    """Open a file that is neither a link (out of the bundle) nor a device or pipe (which would hang)."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise InvalidBundle(f"'{path}' is not a regular file: links are not allowed in a bundle")
    return open(path, "rb")


def _read_text(path: Path, limit: int) -> str:
    with os_errors("read", path), _open_regular(path) as source:
        data = source.read(limit + 1)
    return _decode(data, path.name, limit)


def _decode(data: bytes, name: str, limit: int) -> str:
    if len(data) > limit:
        raise InvalidBundle(f"'{name}' is larger than {limit} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidBundle(f"'{name}' is not UTF-8 text") from None


def strangers(manifest: Manifest, present: Iterable[str]) -> set[str]:
    """Files that are neither listed, nor the manifest, nor litter."""
    return {name for name in present if not is_litter(name)} - manifest.files.keys() - {MANIFEST}


def copy_hashing(source: IO[bytes], target: IO[bytes], limit: int) -> tuple[str, int]:
    """Copy, hashing on the way; stops just beyond ``limit`` bytes, which the caller then refuses."""
    digest = hashlib.sha256()
    size = 0
    while size <= limit and (chunk := source.read(_CHUNK)):
        digest.update(chunk)
        target.write(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


@contextmanager
def os_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an :class:`OSError` (no permission, disk full, ...) into one line."""
    try:
        yield
    except OSError as error:
        raise TrmEdgeError(f"Cannot {action} '{path}': {error.strerror or error}") from error
