"""Run the tests of what ``trm-edge targets install`` makes, and keep the outcome as data.

    python benchmarks/target_tests.py        # `make test-targets` installs the environments first

Writes ``results/target_tests.json``: passed, skipped and failed tests by file, the environments that were there and
what is in them. Exit code 1 if a test failed, or one of the environments is missing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from record import save

from trm_edge.environments import ENVIRONMENTS

ROOT = Path(__file__).parent.parent
NEEDED = ("ethos-u", "webgpu", "arm64")  #: the one for CUDA needs a GPU
MARKED = "targets or arm64"


def main() -> int:
    """Run, save, tell."""
    missing = [name for name in NEEDED if not ENVIRONMENTS[name].installed()]
    if missing:
        print(f"missing: {', '.join(missing)}. Install them with: {ENVIRONMENTS[missing[0]].install_line()}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-m", MARKED, f"--junitxml={report}"]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        rows = outcomes(report)
    settings = {"marked": MARKED, "environments": {name: list(ENVIRONMENTS[name].requirements) for name in NEEDED}}
    print("saved", save("target_tests", settings, rows).name)
    return int(code != 0)


def outcomes(report: Path) -> dict[str, dict[str, int]]:
    """Tests by file and by how they ended."""
    counts: dict[str, Counter[str]] = {}
    for case in ET.parse(report).iter("testcase"):
        bad = next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), "passed")
        counts.setdefault(case.get("classname", ""), Counter())[bad] += 1
    return {name: dict(found) for name, found in sorted(counts.items())}


if __name__ == "__main__":
    raise SystemExit(main())
