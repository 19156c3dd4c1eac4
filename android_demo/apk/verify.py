"""What must hold of a finished APK, read back from the file itself.

    python android_demo/apk/verify.py FILE.apk

Knows how none of it was made. What it cannot show: that the app runs on a phone.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tools import BuildError, Tools

PAGE = "16384"
_BUNDLES = "assets/bundles/"


def verify(apk: Path, tools: Tools) -> dict[str, Any]:
    """Check everything; what was found, for people and programs.

    Raises:
        BuildError: the first thing that does not hold.
    """
    badging = tools.run("aapt", "dump", "badging", apk)
    return {
        **_identity(badging),
        "permissions": _permissions(badging),
        "signature": _signature(apk, tools),
        "alignment": _alignment(apk, tools),
        "invoke_custom": _invoke_custom(apk, tools),
        "bundles": _bundles(apk),
        "natives": sorted(name for name in _entries(apk) if name.startswith("lib/")),
        "bytes": _bytes(apk),
    }


def _identity(badging: str) -> dict[str, str]:
    package = re.search(r"^package: name='([^']*)' versionCode='([^']*)' versionName='([^']*)'", badging, re.MULTILINE)
    launched = re.search(r"^launchable-activity: name='([^']*)'", badging, re.MULTILINE)
    sdks = [re.search(rf"^{name}:'(\d+)'", badging, re.MULTILINE) for name in ("sdkVersion", "targetSdkVersion")]
    if package is None or launched is None or None in sdks:
        raise BuildError("aapt finds no package, no launchable activity or no SDK versions in the APK")
    least, target = (found[1] for found in sdks if found)
    return {
        "package": package[1], "version": package[3], "version_code": package[2], "activity": launched[1],
        "min_sdk": least, "target_sdk": target,
    }  # fmt: skip


def _permissions(badging: str) -> list[str]:
    asked = re.findall(r"^uses-permission[^:]*: name='([^']*)'", badging, re.MULTILINE)
    if asked:
        raise BuildError(f"the APK asks for permissions: {', '.join(asked)}; it must need none")
    return asked


def _signature(apk: Path, tools: Tools) -> list[str]:
    said = tools.run("apksigner", "verify", "--verbose", "--min-sdk-version", "26", apk)
    schemes = re.findall(r"^Verified using (v\d(?:\.\d)?) scheme .*: true$", said, re.MULTILINE)
    if "Verifies" not in said or "v2" not in schemes:
        raise BuildError("the APK's signature does not verify by scheme v2")
    return schemes


def _alignment(apk: Path, tools: Tools) -> int:
    tools.run("zipalign", "-c", PAGE, apk)
    return int(PAGE)


def _invoke_custom(apk: Path, tools: Tools) -> int:
    """Must be 0: behind ``invoke-custom`` stands Java's LambdaMetafactory, which no Android has."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(apk) as archive:
        found = 0
        for name in [name for name in archive.namelist() if re.fullmatch(r"classes\d*\.dex", name)]:
            found += tools.run("dexdump", "-d", archive.extract(name, folder)).count("invoke-custom")
    if found:
        raise BuildError(f"the APK has {found} invoke-custom instructions, which crash on Android")
    return found


def _bundles(apk: Path) -> list[str]:
    """Every bundle is listed, every file of it is the one its manifest names, and there are no other assets."""
    names = set(_entries(apk))
    with zipfile.ZipFile(apk) as archive:
        index = (
            json.loads(archive.read(f"{_BUNDLES}index.json")) if f"{_BUNDLES}index.json" in names else {"bundles": []}
        )
        folders = [f"{_BUNDLES}{bundle['path']}/" for bundle in index["bundles"]]
        for folder in folders:
            manifest = json.loads(archive.read(f"{folder}manifest.json"))
            for name, entry in manifest["files"].items():
                found = hashlib.sha256(archive.read(folder + name)).hexdigest()
                if found != entry["sha256"]:
                    raise BuildError(f"{folder}{name}: its SHA-256 is not the one in the bundle's manifest")
            names -= {f"{folder}manifest.json", *(folder + name for name in manifest["files"])}
    stray = sorted(name for name in names if name.startswith("assets/") and name != f"{_BUNDLES}index.json")
    if stray:
        raise BuildError(f"{stray[0]}: in the APK, but of no bundle that index.json lists")
    return [bundle["name"] for bundle in index["bundles"]]


def _bytes(apk: Path) -> dict[str, int]:
    """Of the file, and of its parts as they lie in it, compressed."""
    with zipfile.ZipFile(apk) as archive:
        parts = {"bundles": _BUNDLES, "natives": "lib/", "dex": "classes", "resources": "res"}
        sizes = {
            part: sum(info.compress_size for info in archive.infolist() if info.filename.startswith(start))
            for part, start in parts.items()
        }
    return {"apk": apk.stat().st_size, **sizes}


def _entries(apk: Path) -> list[str]:
    with zipfile.ZipFile(apk) as archive:
        return archive.namelist()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give one APK.")
    try:
        print(json.dumps(verify(Path(sys.argv[1]), Tools()), indent=2))
    except (BuildError, OSError) as error:
        sys.exit(f"Error: {error}")
