from __future__ import annotations

from io import StringIO
from xml.etree import ElementTree

from rich.console import Console

from trm_edge.report.table import Table, to_html, to_rich

TABLE = Table("a < b", ("name", "max\nerror"), [("one & two", "1.5"), ("three", "<2>")], words=1)


def test_html_has_heads_a_caption_and_escapes() -> None:
    root = ElementTree.fromstring(to_html(TABLE))
    assert root.attrib["aria-label"] == "a < b"
    assert [e.text for e in root.iter("caption")] == ["a < b"]
    assert [(e.text, e.attrib["scope"]) for e in root.iter("th")] == [
        ("name", "col"),
        ("max error", "col"),
        ("one & two", "row"),
        ("three", "row"),
    ]
    assert [e.text for e in root.iter("td")] == ["1.5", "<2>"]
    assert {e.attrib.get("class") for e in root.iter("td")} == {None}
    assert root.attrib["tabindex"] == "0", "what scrolls can be reached with the keyboard"


def test_a_terminal_shows_every_cell() -> None:
    long = "x" * 100
    console = Console(file=StringIO(), width=60)
    console.print(to_rich(Table("t", ("name", "value"), [(long, "12345")], words=1)))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "…" not in text
    assert text.count("x") == 100
    assert "12345" in text
