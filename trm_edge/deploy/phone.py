"""A bundle in the folder of the installed Android app, by adb: nothing has to be built again.

Knows the app's folder on a device. A bundle is pushed under a name that the app does not look at, its hashes are
worked out there, and only then it is renamed. Has been run against a stand-in for adb, not against a phone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from trm_edge.adb import Adb
from trm_edge.bundle import MANIFEST, Bundle, read_bundle
from trm_edge.deploy.android import PACKAGE, check_bundles
from trm_edge.deploy.placing import files_of, folder_name
from trm_edge.errors import InvalidInput, TrmEdgeError

FILES = f"/sdcard/Android/data/{PACKAGE}/files"
"""The app's folder on shared storage; Android makes it when the app is started for the first time."""

_HASHING = 600.0  #: seconds
# For mksh and toybox. The old bundle comes back if the new one cannot be put in its place.
_SWAP = (
    'mkdir -p "${2%/*}" || exit 1; '
    'if [ -e "$2" ]; then mv "$2" "$3" || exit 1; fi; '
    'mv "$1" "$2" || { [ ! -e "$3" ] || mv "$3" "$2"; exit 1; }; '
    'rm -rf "$3"'
)


def push_bundle(
    path: Path, adb: Adb, *, overwrite: bool = False, say: Callable[[str], None] = lambda line: None
) -> str:
    """Push a bundle to the app on a device, and check it there.

    Args:
        path: folder or archive.
        adb: the device.
        overwrite: replace a bundle of the same name.
        say: hears what is being done.

    Returns:
        Where it lies on the device.

    Raises:
        InvalidInput: a damaged bundle; one of that name is there already.
        Refused: the app's engines cannot run it.
        TrmEdgeError: the device cannot be used, has no app, or did not get the files whole.
    """
    with read_bundle(path) as bundle:
        check_bundles([bundle.manifest])
        adb.check()
        _check_app(adb)
        name = folder_name(bundle.manifest.name)
        place = f"{FILES}/bundles/{name}"
        if adb.run(["test", "-e", place]).code == 0 and not overwrite:
            raise InvalidInput(f"{adb} has a bundle {name} already. Pass --overwrite to replace it.")
        mark = os.urandom(4).hex()
        fresh, aside = f"{FILES}/.new-{mark}", f"{FILES}/.old-{mark}"
        try:
            say(f"sending {name} to {adb}")
            adb.run(["mkdir", fresh]).demand(f"Cannot make a folder on {adb}")
            for file in files_of(bundle.manifest):
                adb.push(bundle.folder / file, f"{fresh}/{file}")
            say("checking it there")
            _check_hashes(adb, bundle, fresh)
            adb.run(["sh", "-c", _SWAP, "sh", fresh, place, aside]).demand(f"Cannot put {name} in its place on {adb}")
        except BaseException:
            _tidy_up(adb, fresh)
            raise
    return place


def _check_app(adb: Adb) -> None:
    if not adb.run(["pm", "path", PACKAGE]).out.startswith("package:"):
        raise TrmEdgeError(f"The app {PACKAGE} is not installed on {adb}. Install it first: adb install APK")
    if adb.run(["test", "-d", FILES]).code:
        raise TrmEdgeError(f"There is no {FILES} on {adb}. Start the app there once, which makes it.")


def _check_hashes(adb: Adb, bundle: Bundle, folder: str) -> None:
    """Hold what arrived against the manifest."""
    expected = {name: file.sha256 for name, file in bundle.manifest.files.items()}
    expected[MANIFEST] = hashlib.sha256((bundle.folder / MANIFEST).read_bytes()).hexdigest()
    done = adb.run(["sha256sum", *(f"{folder}/{name}" for name in expected)], timeout=_HASHING)
    done.demand(f"Cannot check the files on {adb}")
    lines = (line.split(maxsplit=1) for line in done.out.splitlines())
    found = {parts[1].rpartition("/")[2]: parts[0] for parts in lines if len(parts) == 2}
    for name, digest in expected.items():
        if found.get(name) != digest:
            raise TrmEdgeError(f"{name} did not arrive at {adb} as it was sent: try again, or another cable")


def _tidy_up(adb: Adb, folder: str) -> None:
    """Best effort: what brought us here is the error to report, and the app does not look at the folder."""
    try:
        adb.run(["rm", "-rf", folder])
    except TrmEdgeError:
        return
