from __future__ import annotations

import sys

import pytest

from trm_edge.errors import MissingDependency
from trm_edge.tasks.drawing import Cell, Picture, to_png, to_svg, to_text

RULED = Picture("a & b", ((Cell("1", bold=True), Cell("<")), (Cell(), Cell("3", changed=True))), box=(1, 2))


def test_ruled_text_has_bold_borders_around_boxes() -> None:
    assert str(to_text(RULED)).split("\n") == [
        "┏━━━┯━━━┓",
        "┃ 1 │ < ┃",
        "┣━━━┿━━━┫",
        "┃   │ 3*┃",
        "┗━━━┷━━━┛",
    ]


def test_tiles_show_two_characters_a_cell() -> None:
    picture = Picture("t", ((Cell(glyph="██"), Cell("S"), Cell(changed=True)),))
    assert str(to_text(picture)) == "██S  *"
    assert str(to_text(Picture("t", ()))) == "(empty grid)"


def test_svg_escapes_text() -> None:
    svg = to_svg(RULED)
    assert "<title>a &amp; b</title>" in svg
    assert "&lt;</text>" in svg
    assert svg.count("<text") == 3


def test_png_without_pillow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    with pytest.raises(MissingDependency, match=r"pip install 'trm-edge\[png\]'"):
        to_png(RULED)


def test_png_has_the_size_of_the_grid() -> None:
    pytest.importorskip("PIL")
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(to_png(RULED)))
    assert image.size == (176, 176)
    assert image.getpixel((120, 96)) == (0xF5, 0x9E, 0x0B)  # the mark of the changed cell
    assert image.getpixel((40, 96)) == (255, 255, 255)
