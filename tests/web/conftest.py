"""A real browser for the page: headless Chromium, the page as it is deployed, hosts that can be stopped.

Whatever a test is about, it fails if the page writes an error to the console or asks anybody but its host.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from trm_edge.bundle import read_manifest
from trm_edge.deploy.site import refusal
from trm_edge.deploy.web import deploy_web

ROOT = Path(__file__).parents[2]
ORT = ROOT / "web_demo" / "node_modules" / "onnxruntime-web" / "dist"
FIRST = "sudoku-4x4.fp32.onnx-step"  #: the bundle that the page opens
SWITCHES = [
    "--no-sandbox",  # root has no other way
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # there is no other host
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
]


class Host:
    """A file host on the loopback interface.

    Args:
        folder: what it serves, the page as it was deployed.
        headers: sent with every answer.
    """

    def __init__(self, folder: Path, headers: dict[str, str]) -> None:
        self.folder = folder
        self.headers = headers
        self._server = self._listen(0)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        """From now on nobody answers."""
        self._server.shutdown()
        self._server.server_close()

    def start(self) -> None:
        """Answer again, at the same address."""
        self._server = self._listen(self.port)

    def _listen(self, port: int) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"extra": self.headers})
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=str(self.folder)))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


class _Handler(SimpleHTTPRequestHandler):
    extra: dict[str, str]
    extensions_map: ClassVar = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
    }

    def end_headers(self) -> None:
        for name, value in self.extra.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Tab:
    """A page of the browser, in a profile of its own, and what it did."""

    page: Any
    context: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # of the page and its workers
    kept: list[str] = field(default_factory=list)  # of the service worker

    def open(self, url: str) -> None:
        """Go there and wait until the first bundle is open."""
        self.page.goto(url)
        self.ready()

    def ready(self) -> None:
        """Wait until a puzzle can be solved."""
        self.page.wait_for_selector("#solve:enabled")

    def choose(self, bundle: str) -> None:
        """Open a bundle of the list."""
        entries = self.page.evaluate("fetch('bundles/index.json').then((answer) => answer.json())")["bundles"]
        place, entry = next(found for found in enumerate(entries) if found[1]["path"] == bundle)
        self.page.select_option("#bundles", str(place))
        self.wait_text("#bundle-facts", f"{entry['name']}: made for")
        self.ready()

    def give(self, text: str) -> None:
        """Put a puzzle in by its text."""
        if not self.page.is_visible("#text"):
            self.page.click("#text-panel summary")
        self.page.fill("#text", text)
        self.page.click("#read-text")

    def solve(self) -> None:
        """Solve the puzzle that is there and show its last step."""
        self.page.click("#solve")
        self.ready()
        if self.page.is_enabled("#position"):
            self.page.press("#position", "End")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true; the page's security policy forbids what playwright has for it."""
        end = time.monotonic() + 60
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"it never became true: {condition}"
            self.page.wait_for_timeout(20)

    def text(self, selector: str) -> str:
        """What stands there, once it is there."""
        return str(self.page.inner_text(selector)).strip()

    def wait_text(self, selector: str, text: str) -> str:
        """Wait until it says so, and return all that it says."""
        self.page.locator(selector, has_text=text).wait_for()
        return self.text(selector)

    def board(self) -> str:
        """The symbols of the board, row by row."""
        cells = "(cells) => cells.map((cell) => cell.textContent || '.').join('')"
        return str(self.page.eval_on_selector_all("#board [role=gridcell]", cells))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is not installed")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    os.environ["PW_EXPERIMENTAL_SERVICE_WORKER_NETWORK_EVENTS"] = "1"  # their requests count, too
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def runs(apps_fixtures: Path) -> list[dict[str, Any]]:
    """Puzzles, and what Python made of them."""
    found: list[dict[str, Any]] = json.loads((apps_fixtures / "runs.json").read_text())["runs"]
    return found


@pytest.fixture(scope="session")
def site(apps_fixtures: Path, runs: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the bundles of the runs that a browser can do; sudoku-4x4 is opened first."""
    if not ORT.is_dir():
        pytest.skip("onnxruntime-web is not installed: npm ci in web_demo")
    folders = [apps_fixtures / "bundles" / name for name in dict.fromkeys(run["bundle"] for run in runs)]
    folders = [folder for folder in folders if folder.is_dir() and refusal(read_manifest(folder)) is None]
    folders.sort(key=lambda folder: folder.name != FIRST)
    out = tmp_path_factory.mktemp("web") / "site"
    deploy_web(folders, out, ort=ORT)
    return out


@pytest.fixture
def hosted(site: Path) -> Iterator[Callable[..., Host]]:
    """Start a host: `hosted(folder, headers)`, by default the page with the headers that isolate it."""
    isolating = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cache-Control": "no-cache",
    }
    with ExitStack() as stack:

        def start(folder: Path = site, headers: dict[str, str] = isolating) -> Host:
            host = Host(folder, headers)
            stack.callback(host.stop)
            return host

        yield start


@pytest.fixture
def host(hosted: Callable[..., Host]) -> Host:
    """The page, with the headers that isolate it."""
    return hosted()


@pytest.fixture
def new_tab(chromium: Any) -> Iterator[Callable[..., Tab]]:
    """Open a tab with a profile of its own; in the end none may have seen an error or another host.

    Errors that a test is about are taken out of `tab.errors` by it.
    """
    tabs: list[Tab] = []

    def opened(**options: Any) -> Tab:
        context = chromium.new_context(**{"reduced_motion": "reduce", "accept_downloads": True, **options})
        context.set_default_timeout(60_000)
        tab = Tab(context.new_page(), context)
        context.on(
            "request", lambda request: (tab.kept if request.service_worker else tab.requests).append(request.url)
        )
        context.on("console", lambda line: line.type == "error" and tab.errors.append(line.text))
        context.on("weberror", lambda error: tab.errors.append(str(error.error)))
        tabs.append(tab)
        return tab

    yield opened
    for tab in tabs:
        tab.context.close()
    assert [tab.errors for tab in tabs] == [[] for _ in tabs]
    asked = [url for tab in tabs for url in tab.requests + tab.kept]
    abroad = [url for url in asked if not url.startswith(("http://127.0.0.1:", "blob:http://127"))]
    assert abroad == []


@pytest.fixture
def tab(new_tab: Callable[..., Tab], host: Host) -> Tab:
    """The page, with its first bundle open."""
    tab = new_tab()
    tab.open(host.url)
    return tab
