"""Bundles in the assets of the Android app, which Gradle or `make apk` pack into the APK.

Knows where the app keeps them and what its engines run. Each step leaves a list that is true: a bundle is put in place
by a rename before it is listed, and taken off the list before it is removed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trm_edge.atomic import atomic_file, atomic_folder
from trm_edge.bundle import Manifest, read_manifest
from trm_edge.bundle.reader import os_errors
from trm_edge.deploy.placing import INDEX, Entry, copy_bundle, entry, folder_names, index_text, opened, read_index
from trm_edge.errors import InvalidBundle, InvalidInput, Refused

PACKAGE = "edge.trm.app"
ASSETS = Path("app", "src", "main", "assets", "bundles")
APP_TARGETS = ("cpu", "android", "qualcomm-npu")
LARGE = 100 << 20  #: bytes of bundles above which an APK is too large for many ways to hand it on

_MANIFEST = Path("app", "src", "main", "AndroidManifest.xml")
_MAX_MANIFEST_BYTES = 1 << 20


@dataclass(frozen=True)
class Placed:
    """What lies in the app now.

    Attributes:
        folder: where.
        entries: everything that is listed, in order.
    """

    folder: Path
    entries: Sequence[Entry]

    @property
    def bytes(self) -> int:
        """Of all bundles together."""
        return sum(one.bytes for one in self.entries)


def refusal(manifest: Manifest) -> str | None:
    """Why the app's engines cannot run a bundle and what to export instead, or None."""
    if manifest.target in APP_TARGETS:
        return None
    return (
        f"{manifest.name} was made for {manifest.target}, the Android app runs what was made for "
        f"{', '.join(APP_TARGETS[:-1])} or {APP_TARGETS[-1]}: export the model again with --target android"
    )


def check_bundles(manifests: Iterable[Manifest]) -> None:
    """Refuse what the app cannot run.

    Raises:
        Refused: one of them; the first is named.
    """
    for manifest in manifests:
        reason = refusal(manifest)
        if reason is not None:
            raise Refused(reason)


def place(bundles: Sequence[Path], app: Path, *, overwrite: bool = False) -> Placed:
    """Put bundles into the app's assets and list them. All are checked before the first is written.

    Args:
        bundles: folders or archives.
        app: the app's project, ``android_demo``.
        overwrite: replace bundles of the same name.

    Raises:
        InvalidInput: ``app`` is not the app; a bundle of that name is there already; a damaged one.
        Refused: the app's engines cannot run one of the bundles.
        TrmEdgeError: a file could not be read or written.
    """
    folder = _assets(app)
    with opened(bundles) as found, os_errors("write", folder):
        check_bundles(bundle.manifest for bundle in found)
        names = folder_names(found)
        listed = {one.path: one for one in read_index(folder) if (folder / one.path).is_dir()}
        for name in names:
            if os.path.lexists(folder / name) and not overwrite:
                raise InvalidInput(f"{folder / name} exists. Pass --overwrite, or take it out with --remove {name}.")
        for bundle, name in zip(found, names, strict=True):
            with atomic_folder(folder / name, overwrite=overwrite, replaceable=_not_a_bundle) as fresh:
                copy_bundle(bundle, fresh)
            listed[name] = entry(bundle, name)
            _write_index(folder, listed.values())
    return Placed(folder, list(listed.values()))


def remove(name: str, app: Path) -> Placed:
    """Take a bundle out of the app's assets.

    Args:
        name: its name or its folder.
        app: the app's project.

    Raises:
        InvalidInput: ``app`` is not the app, or holds no such bundle; names those it holds.
    """
    folder = _assets(app)
    listed = read_index(folder)
    gone = [one for one in listed if name in (one.path, one.name)][:1]
    if not gone:
        there = ", ".join(one.path for one in listed) or "none"
        raise InvalidInput(f"There is no bundle '{name}' in {folder}. There are: {there}.")
    kept = [one for one in listed if one not in gone]
    with os_errors("write", folder):
        _write_index(folder, kept)
        if os.path.lexists(folder / gone[0].path):
            shutil.rmtree(folder / gone[0].path)
    return Placed(folder, kept)


def _assets(app: Path) -> Path:
    """Where the app keeps its bundles."""
    try:
        with open(app / _MANIFEST, "rb") as file:
            ours = PACKAGE.encode() in file.read(_MAX_MANIFEST_BYTES)
    except OSError:
        ours = False
    if not ours:
        raise InvalidInput(
            f"'{app}' is not trm-edge's Android app: it has no {_MANIFEST} of {PACKAGE}. Name its folder with --app; "
            "it is android_demo in the sources"
        )
    return app / ASSETS


def _write_index(folder: Path, entries: Iterable[Entry]) -> None:
    with atomic_file(folder / INDEX, overwrite=True) as file:
        file.write(index_text(entries).encode())


def _not_a_bundle(path: Path) -> str | None:
    try:
        read_manifest(path)
    except InvalidBundle:
        return "it is not a bundle"
    return None
