from __future__ import annotations

from html.parser import HTMLParser

from trm_edge.report import page
from trm_edge.report.chart import Line, line_chart

_VOID = {"meta"}


class Outline(HTMLParser):
    """Tags in order; fails where one is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def whole() -> str:
    chart = line_chart([Line("one", [(1, 1.0)])], title="chart", x_label="x", y_label="y")
    parts = [
        page.verdict("all <kept>", good=True),
        page.section("Part & parcel", page.paragraph("a < b"), page.listing(["<li>"]), page.facts({"x": "<y>"})),
        page.figure(chart, "what 'it' shows"),
    ]
    return page.page("A <title>", parts)


def test_a_page_is_well_formed_and_accessible() -> None:
    tags = Outline(whole()).tags
    assert dict(tags)["html"] == {"lang": "en"}
    assert [tag for tag, _ in tags if tag in ("h1", "h2")] == ["h1", "h2"]
    assert ("svg", "img") in [(tag, attributes.get("role")) for tag, attributes in tags]
    assert [tag for tag, _ in tags].count("figcaption") == 1
    assert any(attributes.get("name") == "viewport" for tag, attributes in tags if tag == "meta")


def test_a_page_needs_nothing_else() -> None:
    text = whole()
    for tag, attributes in Outline(text).tags:
        assert tag not in ("script", "link", "iframe", "img", "object", "form")
        assert not {"src", "href", "style", "onclick", "onload"} & attributes.keys()
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_a_page_is_readable_in_the_dark() -> None:
    text = whole()
    assert "color-scheme: light dark" in text
    assert "prefers-color-scheme: dark" in text
    assert ".paper { fill: none }" in text, "charts take the page's colours"


def test_text_is_escaped() -> None:
    text = whole()
    assert "<title>A &lt;title&gt;</title>" in text
    assert "all &lt;kept&gt;" in text
    assert "<dd>&lt;y&gt;</dd>" in text
    assert "what &#x27;it&#x27; shows" in text


def test_what_is_empty_leaves_nothing() -> None:
    assert page.listing([]) == ""
    assert page.facts({"there": 0, "missing": None}) == "<dl><dt>there</dt><dd>0</dd></dl>"
