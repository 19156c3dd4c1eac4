"""The profile panel, and the command that reads what it exports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.conftest import Tab

pytestmark = pytest.mark.apps


def test_what_the_page_exports_is_read_by_the_command(tab: Tab, tmp_path: Path) -> None:
    assert tab.page.is_disabled("#download")
    tab.page.fill("#rounds", "2")
    tab.page.click("#measure")
    tab.wait_text("#profile-line", "Measured")
    table = tab.text("#profile-table")
    assert "one step" in table
    assert "one puzzle" in table
    assert "ms" in table
    with tab.page.expect_download() as download:
        tab.page.click("#download")
    assert download.value.suggested_filename == "sudoku-4x4.fp32.onnx-step.profile.json"
    path = tmp_path / "profile.json"
    download.value.save_as(path)
    side = json.loads(path.read_text())["sides"][0]
    assert side["provider"].lower() == "wasm"
    assert len(side["whole"][0]["rounds"]) == 2
    command = [sys.executable, "-m", "trm_edge", "profile", "--import", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "sudoku-4x4.fp32.onnx-step" in done.stdout


def test_another_bundle_forgets_the_measurement(tab: Tab) -> None:
    tab.page.fill("#rounds", "1")
    tab.page.click("#measure")
    tab.wait_text("#profile-line", "Measured")
    tab.choose("sudoku-4x4.fp32.onnx-loop")
    assert tab.page.is_disabled("#download")
    assert not tab.page.is_visible("#profile-table")


def test_another_bundle_ends_a_measurement(tab: Tab) -> None:
    tab.page.fill("#rounds", "100")
    tab.page.click("#measure")
    tab.wait("document.getElementById('profile-progress').value > 0")
    tab.choose("sudoku-4x4.fp32.onnx-loop")
    assert tab.text("#profile-error") == ""
    assert tab.text("#profile-line") == ""
    assert not tab.page.is_visible("#profile-progress")


def test_rounds_that_are_none_are_refused(tab: Tab) -> None:
    tab.page.fill("#rounds", "0")
    tab.page.click("#measure")
    assert "Rounds: 0 given; a whole number from 1 to 100 is needed" in tab.wait_text("#profile-error", "Rounds")


def test_measuring_can_be_stopped(tab: Tab) -> None:
    tab.page.fill("#rounds", "100")
    tab.page.click("#measure")
    tab.wait("document.getElementById('profile-progress').value > 0")
    tab.page.click("#measure-stop")
    assert tab.wait_text("#profile-line", "Stopped") == "Stopped."
    assert tab.page.is_disabled("#download")
