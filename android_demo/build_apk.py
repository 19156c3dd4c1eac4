"""Build the Android app's APK with Maven, ProGuard, dx and Debian's (or an SDK's) build tools, and check it.

    python android_demo/build_apk.py [--out FILE.apk] [--aar FILE.aar ...] [--keystore FILE]

Bundles come from app/src/main/assets/bundles, where ``trm-edge deploy android`` places them; if there are none, the two
small Sudoku models are exported. Native engines come from AARs (onnxruntime-android, executorch-android and what they
need): without them the APK installs and shows its screens, and no bundle can run in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("apk")))

import assemble
from tools import HOME, BuildError, Tools
from verify import verify


def main() -> None:
    """Read the command line; exit code 1 with one line where something fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOME / "target" / "trm-edge.apk")
    parser.add_argument("--aar", type=Path, action="append", help="archive with a native engine; else the variable AAR")
    parser.add_argument("--abi", default="arm64-v8a", help="processor whose natives are taken (default: %(default)s)")
    parser.add_argument(
        "--keystore", type=Path, help="key store to sign with, password in KS_PASS; else the variable KS"
    )
    parser.add_argument("--offline", action="store_true", help="ask no network: everything was fetched before")
    parser.add_argument("--fetch", action="store_true", help="only fetch what building and testing need (430 MB)")
    parser.add_argument("--json", type=Path, help="write what was found in the APK to this file")
    options = parser.parse_args()
    try:
        if options.fetch:
            Tools()
            assemble.fetch(sys.executable)
            return
        found = build(
            options.out.resolve(),
            [path.resolve() for path in options.aar or _listed("AAR")],
            options.abi,
            next(iter([options.keystore] if options.keystore else _listed("KS")), None),
            offline=options.offline,
        )
    except (BuildError, OSError) as error:
        sys.exit(f"Error: {error}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def build(out: Path, aars: list[Path], abi: str, keystore: Path | None, *, offline: bool) -> dict[str, object]:
    """Build, check, tell; returns what was found."""
    signing = None
    if keystore is not None:
        if "KS_PASS" not in os.environ:
            raise BuildError("KS_PASS: set this variable to the key store's password")
        signing = assemble.Signing(keystore, "env:KS_PASS")
    libraries = assemble.natives(aars, abi)
    tools, folder = Tools(), assemble.work_folder()
    if not (assemble.ASSETS / "bundles" / "index.json").is_file():
        _tell("Exporting sudoku-4x4 and sudoku-9x9 ...")
        assemble.export_default_bundles(sys.executable, folder)
    _tell("Compiling ...")
    jars = assemble.compile_app(sys.executable, offline=offline)
    dex = assemble.make_dex(jars, aars, folder)
    plain = folder / "plain.apk"
    assemble.pack(dex, libraries, plain)
    assemble.sign(tools, plain, out, signing, folder)
    found = verify(out, tools)
    _report(out, found, debug=signing is None)
    return found


def _report(out: Path, found: dict[str, object], *, debug: bool) -> None:
    sizes = found["bytes"]
    assert isinstance(sizes, dict)
    own = sizes["apk"] - sizes["bundles"] - sizes["natives"]
    print(f"{out}: {sizes['apk']:,} bytes; {own:,} without bundles and engines")
    print(f"{found['package']} {found['version']}, API {found['min_sdk']} to {found['target_sdk']}, no permissions")
    print(f"signed by {'a debug key' if debug else 'the given key'} ({', '.join(map(str, _list(found['signature'])))})")
    print("16 KiB aligned, no invoke-custom; bundles, hashes checked: " + ", ".join(map(str, _list(found["bundles"]))))
    if not found["natives"]:
        print("No native engine is inside: give its archive (AAR=FILE.aar), or build in Android Studio.")
    print("This APK has not run on a phone.")


def _list(found: object) -> list[object]:
    assert isinstance(found, list)
    return found


def _listed(variable: str) -> list[Path]:
    return [Path(path) for path in os.environ.get(variable, "").split(os.pathsep) if path]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
