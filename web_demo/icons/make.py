"""Draws the PNG icons that some systems want beside icon.svg: ``python web_demo/icons/make.py``. Needs Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_BLUE, _WHITE, _PALE, _AMBER = "#2c4bd8", "#ffffff", "#8b9deb", "#ffbe4d"
_SHARPER = 4  # drawn larger, then made smaller: smooth corners


def icon(size: int) -> Image.Image:
    """The icon on a full square, so that a system may cut any shape out of it (a "maskable" icon)."""
    from PIL import Image, ImageDraw

    unit = size * _SHARPER / 96
    picture = Image.new("RGB", (size * _SHARPER, size * _SHARPER), _BLUE)
    draw = ImageDraw.Draw(picture)
    for number in range(9):
        x, y = (20 + 20 * (number % 3)) * unit, (20 + 20 * (number // 3)) * unit
        fill = _AMBER if number == 4 else _PALE if number % 2 else _WHITE
        draw.rounded_rectangle((x, y, x + 16 * unit, y + 16 * unit), 4 * unit, fill=fill)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    for side in (192, 512):
        icon(side).save(Path(__file__).with_name(f"icon-{side}.png"), optimize=True)
