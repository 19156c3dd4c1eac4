from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from trm_edge.errors import MissingDependency
from trm_edge.profile.pareto import Point
from trm_edge.profile.pareto import draw as draw_front
from trm_edge.report import png, svg
from trm_edge.report.chart import BLUE, Chart, Line, draw_stacked

Image = pytest.importorskip("PIL.Image")

INK, PAPER, HALF = (34, 34, 34), (255, 255, 255), 128


def picture(*body: str, width: int = 60, height: int = 40) -> Any:
    found = Image.open(io.BytesIO(png.draw(svg.document(body, title="t", width=width, height=height))))
    assert found.size == (2 * width, 2 * height)
    return found


def inked(image: Any, box: tuple[int, int, int, int]) -> int:
    """Dark pixels in a part of the picture, given in the units of the SVG."""
    part = image.crop(tuple(2 * side for side in box)).convert("L")
    return sum(count for level, count in enumerate(part.histogram()) if level < HALF)


def test_lines_lie_where_they_should() -> None:
    image = picture(svg.line(10, 20, 50, 20, ' stroke="#0072b2" stroke-width="2"'))
    assert image.getpixel((60, 40)) == (0x00, 0x72, 0xB2)
    assert image.getpixel((60, 30)) == image.getpixel((10, 40)) == PAPER


def test_a_line_has_the_colour_of_the_ink_and_may_be_faint() -> None:
    solid = picture('<line x1="10" y1="20" x2="50" y2="20" stroke="currentColor" stroke-width="4"/>')
    faint = picture(
        '<line x1="10" y1="20" x2="50" y2="20" stroke="currentColor" stroke-width="4" stroke-opacity="0.5"/>'
    )
    assert solid.getpixel((60, 40)) == INK
    assert faint.getpixel((60, 40)) == pytest.approx((144, 144, 144), abs=1)


def test_dashes_leave_gaps_also_around_a_corner() -> None:
    """8 drawn, 8 left out, along a line of two parts of 20."""
    stroke = 'fill="none" stroke="#000" stroke-width="4" stroke-dasharray="8 8"'
    image = picture(f'<polyline {stroke} points="10,10 30,10 30,30"/>')
    along = [(x, 10) for x in range(10, 30)] + [(30, y) for y in range(10, 30)]
    drawn = [image.getpixel((2 * x, 2 * y)) == (0, 0, 0) for x, y in along]
    assert drawn[1:7] == [True] * 6
    assert drawn[9:15] == [False] * 6
    assert drawn[17:19] == [True] * 2
    assert drawn[26:31] == [False] * 5
    assert drawn[33:39] == [True] * 6


def test_what_lies_under_a_veil_is_seen() -> None:
    below = '<rect width="60" height="20" fill="#000000"/>'
    image = picture(below, '<polygon points="0,0 60,0 60,40 0,40" fill="#ff0000" fill-opacity="0.5"/>')
    assert image.getpixel((60, 10)) == pytest.approx((128, 0, 0), abs=2)
    assert image.getpixel((60, 70)) == pytest.approx((255, 128, 128), abs=2)


def test_hollow_marks_are_hollow() -> None:
    image = picture('<rect x="10" y="10" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2"/>')
    assert image.getpixel((40, 40)) == PAPER
    for place in ((20, 40), (60, 40), (40, 20), (40, 60)):
        assert image.getpixel(place) == INK
    disc = picture('<circle cx="30" cy="20" r="5" fill="#0072b2"/>')
    assert disc.getpixel((60, 40)) == (0x00, 0x72, 0xB2)
    assert disc.getpixel((60, 56)) == PAPER


def test_text_stands_where_its_anchor_says() -> None:
    for anchor, (left, right) in {"start": (30, 60), "middle": (15, 45), "end": (0, 30)}.items():
        image = picture(svg.text(30, 30, "mmm", anchor))
        assert inked(image, (left, 20, right, 31)) > 50
        assert inked(image, (left, 20, right, 31)) == inked(image, (0, 0, 60, 40)), anchor


def test_text_that_is_turned_is_read_from_below() -> None:
    image = picture(svg.text(30, 20, "mmmm", "middle", ' transform="rotate(-90 30 20)"'))
    assert inked(image, (0, 0, 20, 40)) == inked(image, (32, 0, 60, 40)) == 0
    assert inked(image, (20, 0, 32, 20)) > 30
    assert inked(image, (20, 20, 32, 40)) > 30
    flat = picture(svg.text(30, 20, "L", "middle")).transpose(Image.Transpose.ROTATE_90)
    turned = picture(svg.text(20, 30, "L", "middle", ' transform="rotate(-90 20 30)"'), width=40, height=60)
    flat = flat.convert("L").crop(flat.convert("L").point(lambda level: 255 * (level < HALF)).getbbox())
    turned = turned.convert("L").crop(turned.convert("L").point(lambda level: 255 * (level < HALF)).getbbox())
    assert flat.size == pytest.approx(turned.size, abs=1), "the same letter"


def test_groups_are_moved() -> None:
    image = picture('<g transform="translate(0 20)">', svg.line(0, 5, 60, 5, ' stroke="#000" stroke-width="4"'), "</g>")
    assert image.getpixel((60, 50)) == (0, 0, 0)
    assert image.getpixel((60, 10)) == PAPER


@pytest.mark.parametrize(
    "element",
    [
        '<path d="M0 0"/>',
        '<g transform="scale(2)"/>',
        svg.text(9, 9, "x", "middle", ' transform="rotate(45 9 9)"'),
        svg.text(9, 9, "x", "end", ' transform="rotate(-90 9 9)"'),
    ],
)
def test_what_cannot_be_drawn_is_no_silent_gap(element: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be drawn|is not known here|-90 degrees"):
        picture(element)


def test_every_chart_of_the_project_can_be_drawn() -> None:
    lines = [Line(str(n), [(1, 0.5), (2, n)], [(1, 0.1, 0.9), (2, n, n + 1)]) for n in range(6)]
    charts = [Chart(lines, "t", "x", "y"), Chart(lines, "t", "x", "y", x_notes=lambda x: f"{x} min")]
    image = Image.open(io.BytesIO(png.draw(draw_stacked(charts, title="two"))))
    blue = tuple(int(BLUE[at : at + 2], 16) for at in (1, 3, 5))
    assert blue in {colour for _, colour in image.getcolors(1 << 20)}
    points = [Point("a", 5, 0.5, 0.4, 0.6), Point("b", 9, 0.4, 0.3, 0.5), Point("c", 30, 0.8, 0.7, 0.9, False)]
    assert Image.open(io.BytesIO(png.draw(draw_front(points, title="front")))).width == 1440


def test_without_pillow_the_line_that_installs_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    with pytest.raises(MissingDependency, match=r"trm-edge\[png\]"):
        png.draw(svg.document([], title="t", width=9, height=9))
