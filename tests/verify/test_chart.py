from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from trm_edge.verify.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def draw(*lines: Line) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart(lines, title="a < b & c", x_label="step", y_label="error"))


def points(root: ElementTree.Element, number: int = 0) -> list[tuple[float, float]]:
    text = root.findall(f"{SVG}polyline")[number].attrib["points"]
    return [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in text.split())]


def test_points_lie_on_a_logarithmic_scale() -> None:
    root = draw(Line("one", [(1, 1e-4), (2, 1e-3), (3, 1e-2)]))
    (x1, y1), (x2, y2), (x3, y3) = points(root)
    assert (x1, x3) == (LEFT, WIDTH - RIGHT)
    assert x2 == pytest.approx((x1 + x3) / 2)
    assert (y1, y3) == (HEIGHT - BOTTOM, TOP)
    assert y2 == pytest.approx((y1 + y3) / 2)


def test_text_is_escaped_and_complete() -> None:
    texts = [e.text for e in draw(Line("mean", [(1, 0.5)])).iter(f"{SVG}text")]
    assert {"a < b & c", "step", "error", "mean", "1e-1", "1e0"} <= set(texts)


def test_nothing_leaves_the_page() -> None:
    root = draw(Line("wide", [(x, 10.0 ** (x % 40 - 30)) for x in range(1, 301)]), Line("zero", [(1, 0.0)]))
    for number in (0, 1):
        assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in points(root, number))
    assert len(list(root.iter(f"{SVG}text"))) < 40  # labels are thinned out


def test_zero_lies_on_the_bottom_and_nonsense_is_left_out() -> None:
    root = draw(Line("odd", [(1, 0.0), (2, math.nan), (3, math.inf), (4, 1.0)]))
    assert len(points(root)) == 2
    assert points(root)[0][1] == HEIGHT - BOTTOM


@pytest.mark.parametrize("given", [[], [(1, 0.0)], [(1, math.nan)], [(5, 1.0)]])
def test_a_chart_of_next_to_nothing_can_be_drawn(given: list[tuple[float, float]]) -> None:
    assert "NaN" not in ElementTree.tostring(draw(Line("one", given)), "unicode")


def test_lines_can_be_told_apart_without_colours() -> None:
    lines = draw(*(Line(str(n), [(1, 1.0)]) for n in range(4))).findall(f"{SVG}polyline")
    assert len({line.attrib.get("stroke-dasharray") for line in lines}) == 4
    assert len({line.attrib["stroke"] for line in lines}) == 4
