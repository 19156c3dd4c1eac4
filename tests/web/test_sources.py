"""What can be told from the page's sources alone, without a browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from trm_edge.deploy.headers import HEADERS

PAGE = Path(__file__).parents[2] / "web_demo"
SOURCES = [PAGE / "index.html", PAGE / "style.css", PAGE / "sw.js", PAGE / "worker.js", *sorted(PAGE.glob("app/*.js"))]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        if self.tag in ("script", "style") and data.strip():
            self.inline.append(self.tag)

    def handle_endtag(self, tag: str) -> None:
        self.tag = ""


@pytest.fixture(scope="module")
def page() -> _Elements:
    found = _Elements()
    found.feed((PAGE / "index.html").read_text())
    return found


def test_the_service_worker_sends_the_headers_that_the_server_sends() -> None:
    source = (PAGE / "sw.js").read_text()
    block = source[source.index("const HEADERS = {") : source.index("};", source.index("const HEADERS = {"))]
    sent = {
        name: "".join(re.findall(r'"([^"]*)"', text)) for name, text in re.findall(r'"([\w-]+)":([^:]*?),\n', block)
    }
    assert sent == {name: value for name, value in HEADERS.items() if name != "Cache-Control"}


def test_no_code_and_no_style_is_inline(page: _Elements) -> None:
    assert page.inline == []


def test_every_element_that_is_asked_for_is_there_once(page: _Elements) -> None:
    assert len(page.ids) == len(set(page.ids))
    for path in PAGE.glob("app/*.js"):
        for name in re.findall(r'byId\("([^"]+)"', path.read_text()):
            assert name in page.ids, f"{path.name} asks for #{name}"


def test_every_label_and_description_names_an_element_that_is_there(page: _Elements) -> None:
    text = (PAGE / "index.html").read_text()
    for names in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', text):
        assert set(names.split()) <= set(page.ids)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_other_host_is_named(path: Path) -> None:
    assert set(re.findall(r"https?://[^\s\"'`)]+", path.read_text())) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_markup_is_made_of_text(path: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


def test_what_the_page_loads_of_the_library_is_listed() -> None:
    listed = json.loads((PAGE / "vendor.json").read_text())["onnxruntime-web"]
    asked = re.findall(r'"(ort[\w.-]+\.mjs)"', (PAGE / "worker.js").read_text())
    assert asked
    assert set(asked) <= set(listed)
