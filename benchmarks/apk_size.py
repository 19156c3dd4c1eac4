"""Bytes of the Android app's APK, and of its parts, without a native engine.

    python benchmarks/apk_size.py

Builds it (``android_demo/build_apk.py``) with the two small Sudoku bundles, or with what lies among its assets. Parts
are counted as they lie in the archive: bundles stored, the rest compressed; ``own`` is what is left without bundles,
alignment to pages of 16 KiB and signature included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from record import save

SCRIPT = Path(__file__).parents[1] / "android_demo" / "build_apk.py"


def main() -> None:
    """Build, print, save."""
    with tempfile.TemporaryDirectory() as folder:
        out, found = Path(folder) / "app.apk", Path(folder) / "found.json"
        subprocess.run([sys.executable, SCRIPT, "--out", out, "--json", found], check=True)
        apk = json.loads(found.read_text(encoding="utf-8"))
    sizes = apk["bytes"] | {"own": apk["bytes"]["apk"] - apk["bytes"]["bundles"]}
    print(sizes)
    settings = {"bundles": apk["bundles"], "natives": apk["natives"], "min_sdk": apk["min_sdk"]}
    print("saved", save("apk_size", settings, sizes).name)


if __name__ == "__main__":
    main()
