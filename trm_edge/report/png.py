"""The SVG documents of this package as PNG files (Pillow), so that a chart is drawn once and shown anywhere.

Knows the few elements and attributes that :mod:`trm_edge.report.svg` and its callers write; refuses any other, so that
no picture loses a part unnoticed. Dark on white paper, as an SVG of ours is when it stands alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from trm_edge.optional import require
from trm_edge.tasks.drawing import SCALE, png_bytes

_FINER = 2  #: drawn so many times larger and reduced, since Pillow's own edges are hard
_PIXELS = SCALE * _FINER  #: to a unit of the SVG, while drawing
_PREFIX = "{http://www.w3.org/2000/svg}"
_PAPER = (255, 255, 255)
_FONT_SIZE = 12.0
_BOLD = 1 / 60  #: the stroke that makes text bold, over its size; the font has one weight
_SILENT = ("title",)  #: said to screen readers, not drawn

Place = tuple[float, float]
Ink = tuple[int, int, int]


def draw(document: str) -> bytes:
    """The bytes of a PNG file of an SVG document of this package.

    Raises:
        MissingDependency: Pillow is not installed.
        ValueError: the document has an element that is not one of ours.
    """
    root = ElementTree.fromstring(document)
    size = [int(root.attrib[side]) * _PIXELS for side in ("width", "height")]
    image = require("PIL.Image", extra="png").new("RGB", size, _PAPER)
    _Sheet(image, _hex(root.attrib["color"])).children(root, (0.0, 0.0))
    return png_bytes(image.reduce(_FINER))


class _Sheet:
    """An image to draw elements on, in the units of the SVG."""

    def __init__(self, image: Any, current: Ink) -> None:
        self._image = image
        self._current = current  # what ``currentColor`` means
        self._draw = require("PIL.ImageDraw", extra="png").Draw(image)
        self._fonts: dict[float, Any] = {}

    def children(self, parent: ElementTree.Element, shift: Place) -> None:
        """Draw what is inside ``parent``, moved by ``shift``."""
        elements: dict[str, Callable[[ElementTree.Element, Place], None]] = {
            "g": self._group,
            "rect": self._rectangle,
            "line": self._straight,
            "polyline": self._polyline,
            "polygon": self._polygon,
            "circle": self._circle,
            "text": self._text,
        }
        for element in parent:
            name = element.tag.removeprefix(_PREFIX)
            if name in elements:
                elements[name](element, shift)
            elif name not in _SILENT:
                raise ValueError(f"<{name}> cannot be drawn as PNG. Known: {', '.join(elements)}")

    def _group(self, element: ElementTree.Element, shift: Place) -> None:
        x, y = _arguments(element.attrib["transform"], "translate")
        self.children(element, (shift[0] + x, shift[1] + y))

    def _rectangle(self, element: ElementTree.Element, shift: Place) -> None:
        x, y, width, height = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self._filled(element, [_moved(corner, shift) for corner in corners])

    def _polygon(self, element: ElementTree.Element, shift: Place) -> None:
        self._filled(element, [_moved(place, shift) for place in _points(element)])

    def _filled(self, element: ElementTree.Element, corners: Sequence[Place]) -> None:
        """An area, and the line around it."""
        fill = self._ink(element, "fill")
        if fill is not None and len(corners) > 1:
            opacity = float(element.get("fill-opacity", "1"))
            if opacity < 1:
                self._veil(corners, fill, opacity)
            else:
                self._draw.polygon(_pixels(corners), fill=fill)
        self._stroke(element, [*corners, *corners[:2]])  # the first side twice: else a corner stays open

    def _veil(self, corners: Sequence[Place], fill: Ink, opacity: float) -> None:
        """An area through which what lies under it is seen."""
        mask = require("PIL.Image", extra="png").new("L", self._image.size, 0)
        require("PIL.ImageDraw", extra="png").Draw(mask).polygon(_pixels(corners), fill=round(255 * opacity))
        self._image.paste(fill, mask=mask)

    def _straight(self, element: ElementTree.Element, shift: Place) -> None:
        x1, y1, x2, y2 = (float(element.attrib[name]) for name in ("x1", "y1", "x2", "y2"))
        self._stroke(element, [_moved((x1, y1), shift), _moved((x2, y2), shift)])

    def _polyline(self, element: ElementTree.Element, shift: Place) -> None:
        self._stroke(element, [_moved(place, shift) for place in _points(element)])

    def _circle(self, element: ElementTree.Element, shift: Place) -> None:
        x, y = _moved((float(element.attrib["cx"]), float(element.attrib["cy"])), shift)
        radius = float(element.attrib["r"]) * _PIXELS
        self._draw.circle((x * _PIXELS, y * _PIXELS), radius, fill=self._ink(element, "fill"))

    def _stroke(self, element: ElementTree.Element, places: Sequence[Place]) -> None:
        """A line along ``places``, dashed if the element says so."""
        ink = self._ink(element, "stroke")
        if ink is None or len(places) < 2:
            return
        ink = _faded(ink, element.get("stroke-opacity"))
        width = max(1, round(float(element.get("stroke-width", "1")) * _PIXELS))
        dashes = [float(length) for length in element.get("stroke-dasharray", "").split()]
        for part in _dashed(places, dashes) if dashes else [places]:
            self._draw.line(_pixels(part), fill=ink, width=width, joint="curve")

    def _text(self, element: ElementTree.Element, shift: Place) -> None:
        content = element.text or ""
        size = float(element.get("font-size", _FONT_SIZE)) * _PIXELS
        font = self._fonts.setdefault(size, require("PIL.ImageFont", extra="png").load_default(size=size))
        ink = _faded(self._current, element.get("fill-opacity"))
        x, y = _moved((float(element.attrib["x"]), float(element.attrib["y"])), shift)
        at = (x * _PIXELS, y * _PIXELS)
        if "transform" in element.attrib:
            self._upwards(content, at, font, ink, element)
            return
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[element.attrib["text-anchor"]]
        bold = round(size * _BOLD) if element.get("font-weight") == "bold" else 0
        self._draw.text(at, content, fill=ink, font=font, anchor=anchor, stroke_width=bold)

    def _upwards(self, content: str, at: Place, font: Any, ink: Ink, element: ElementTree.Element) -> None:
        """Text that is read from below, its middle at ``at``."""
        if _arguments(element.attrib["transform"], "rotate")[0] != -90 or element.attrib["text-anchor"] != "middle":
            raise ValueError("text can be turned by -90 degrees around its middle only")
        ascent, descent = font.getmetrics()
        length = math.ceil(font.getlength(content))
        mask = require("PIL.Image", extra="png").new("L", (length, ascent + descent), 0)
        require("PIL.ImageDraw", extra="png").Draw(mask).text((0, ascent), content, fill=255, font=font, anchor="ls")
        mask = mask.rotate(90, expand=True)
        self._image.paste(ink, (round(at[0] - ascent), round(at[1] - length / 2)), mask)

    def _ink(self, element: ElementTree.Element, name: str) -> Ink | None:
        """The colour that an attribute names, None for none."""
        colour = element.get(name, "none")
        if colour == "none":
            return None
        return self._current if colour == "currentColor" else _hex(colour)


def _faded(ink: Ink, opacity: str | None) -> Ink:
    """What an ink looks like on the paper."""
    share = float(opacity or 1)
    red, green, blue = (round(p + (i - p) * share) for i, p in zip(ink, _PAPER, strict=True))
    return red, green, blue


def _hex(colour: str) -> Ink:
    """``#rgb`` or ``#rrggbb``."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _arguments(transform: str, name: str) -> list[float]:
    """The numbers of ``name(1 2 ...)``."""
    if not transform.startswith(f"{name}("):
        raise ValueError(f"the transformation '{transform}' is not known here; only {name}")
    return [float(number) for number in transform[len(name) + 1 : -1].split()]


def _points(element: ElementTree.Element) -> list[Place]:
    pairs = (pair.split(",") for pair in element.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


def _moved(place: Place, shift: Place) -> Place:
    return place[0] + shift[0], place[1] + shift[1]


def _pixels(places: Sequence[Place]) -> list[Place]:
    return [(x * _PIXELS, y * _PIXELS) for x, y in places]


def _dashed(places: Sequence[Place], pattern: Sequence[float]) -> Iterator[list[Place]]:
    """The parts of a line that are drawn; ``pattern`` holds lengths, drawn and left out in turn."""
    number, left = 0, pattern[0]  # of the pattern, and what is left of its current length
    part = list(places[:1])
    for (x1, y1), (x2, y2) in pairwise(places):
        length = math.dist((x1, y1), (x2, y2))
        done = 0.0
        while length - done > left:
            done += left
            place = (x1 + (x2 - x1) * done / length, y1 + (y2 - y1) * done / length)
            if number % 2 == 0:
                yield [*part, place]
            part = [place]
            number += 1
            left = pattern[number % len(pattern)]
        left -= length - done
        part.append((x2, y2))
    if number % 2 == 0 and len(part) > 1:
        yield part
