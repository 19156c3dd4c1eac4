"""Everybody can use the page: axe finds nothing in light, dark and narrow windows; nothing is wider than the window."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import ROOT, Host, Tab

pytestmark = pytest.mark.apps

AXE = ROOT / "web_demo" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS: list[dict[str, Any]] = [
    {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
    {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}, "forced_colors": "active"},
]


def _violations(tab: Tab) -> list[str]:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web_demo")
    # axe is run in a world of its own: the page's security policy lets nothing in
    session = tab.context.new_cdp_session(tab.page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    session.send("Runtime.evaluate", {"expression": AXE.read_text(), "contextId": world})
    run = "axe.run(document).then((found) => JSON.stringify(found.violations.map((one) => "
    run += "one.id + ': ' + one.nodes.map((node) => node.target + ' ' + node.failureSummary).join(' | '))))"
    answer = session.send(
        "Runtime.evaluate", {"expression": run, "contextId": world, "awaitPromise": True, "returnByValue": True}
    )
    found: list[str] = json.loads(answer["result"]["value"])
    return found


@pytest.mark.parametrize("view", VIEWS, ids=["light", "dark", "narrow", "dark, narrow, forced colours"])
@pytest.mark.parametrize("task", ["sudoku-4x4", "sudoku-9x9", "maze", "arc"])
def test_axe_finds_no_violation(
    new_tab: Callable[..., Tab], host: Host, site: Path, view: dict[str, Any], task: str
) -> None:
    bundle = next((path.name for path in sorted((site / "bundles").iterdir()) if path.name.startswith(task)), None)
    if bundle is None:
        pytest.skip(f"no bundle of {task}")
    tab = new_tab(**view)
    tab.open(host.url)
    tab.choose(bundle)
    assert _violations(tab) == []
    tab.solve()
    for panel in ("#text-panel", "#numbers-panel", "#card-panel"):
        if tab.page.is_visible(f"{panel} summary"):
            tab.page.click(f"{panel} summary")
    assert _violations(tab) == []
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the window"


def test_axe_sees_a_violation_that_is_there(tab: Tab) -> None:
    tab.page.evaluate("document.querySelector('header img').removeAttribute('alt')")
    assert any(line.startswith("image-alt") for line in _violations(tab))


def test_errors_are_announced_and_readable(tab: Tab) -> None:
    tab.give("123")
    assert tab.page.get_attribute("#puzzle-error", "role") == "alert"
    assert _violations(tab) == []


def test_steps_and_result_are_announced(tab: Tab) -> None:
    for name in ("step-line", "result", "offline", "bundle-facts"):
        assert tab.page.get_attribute(f"#{name}", "role") == "status"
    tab.solve()
    words = tab.page.eval_on_selector_all("#board [role=gridcell]", "(cells) => cells.map((cell) => cell.ariaLabel)")
    assert words[0].startswith("row 1, column 1: ")
    assert any(word.endswith("answer, changed") for word in words)
    assert any(word.endswith(", given") for word in words)
    label = tab.page.get_attribute("#curve svg", "aria-label")
    assert "after step" in label
    assert "the threshold is 50.0 %" in label
    assert tab.page.locator("#numbers tr").count() == tab.page.locator("#curve .point").count()


def test_one_cell_of_the_board_is_in_the_order_of_tab(tab: Tab) -> None:
    assert tab.page.locator("#board [tabindex='0']").count() == 1
    tab.page.locator("#board [role=gridcell]").nth(6).focus()
    tab.page.keyboard.press("ArrowDown")
    assert tab.page.locator("#board [tabindex='0']").count() == 1
    assert tab.page.evaluate("document.activeElement.ariaLabel").startswith("row 3, column 3")


def test_what_is_focused_can_be_seen(tab: Tab) -> None:
    for selector in ("#solve", "#examples", "#text-panel summary", "#board [role=gridcell]"):
        tab.page.keyboard.press("Tab")  # so that focus counts as the keyboard's
        tab.page.locator(selector).first.focus()
        style = tab.page.locator(selector).first.evaluate(
            "(one) => [getComputedStyle(one).outlineStyle, getComputedStyle(one).boxShadow]"
        )
        assert style[0] != "none" or style[1] != "none", selector


def test_the_page_is_painted_before_anything_of_the_model_arrives(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host]
) -> None:
    tab = new_tab(service_workers="block")
    tab.context.route("**/bundles/**", lambda route: None)  # never answered
    tab.context.route("**/worker.js", lambda route: None)
    tab.page.goto(hosted().url)
    tab.wait("performance.getEntriesByName('first-contentful-paint').length === 1")
    assert tab.page.is_visible("#board")
    assert tab.page.is_visible("h1")


def test_without_scripts_the_page_says_so(new_tab: Callable[..., Tab], host: Host) -> None:
    tab = new_tab(java_script_enabled=False)
    tab.page.goto(host.url)
    assert "it needs JavaScript" in tab.text("noscript")
