"""Writing a file or a folder whole or not at all (standard library only)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from trm_edge.errors import InvalidInput, TrmEdgeError


def check_destination(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that is there already; worth asking before long work, too.

    Raises:
        InvalidInput: ``path`` exists and ``overwrite`` is False, or is no regular file.
    """
    if not os.path.lexists(path):
        return
    if path.exists() and not path.is_file():
        raise InvalidInput(f"{path} is not a file. Choose another name.")
    if not overwrite:
        raise InvalidInput(f"{path} exists. Choose another name, or pass --overwrite.")


@contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Open ``path`` for writing under a temporary name beside it; renamed into place when the ``with`` ends well.

    An exception in the ``with``, Ctrl-C included, leaves nothing behind and an old file as it was.

    Raises:
        InvalidInput: ``path`` exists and ``overwrite`` is False, or is no regular file.
        TrmEdgeError: the system could not write it.
    """
    check_destination(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise TrmEdgeError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # usually it is gone: renamed, or never made
            temporary.unlink()


@contextmanager
def atomic_folder(
    path: Path, *, overwrite: bool = False, replaceable: Callable[[Path], str | None] | None = None
) -> Iterator[Path]:
    """Make a folder under a temporary name beside ``path``; renamed into place when the ``with`` ends well.

    An exception in the ``with``, Ctrl-C included, leaves nothing behind and an old folder as it was.

    Args:
        path: the folder to make.
        overwrite: replace what is there.
        replaceable: says why something that is there must not be replaced, or None if it may be.

    Yields:
        The folder to fill, empty.

    Raises:
        InvalidInput: ``path`` exists and may not be replaced.
    """
    if os.path.lexists(path):
        if not overwrite:
            raise InvalidInput(f"{path} exists. Choose another name, or pass --overwrite.")
        reason = replaceable(path) if replaceable else None
        if reason:
            raise InvalidInput(f"{path} is not overwritten: {reason}. Choose another name, or remove it yourself.")
    from shutil import rmtree  # here: programs that only ask for help need not load it

    beside = path.absolute().parent
    fresh, aside = (beside / f".{path.name}.{os.urandom(4).hex()}.tmp" for _ in range(2))
    beside.mkdir(parents=True, exist_ok=True)
    fresh.mkdir()
    try:
        yield fresh
        if os.path.lexists(path):
            os.rename(path, aside)
        try:
            os.rename(fresh, path)
        except BaseException:
            if os.path.lexists(aside):
                os.rename(aside, path)
            raise
        rmtree(aside, ignore_errors=True)
    finally:
        rmtree(fresh, ignore_errors=True)
