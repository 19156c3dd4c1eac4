"""Several pictures with captions as one SVG document or one PNG file: a question, the steps, the answer.

Knows how to place pictures; what is in them is :mod:`trm_edge.tasks.drawing`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

from trm_edge.optional import require
from trm_edge.tasks.drawing import FONT, INK, PAPER, SCALE, Picture, canvas, picture_size, png_bytes, to_png, to_svg

_COLUMNS = 4
_CAPTION = 34  #: height of a caption, in the units of an SVG
_GAP = 16


@dataclass(frozen=True)
class Frame:
    """A picture and the line under it."""

    picture: Picture
    caption: str


def strip_svg(frames: Sequence[Frame]) -> str:
    """The frames as one SVG document, at most four a row."""
    width, height = _sheet(frames)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="Helvetica, Arial, sans-serif" font-size="{FONT}" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    for frame, x, y in _placed(frames):
        across, down = picture_size(frame.picture)
        middle, base = x + across / 2, y + down + 0.7 * _CAPTION
        parts.append(f'<g transform="translate({x} {y})">\n{to_svg(frame.picture)}</g>')
        parts.append(f'<text x="{middle:g}" y="{base:g}" fill="{INK}">{escape(frame.caption)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def strip_png(frames: Sequence[Frame]) -> bytes:
    """The same sheet as the bytes of a PNG file.

    Raises:
        MissingDependency: Pillow is not installed.
    """
    sheet, draw, font = canvas(*_sheet(frames))
    image_module = require("PIL.Image", extra="png")
    for frame, x, y in _placed(frames):
        across, down = picture_size(frame.picture)
        sheet.paste(image_module.open(BytesIO(to_png(frame.picture))), (x * SCALE, y * SCALE))
        middle = ((x + across / 2) * SCALE, (y + down + _CAPTION / 2) * SCALE)
        draw.text(middle, frame.caption, fill=INK, font=font, anchor="mm")
    return png_bytes(sheet)


def _slot(frames: Sequence[Frame]) -> tuple[int, int]:
    """Width and height of the place that any of the frames fits in, with the gap after it."""
    sizes = [picture_size(frame.picture) for frame in frames]
    return max(width for width, _ in sizes) + _GAP, max(height for _, height in sizes) + _CAPTION + _GAP


def _sheet(frames: Sequence[Frame]) -> tuple[int, int]:
    width, height = _slot(frames)
    return _GAP + width * min(_COLUMNS, len(frames)), _GAP + height * -(-len(frames) // _COLUMNS)


def _placed(frames: Sequence[Frame]) -> Iterator[tuple[Frame, int, int]]:
    """Each frame with the left and top of its picture."""
    width, height = _slot(frames)
    for number, frame in enumerate(frames):
        row, column = divmod(number, _COLUMNS)
        yield frame, _GAP + column * width, _GAP + row * height
