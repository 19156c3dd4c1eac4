from __future__ import annotations

from xml.etree import ElementTree

import pytest

from trm_edge.profile import pareto
from trm_edge.profile.pareto import Point, draw, draw_series, front
from trm_edge.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def point(name: str, ms: float, exact: float, *, competes: bool = True) -> Point:
    return Point(name, ms, exact, max(0.0, exact - 0.1), min(1.0, exact + 0.1), competes)


def names(*points: Point) -> list[str]:
    return [point.name for point in front(points)]


def test_what_is_slower_and_no_better_is_beaten() -> None:
    assert names(point("slow", 9, 0.9), point("fast", 1, 0.5), point("middle", 5, 0.8), point("bad", 6, 0.8)) == [
        "fast",
        "middle",
        "slow",
    ]


def test_equal_points_stay_together() -> None:
    assert names(point("b", 1, 0.9), point("a", 1, 0.9), point("c", 1, 0.8)) == ["a", "b"]
    assert names(point("a", 2, 0.9), point("b", 2, 0.9), point("c", 1, 0.9)) == ["c"]


def test_what_does_not_compete_beats_nobody() -> None:
    assert names(point("float", 0.1, 1.0, competes=False), point("bundle", 1, 0.9)) == ["bundle"]
    assert names() == []


def test_the_picture_tells_kinds_apart_without_colours() -> None:
    points = [point("fast", 1, 0.9), point("slow", 9, 0.8), point("float", 5, 0.9, competes=False)]
    root = ElementTree.fromstring(draw(points, title="a < b"))
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert {"a < b", "on the front", "beaten by another", "for comparison"} <= set(texts)
    assert {"1 fast", "2 float", "3 slow"} <= set(texts), "numbers lead to names, fastest first"
    for kind, tag in (("front", "circle"), ("beaten", "polygon"), ("compared", "rect")):
        assert len(root.findall(f"{SVG}{tag}[@class='{kind}']")) == 2, "one in the legend, one in the plot"
    bold = [e.text for e in root.iter(f"{SVG}text") if e.attrib.get("font-weight") == "bold"]
    assert bold == ["a < b", "1 fast"]


def test_marks_lie_where_their_values_are() -> None:
    root = ElementTree.fromstring(draw([point("a", 1, 0.5), point("b", 10, 0.9)], title="t"))
    marks = [(float(e.attrib["cx"]), float(e.attrib["cy"])) for e in root.iter(f"{SVG}circle")][1:]
    assert marks[0][0] == LEFT
    assert marks[1][0] == WIDTH - RIGHT
    assert marks[0][1] > marks[1][1]
    assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in marks)


def test_sixteen_equal_points_are_still_told_apart() -> None:
    points = [point(f"bundle-{number}-{'x' * 60}", 3, 1.0) for number in range(16)]
    root = ElementTree.fromstring(draw(points, title="t"))
    numbers = {e.text: (e.attrib["x"], e.attrib["y"]) for e in root.iter(f"{SVG}text") if (e.text or "").isdigit()}
    assert len({place for text, place in numbers.items() if 1 <= int(text or 0) <= 16}) == 16
    key = [e.text or "" for e in root.iter(f"{SVG}text") if "bundle-" in (e.text or "")]
    assert len(key) == 16
    assert max(map(len, key)) <= 50


@pytest.mark.parametrize("points", [[], [point("a", 1, 1.0)]])
def test_next_to_nothing_can_be_drawn(points: list[Point]) -> None:
    assert "nan" not in draw(points, title="t")


# -- series -----------------------------------------------------------------------------------


def of_series(name: str, ms: float, exact: float, series: str, curve: str = "") -> Point:
    return Point(name, ms, exact, exact - 0.1, min(1.0, exact + 0.1), series=series, curve=curve)


def test_series_are_told_apart_and_share_one_front() -> None:
    points = [
        of_series("a1", 1, 0.5, "a", "fixed"),
        of_series("a2", 4, 0.8, "a", "fixed"),
        of_series("b1", 2, 0.7, "b", "fixed"),
        of_series("b2", 3, 0.9, "b", "fixed"),
        of_series("b3", 5, 0.85, "b"),
    ]
    root = ElementTree.fromstring(draw_series(points, title="a < b"))
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert {"a < b", "a", "b", "1 a1", "2 b1", "3 b2"} <= set(texts)
    assert not any("a2" in (text or "") for text in texts), "what is beaten has no number"
    curves = [e.attrib["points"] for e in root.iter(f"{SVG}polyline") if e.get("class") == "curve"]
    assert [len(curve.split()) for curve in curves] == [2, 2], "what is on no curve is joined to nothing"
    beaten = [e for e in root.iter() if e.get("class") == "beaten"]
    assert len(beaten) == 2
    assert {e.attrib["fill"] for e in beaten} == {"none"}


def test_twelve_series_have_marks_of_their_own() -> None:
    for filled in (True, False):
        assert len({pareto._shape(0, 0, number, filled=filled) for number in range(12)}) == 12


def test_a_picture_of_series_becomes_pixels() -> None:
    pytest.importorskip("PIL")
    from trm_edge.report import png

    points = [of_series(f"{n}", n + 1, 0.5 + n / 40, f"series {n}", "act") for n in range(16)]
    assert png.draw(draw_series(points, title="t")).startswith(b"\x89PNG")
    assert "nan" not in draw_series([], title="t")
