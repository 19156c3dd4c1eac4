"""Draws the pictures of the page that the documentation shows: ``python -m tests.web.pictures FIXTURES docs/pictures``.

FIXTURES is what ``tests/vectors/make.py`` wrote. Needs chromium, playwright and Pillow.
Look at the pictures before committing them.
"""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.web.conftest import ORT, SWITCHES, Host, Tab
from trm_edge.deploy.web import deploy_web

_ISOLATING = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
_BUNDLE = "sudoku-9x9.fp32.onnx-step"
_NINE_STEPS = "1...8.......9.1..72.5..4.3.....9.51..8...7.......3.4.943..1..9....7.......9.2...."
_FIVE_STEPS = ".4.............6.59.68....7.7....48...3........568.17..3.5.2....8...1.....13..2.."
_SCENES: list[dict[str, Any]] = [  # a puzzle, the step that is shown, and how much of the page
    {"name": "light", "width": 1180, "height": 1230, "puzzle": _NINE_STEPS, "step": 8},
    {"name": "dark", "width": 1180, "height": 1230, "puzzle": _FIVE_STEPS, "step": 4},
    {"name": "phone", "width": 390, "height": 1560, "puzzle": _FIVE_STEPS, "step": 5},
]


def draw(browser: Any, url: str, scene: dict[str, Any], out: Path) -> None:
    """One picture."""
    context = browser.new_context(
        color_scheme="dark" if scene["name"] == "dark" else "light",
        viewport={"width": scene["width"], "height": scene["height"]},
        reduced_motion="reduce",
    )
    tab = Tab(context.new_page(), context)
    tab.open(url)
    tab.wait_text("#offline", "Works offline.")
    tab.give(scene["puzzle"])
    tab.page.click("#text-panel summary")
    tab.solve()
    tab.solve()  # the first one loads the engine
    tab.page.press("#position", "Home")
    for _ in range(scene["step"]):
        tab.page.press("#position", "ArrowRight")
    tab.page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    picture = Image.open(BytesIO(tab.page.screenshot()))
    picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(
        out / f"web-{scene['name']}.png", optimize=True
    )
    context.close()


def main() -> None:
    """Deploy, draw, put in place."""
    fixtures, out = Path(sys.argv[1]), Path(sys.argv[2])
    program = shutil.which("chromium") or "google-chrome"
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        site = Path(temporary) / "site"
        deploy_web([fixtures / "bundles" / _BUNDLE], site, ort=ORT)
        host = Host(site, _ISOLATING)
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        out.mkdir(parents=True, exist_ok=True)
        for scene in _SCENES:
            draw(browser, host.url, scene, out)
        browser.close()
        host.stop()


if __name__ == "__main__":
    main()
