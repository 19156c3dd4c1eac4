"""Bundles on the page: chosen, of one's own, damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.conftest import FIRST, Host, Tab

pytestmark = pytest.mark.apps


def test_a_bundle_of_ones_own_is_read_and_solved(tab: Tab, apps_fixtures: Path) -> None:
    with tab.page.expect_file_chooser() as chosen:
        tab.page.click("#load-own")
    chosen.value.set_files(apps_fixtures / "bundles" / f"{FIRST}.zip")
    tab.wait_text("#bundle-facts", FIRST)
    tab.ready()
    assert f"{FIRST}.zip" in tab.page.eval_on_selector("#bundles", "(list) => list.selectedOptions[0].text")
    tab.solve()
    assert tab.text("#result").startswith("Solved")
    assert [url for url in tab.requests if ".zip" in url] == [], "the file goes nowhere"


def test_a_bundle_can_be_dropped_on_the_page(tab: Tab, apps_fixtures: Path) -> None:
    content = list((apps_fixtures / "bundles" / f"{FIRST}.zip").read_bytes())
    tab.page.evaluate(
        """(content) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(content)], "dropped.zip"));
            const how = { dataTransfer, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("dragover", how));
            globalThis.veiled = !document.getElementById("drop").hidden;
            document.body.dispatchEvent(new DragEvent("drop", how));
        }""",
        content,
    )
    assert tab.page.evaluate("veiled"), "while it is dragged the page says what will happen"
    tab.wait_text("#bundle-facts", FIRST)
    tab.ready()
    assert not tab.page.is_visible("#drop")
    assert "dropped.zip" in tab.page.eval_on_selector("#bundles", "(list) => list.selectedOptions[0].text")


def test_a_damaged_bundle_is_refused_in_one_line_and_the_next_one_opens(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host], site: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(site, tmp_path / "site")
    model = folder / "bundles" / FIRST / "model.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    tab = new_tab()
    tab.page.goto(hosted(folder).url)
    line = tab.wait_text("#bundle-error", "model.onnx")
    assert "\n" not in line
    assert "SHA-256" in line or "sha256" in line
    assert tab.page.is_disabled("#solve")
    assert tab.page.is_disabled("#measure")
    assert tab.page.locator("#board [role=gridcell]").count() == 0
    tab.page.wait_for_selector("#bundles:enabled")
    tab.choose("sudoku-4x4.fp32.onnx-loop")
    assert tab.text("#bundle-error") == ""
    tab.solve()
    assert tab.text("#result").startswith("Solved")


def test_a_damaged_file_of_ones_own_is_refused_in_one_line(tab: Tab, apps_fixtures: Path, tmp_path: Path) -> None:
    whole = apps_fixtures / "bundles" / f"{FIRST}.zip"
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(damaged, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            copy.writestr(
                name, content.replace(b'"halting_steps"', b'"halting_stepS"') if name == "golden.json" else content
            )
    tab.page.set_input_files("#own-file", damaged)
    assert "golden.json" in tab.wait_text("#bundle-error", "golden.json")
    (tmp_path / "text.zip").write_text("no archive")
    tab.page.set_input_files("#own-file", tmp_path / "text.zip")
    line = tab.wait_text("#bundle-error", "text.zip")
    assert "\n" not in line
    tab.page.set_input_files("#own-file", whole)
    tab.ready()
    assert tab.text("#bundle-error") == ""


def test_the_model_card_and_the_evidence_are_shown(tab: Tab, site: Path) -> None:
    manifest = json.loads((site / "bundles" / FIRST / "manifest.json").read_text())
    facts = tab.text("#bundle-facts")
    assert f"made for {manifest['target']}, evidence: {manifest['evidence']}" in facts
    tab.page.click("#card-panel summary")
    card = tab.text("#model-card")
    assert card.startswith("sudoku-4x4")
    assert "licence" in card


def test_text_of_a_bundle_is_never_markup(tab: Tab, apps_fixtures: Path, tmp_path: Path) -> None:
    evil = (
        b"# <img src=x onerror=alert(1)>\n\n- <script>alert(2)</script>\n- **bold** and `code`\n\n"
        b"[text](javascript:alert(3))\n\n| a | b |\n| --- | --- |\n| <b>1</b> | 2 |\n"
    )
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(apps_fixtures / "bundles" / f"{FIRST}.zip") as source, zipfile.ZipFile(path, "w") as copy:
        manifest = json.loads(source.read("manifest.json"))
        manifest["files"]["model-card.md"] = {"sha256": hashlib.sha256(evil).hexdigest(), "bytes": len(evil)}
        for name in source.namelist():
            made = {"manifest.json": json.dumps(manifest), "model-card.md": evil}
            copy.writestr(name, made.get(name, source.read(name)))
    tab.page.set_input_files("#own-file", path)
    tab.page.locator("#model-card h3").wait_for(state="attached")
    assert tab.page.locator("#model-card img, #model-card script, #model-card a").count() == 0
    assert tab.page.text_content("#model-card h3") == "<img src=x onerror=alert(1)>"
    assert tab.page.text_content("#model-card li:nth-child(2)") == "bold and code"
    assert tab.page.text_content("#model-card strong") == "bold"
    assert tab.page.eval_on_selector_all("#model-card td", "(cells) => cells.map((cell) => cell.textContent)") == [
        "<b>1</b>",
        "2",
    ]


def test_a_page_without_bundles_says_how_to_get_some(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host], site: Path, tmp_path: Path, apps_fixtures: Path
) -> None:
    folder = shutil.copytree(site, tmp_path / "site", ignore=shutil.ignore_patterns("bundles"))
    tab = new_tab()
    tab.page.goto(hosted(folder).url)
    assert "trm-edge serve BUNDLE" in tab.wait_text("#bundle-error", "There are no bundles beside this page")
    tab.page.set_input_files("#own-file", apps_fixtures / "bundles" / f"{FIRST}.zip")
    tab.ready()
    tab.errors[:] = [line for line in tab.errors if "404" not in line]


def test_another_bundle_ends_what_goes_on(tab: Tab) -> None:
    tab.page.select_option("#policy", "fixed")
    tab.page.fill("#budget", "1000")
    tab.page.click("#solve")
    tab.wait("document.getElementById('position').max > 1")
    tab.choose("sudoku-4x4.fp32.onnx-loop")
    assert tab.text("#solve-error") == ""
    assert tab.text("#result") == ""
    assert tab.page.is_disabled("#position")
