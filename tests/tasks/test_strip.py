from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from io import BytesIO

import numpy as np
import pytest

from trm_edge.tasks import get_task
from trm_edge.tasks.strip import Frame, strip_png, strip_svg

SVG = "{http://www.w3.org/2000/svg}"


def frames(count: int) -> list[Frame]:
    """ARC grids of different sizes."""
    task = get_task("arc-6x6")
    return [Frame(task.picture(np.ones((1 + n % 3, 2), np.int8)), f"<{n}>") for n in range(count)]


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (4, 1, 4), (5, 2, 4)])
def test_frames_are_placed_inside_the_sheet(count: int, rows: int, columns: int) -> None:
    root = ElementTree.fromstring(strip_svg(frames(count)))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    places = []
    for group in root.findall(f"{SVG}g"):
        x, y = map(float, group.attrib["transform"].removeprefix("translate(").removesuffix(")").split())
        inner = group.find(f"{SVG}svg")
        assert inner is not None
        assert 0 <= x <= width - float(inner.attrib["width"])
        assert 0 <= y <= height - float(inner.attrib["height"])
        places.append((x, y))
    assert len(set(places)) == count
    assert len({y for _, y in places}) == rows
    assert len({x for x, _ in places}) == columns
    captions = [text.text for text in root.findall(f"{SVG}text")]
    assert captions == [f"<{n}>" for n in range(count)], "captions are escaped"


def test_the_png_is_the_same_sheet() -> None:
    image = pytest.importorskip("PIL.Image")
    root = ElementTree.fromstring(strip_svg(frames(5)))
    drawn = image.open(BytesIO(strip_png(frames(5))))
    assert drawn.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))
    assert len(drawn.getcolors(1 << 20)) > 3
