"""Writing a bundle, whole or not at all.

Knows temporary files, flushing and renaming; whatever it writes, :mod:`trm_edge.bundle.reader` accepts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from trm_edge.bundle.fields import parse_json
from trm_edge.bundle.manifest import (
    GOLDEN,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_FILES,
    FileEntry,
    Manifest,
    dump_document,
    unsafe_name,
)
from trm_edge.bundle.reader import (
    MAX_GOLDEN_BYTES,
    copy_hashing,
    manifest_text,
    os_errors,
    read_bundle,
    read_manifest,
    strangers,
)
from trm_edge.errors import InvalidBundle, InvalidInput


def write_bundle(
    dest: Path | str, manifest: Manifest, files: Mapping[str, bytes | Path], *, overwrite: bool = False
) -> Path:
    """Write a bundle, whole or not at all.

    It is built in a hidden folder beside ``dest``, flushed to disk and renamed into place. Whatever goes wrong
    before that, Ctrl-C and a full disk included, leaves ``dest`` as it was.

    Args:
        dest: the folder to make, or the archive if it ends in ``.zip``.
        manifest: everything but ``files``, which is filled in here.
        files: contents or source path of every file, by name; must hold ``manifest.model_file``.
        overwrite: replace a bundle that is there already. Anything else is never replaced.

    Returns:
        ``dest``.

    Raises:
        InvalidInput: ``dest`` exists (and is no bundle, or ``overwrite`` is False).
        InvalidBundle: a file that may not be in a bundle, or too large.
        TrmEdgeError: the system could not write it.
    """
    from trm_edge.bundle.archive import pack

    dest = Path(dest)
    for name in files:
        reason = unsafe_name(name)
        if reason is not None:
            raise InvalidBundle(f"unsafe file name {name!r}: {reason}")
    if len(files) > MAX_FILES:
        raise InvalidBundle(f"{len(files)} files given, at most {MAX_FILES} are allowed")
    with os_errors("write", dest):
        _check_destination(dest, overwrite=overwrite)
        dest.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(dest) as folder:
            folder.mkdir()
            entries = {name: _store(folder / name, content) for name, content in sorted(files.items())}
            complete = replace(manifest, files=entries)
            text = complete.to_json()
            Manifest.from_json(text)  # what we write, we must be able to read
            _store(folder / MANIFEST, text.encode())
            _sync_folder(folder)
            if dest.suffix.lower() != ".zip":
                _swap(folder, dest)
            else:
                with _scratch(dest) as packed:
                    pack(folder, packed)
                    _swap(packed, dest)
    return dest


def update_manifest(path: Path | str, **changes: Any) -> Manifest:
    """Rewrite the manifest of a bundle atomically, for instance to record ``parity`` or ``latency``.

    Fields a newer writer may have added are kept. ``files`` and ``schema_version`` cannot be changed.

    Returns:
        The new manifest.

    Raises:
        InvalidBundle: no valid bundle, or the changes would make it invalid.
        TrmEdgeError: the system could not write it.
    """
    from trm_edge.bundle.archive import pack

    if changes.keys() & {"files", "schema_version"}:
        raise InvalidInput("update_manifest cannot change 'files' or 'schema_version': write the bundle again")
    path = Path(path)
    with os_errors("update", path), read_bundle(path) as bundle:
        document = parse_json(manifest_text(path), MANIFEST)
        changed = replace(bundle.manifest, **changes).to_dict()
        text = dump_document({**document, **{name: changed[name] for name in changes}})
        manifest = Manifest.from_json(text)
        with _scratch(path) as fresh:
            if path.is_dir():
                _store(fresh, text.encode())
                os.replace(fresh, path / MANIFEST)
                _sync_folder(path)
            else:
                (bundle.folder / MANIFEST).unlink()  # of the unpacked copy
                _store(bundle.folder / MANIFEST, text.encode())
                pack(bundle.folder, fresh)
                os.replace(fresh, path)
                _sync_folder(path.parent)
    return manifest


def _check_destination(dest: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(dest):
        return
    if not overwrite:
        raise InvalidInput(f"'{dest}' exists already: choose another name or ask to overwrite it")
    try:
        manifest = read_manifest(dest)
    except InvalidBundle:
        # overwriting deletes: never delete what is not ours
        raise InvalidInput(f"'{dest}' exists and is not a bundle: remove it yourself or choose another name") from None
    unlisted = strangers(manifest, os.listdir(dest)) if dest.is_dir() else set()
    if unlisted:
        raise InvalidInput(f"'{dest}' also holds {min(unlisted)!r}, which overwriting would delete: move it away")


def _store(path: Path, content: bytes | Path) -> FileEntry:
    """Write one file to the disk itself and return its entry."""
    with (
        BytesIO(content) if isinstance(content, bytes) else open(content, "rb") as source,
        open(path, "xb") as target,
    ):
        digest, size = copy_hashing(source, target, MAX_FILE_BYTES)
        target.flush()
        os.fsync(target.fileno())
    if (path.name == GOLDEN and size > MAX_GOLDEN_BYTES) or size > MAX_FILE_BYTES:
        raise InvalidBundle(f"'{path.name}' is too large for a bundle ({size} bytes)")
    return FileEntry(digest, size)


def _hidden(dest: Path) -> Path:
    return dest.absolute().parent / f".{dest.name}.{os.urandom(4).hex()}.tmp"


@contextmanager
def _scratch(dest: Path) -> Iterator[Path]:
    """A hidden, unused path beside ``dest`` (so that a rename stays on one disk), removed at the end."""
    path = _hidden(dest)
    try:
        yield path
    finally:
        _remove(path)


def _swap(fresh: Path, dest: Path) -> None:
    """Put ``fresh`` in the place of ``dest``; an old ``dest`` comes back if that fails."""
    aside = _hidden(dest)
    try:
        if os.path.lexists(dest):
            os.rename(dest, aside)
        os.rename(fresh, dest)
    except BaseException:
        if os.path.lexists(aside) and not os.path.lexists(dest):
            os.rename(aside, dest)
        raise
    _sync_folder(dest.absolute().parent)
    _remove(aside)


def _remove(path: Path) -> None:
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # Windows has no handle of a folder to flush
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
