"""What the tests of the Android app share: one run of its Maven tests, and Android's build tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

PROJECT = Path(__file__).parents[2] / "android_demo"


@dataclass(frozen=True)
class MavenRun:
    """How the app's tests ended: exit code, what was printed, and for every test class its outcomes by test name."""

    code: int
    output: str
    outcomes: dict[str, dict[str, str]]


def maven(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Maven on the project without a network; skips where it, or what it needs, was not fetched."""
    if shutil.which("mvn") is None or shutil.which("java") is None:
        pytest.skip("Maven or Java is not installed")
    command = ["mvn", "--batch-mode", "--quiet", "--offline", "--file", str(PROJECT / "pom.xml"), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=os.environ | (environment or {})
    )
    output = done.stdout + done.stderr
    if done.returncode and ("offline mode" in output or "build tools" in output):
        pytest.skip("what the Android build needs was not fetched: python android_demo/build_apk.py --fetch")
    return done


@pytest.fixture(scope="session")
def maven_run(apps_fixtures: Path) -> MavenRun:
    """The screens' tests, with real bundles."""
    reports = PROJECT / "app" / "target" / "surefire-reports"
    shutil.rmtree(reports, ignore_errors=True)
    done = maven(
        *("--projects", "app", "--also-make", f"-Dpython={sys.executable}"),
        *("-Dtest=edge.trm.app.*Test", "-Dsurefire.failIfNoSpecifiedTests=false", "test"),
        environment={"TRM_EDGE_FIXTURES": str(apps_fixtures)},
    )
    outcomes: dict[str, dict[str, str]] = {}
    for path in sorted(reports.glob("TEST-*.xml")):
        cases = ElementTree.parse(path).getroot().iter("testcase")
        outcomes[path.stem.rpartition(".")[2]] = {case.attrib["name"]: _outcome(case) for case in cases}
    return MavenRun(done.returncode, done.stdout + done.stderr, outcomes)


def _outcome(case: ElementTree.Element) -> str:
    return next((tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None), "passed")
