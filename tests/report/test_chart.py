from __future__ import annotations

import math
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from trm_edge.report.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    STACKED_HEIGHT,
    TOP,
    WIDTH,
    Chart,
    Line,
    draw_stacked,
    line_chart,
)
from trm_edge.report.chart import draw as draw_chart
from trm_edge.report.scale import linear

SVG = "{http://www.w3.org/2000/svg}"


def draw(*lines: Line) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart(lines, title="a < b & c", x_label="step", y_label="error"))


def points(root: ElementTree.Element, number: int = 0) -> list[tuple[float, float]]:
    text = list(root.iter(f"{SVG}polyline"))[number].attrib["points"]
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
    lines = list(draw(*(Line(str(n), [(1, 1.0)]) for n in range(4))).iter(f"{SVG}polyline"))
    assert len({line.attrib.get("stroke-dasharray") for line in lines}) == 4
    assert len({line.attrib["stroke"] for line in lines}) == 4


def test_a_linear_chart_begins_at_zero_and_counts_in_whole_numbers() -> None:
    chart = Chart([Line("cells", [(1, 0.0), (2, 3.0)])], "cells", "step", "count", logarithmic=False)
    root = ElementTree.fromstring(draw_chart(chart))
    assert points(root)[0][1] == HEIGHT - BOTTOM
    assert points(root)[1][1] == TOP
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert {"0", "1", "2", "3"} <= set(texts)
    assert "0.5" not in texts


def test_six_lines_have_a_legend_of_two_rows_and_no_look_twice() -> None:
    root = draw(*(Line(f"line {number}", [(1, 1.0), (2, 10.0)]) for number in range(6)))
    legend = {e.text: float(e.attrib["y"]) for e in root.iter(f"{SVG}text") if (e.text or "").startswith("line")}
    assert len(legend) == 6
    assert len(set(legend.values())) == 2
    assert all(y > max(legend.values()) for number in range(6) for _, y in points(root, number)), "no line crosses it"
    assert len({line.attrib["stroke"] for line in root.iter(f"{SVG}polyline")}) == 6


def test_many_points_are_a_line_without_marks_over_round_numbers() -> None:
    root = draw(Line("long", [(x, 1.0) for x in range(37, 18_037, 90)]))
    assert not list(root.iter(f"{SVG}circle"))
    assert {"5,000", "10,000", "15,000"} <= {e.text for e in root.iter(f"{SVG}text")}
    assert len(list(draw(Line("short", [(1, 1.0), (2, 2.0)])).iter(f"{SVG}circle"))) == 2


def test_an_axis_can_be_given_and_have_notes() -> None:
    lines = [Line("one", [(50, 25.0)], band=[(50, 20.0, 30.0), (60, math.nan, 30.0)])]
    chart = Chart(lines, "t", "x", "y", y_scale=linear([0, 100]), x_ends=(0, 100), x_notes=lambda x: f"{x / 50:g} min")
    root = ElementTree.fromstring(draw_chart(chart))
    (x, y), bottom = points(root)[0], HEIGHT - BOTTOM - 16
    assert x == pytest.approx((LEFT + WIDTH - RIGHT) / 2)
    assert y == pytest.approx(bottom - (bottom - TOP) / 4, abs=0.1)
    assert {"0", "100", "0 min", "2 min"} <= {e.text for e in root.iter(f"{SVG}text")}
    (band,) = root.iter(f"{SVG}polygon")
    assert len(band.attrib["points"].split()) == 3, "what is not finite is left out"
    assert all(float(e.attrib["y"]) < HEIGHT for e in root.iter(f"{SVG}text"))


def test_charts_stack_without_touching() -> None:
    chart = Chart([Line("one", [(1, 1.0), (2, 10.0)])], "part", "step", "error")
    root = ElementTree.fromstring(draw_stacked([chart] * 3, title="whole"))
    tops = [int(group.attrib["transform"].split()[1].rstrip(")")) for group in root.iter(f"{SVG}g")]
    assert len(tops) == 3
    assert {b - a for a, b in pairwise(tops)} == {STACKED_HEIGHT}
    assert int(root.attrib["height"]) == tops[-1] + STACKED_HEIGHT
    assert all(y <= STACKED_HEIGHT - BOTTOM for number in range(3) for _, y in points(root, number))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "whole"


def test_inside_a_page_the_page_chooses_the_colours() -> None:
    text = line_chart([Line("one", [(1, 1.0)])], title="t", x_label="x", y_label="y")
    root = ElementTree.fromstring(text)
    assert root.attrib["fill"] == "currentColor"
    assert [e.attrib["class"] for e in root.iter(f"{SVG}rect")] == ["paper"]
    assert "<style" not in text, "a style sheet of a chart would apply to the whole page"
