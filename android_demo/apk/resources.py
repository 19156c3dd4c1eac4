"""The app's resources by aapt2: ``R.java`` to compile against, and a package of them for tests and for the APK.

Maven calls it before it compiles (app/pom.xml); Android Studio's build does the same in its own way. Knows no dex.

    python3 apk/resources.py --framework ANDROID.jar --out FOLDER --version 0.1.0
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools import BuildError, Tools

APP = Path(__file__).parents[1] / "app"
PACKAGE = "edge.trm.app"
MIN_SDK, TARGET_SDK = 26, 34
RESOURCES = "resources.apk"


def build(tools: Tools, framework: Path, out: Path, version: str) -> Path:
    """Compile and link; ``out`` gets ``resources.apk``, ``AndroidManifest.xml`` and ``r/edge/trm/app/R.java``.

    Args:
        tools: Android's.
        framework: a jar with Android's own resources and classes.
        out: folder that is written into.
        version: of the app, as people see it.

    Raises:
        BuildError: with what aapt2 said.
    """
    out.mkdir(parents=True, exist_ok=True)
    manifest = out / "AndroidManifest.xml"
    manifest.write_text(_named((APP / "src/main/AndroidManifest.xml").read_text(encoding="utf-8")), encoding="utf-8")
    compiled = out / "compiled.zip"
    tools.run("aapt2", "compile", "--dir", APP / "src/main/res", "-o", compiled)
    tools.run(
        "aapt2", "link", "-I", framework, "--manifest", manifest, "--java", out / "r", "-o", out / RESOURCES,
        "--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK),
        "--version-code", str(version_code(version)), "--version-name", version, compiled,
    )  # fmt: skip
    return out / RESOURCES


def version_code(version: str) -> int:
    """1.2.3 -> 10203: grows with every release, as stores demand."""
    major, minor, patch = (int(number) for number in re.findall(r"\d+", version)[:3])
    return major * 10_000 + minor * 100 + patch


def _named(manifest: str) -> str:
    """The manifest with what Gradle's plugin would add: the package, and natives that are mapped from the APK."""
    manifest = manifest.replace("<manifest ", f'<manifest package="{PACKAGE}" ', 1)
    return manifest.replace("<application", '<application android:extractNativeLibs="false"', 1)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    try:
        build(Tools(), options.framework, options.out, options.version)
    except BuildError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
