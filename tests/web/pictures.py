"""Draws the pictures of the page that the documentation shows: ``python -m tests.web.pictures FIXTURES docs/images``.

FIXTURES is what ``tests/vectors/make.py`` wrote. Needs chromium and playwright. Look at them before committing them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

from tests.web.conftest import ORT, SWITCHES, Host, Tab
from trm_edge.deploy.web import deploy_web

_ISOLATING = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
_BUNDLES = ("sudoku-9x9.fp32.onnx-step", "maze-5x6.fp32.onnx-step", "arc-5x5.fp32.onnx-step")
_HARD = "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9"  # takes several steps


def draw(browser: Any, url: str, out: Path) -> None:
    """Every picture, in turn."""
    for name, scheme, width in (("light", "light", 1180), ("dark", "dark", 1180), ("phone", "light", 390)):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 860}, reduced_motion="reduce"
        )
        tab = Tab(context.new_page(), context)
        tab.open(url)
        tab.wait_text("#offline", "Works offline.")
        if name == "phone":
            tab.page.select_option("#examples", "1")
        tab.page.select_option("#policy", "fixed" if name == "dark" else "act")
        tab.page.fill("#budget", "6" if name == "dark" else "16")
        tab.solve()
        if name != "phone":
            tab.page.press("#position", "Home")
            for _ in range(2 if name == "light" else 1):
                tab.page.click("#next")
        tab.page.evaluate("document.activeElement.blur()")
        tab.page.screenshot(path=out / f"web-{name}.png", full_page=name == "phone")
        context.close()


def main() -> None:
    """Deploy, draw, put in place."""
    fixtures, out = Path(sys.argv[1]), Path(sys.argv[2])
    program = shutil.which("chromium") or "google-chrome"
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        site = Path(temporary) / "site"
        deploy_web([fixtures / "bundles" / name for name in _BUNDLES], site, ort=ORT)
        host = Host(site, _ISOLATING)
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        out.mkdir(parents=True, exist_ok=True)
        draw(browser, host.url, out)
        browser.close()
        host.stop()


if __name__ == "__main__":
    main()
