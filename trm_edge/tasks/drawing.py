"""Pictures of grids, for a terminal (rich), as SVG and as PNG (Pillow).

A task says what each cell looks like (:class:`Cell`); this module knows nothing of puzzles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from trm_edge.optional import require

if TYPE_CHECKING:
    from rich.text import Text

_CELL = 40  # side of a cell, in the units of an SVG; a PNG has SCALE pixels a unit
FONT = 0.55 * _CELL
_MARGIN = 4
SCALE = 2  #: pixels of a PNG to a point of the SVG
_THIN, _THICK = 1, 3
PAPER, INK, _RULE, _MARK = "#ffffff", "#111827", "#9ca3af", "#f59e0b"


@dataclass(frozen=True)
class Cell:
    """One cell of a picture.

    Attributes:
        text: one character drawn in the middle, or nothing.
        fill: background ``#rrggbb``, or None for the paper.
        ink: colour of the text, or None for the default.
        bold: draw the text in bold.
        changed: mark the cell as changed.
        glyph: what a terminal, which may have no colours, shows in place of ``text``: one character, or two
            on a picture without boxes.
    """

    text: str = ""
    fill: str | None = None
    ink: str | None = None
    bold: bool = False
    changed: bool = False
    glyph: str | None = None


@dataclass(frozen=True)
class Picture:
    """A grid of cells.

    Attributes:
        title: said to screen readers.
        cells: rows of equal length; may be empty.
        lines: draw thin lines between cells.
        box: rows and columns between two bold lines, or None for no bold lines.
    """

    title: str
    cells: tuple[tuple[Cell, ...], ...]
    lines: bool = True
    box: tuple[int, int] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.cells), len(self.cells[0]) if self.cells else 0


# -- terminal -------------------------------------------------------------------------------------
def to_text(picture: Picture) -> Text:
    """The picture as rich text: ruled where it has boxes, coloured tiles elsewhere; changed cells carry a ``*``."""
    from rich.text import Text

    if not picture.cells:
        return Text("(empty grid)")
    return _ruled(picture) if picture.box else _tiles(picture)


def _tiles(picture: Picture) -> Text:
    from rich.text import Text

    text = Text()
    for number, row in enumerate(picture.cells):
        text.append("\n" if number else "")
        for cell in row:
            glyph = f"{cell.glyph or cell.text:<2}"
            text.append(glyph[0] + "*" if cell.changed else glyph, style=_style(cell))
    return text


def _ruled(picture: Picture) -> Text:
    from rich.text import Text

    rows, columns = picture.shape
    box_rows, box_columns = picture.box or (rows, columns)

    def rule(left: str, thin: str, thick: str, right: str, dash: str) -> str:
        joints = [thick if column % box_columns == 0 else thin for column in range(1, columns)]
        return left + "".join(dash * 3 + joint for joint in joints) + dash * 3 + right

    text = Text(rule("┏", "┯", "┳", "┓", "━"))
    for number, row in enumerate(picture.cells, start=1):
        text.append("\n┃")
        for column, cell in enumerate(row, start=1):
            text.append(f" {cell.glyph or cell.text or ' '}{'*' if cell.changed else ' '}", style=_style(cell))
            text.append("┃" if column == columns or column % box_columns == 0 else "│")
        if number == rows:
            text.append("\n" + rule("┗", "┷", "┻", "┛", "━"))
        elif number % box_rows == 0:
            text.append("\n" + rule("┣", "┿", "╋", "┫", "━"))
        else:
            text.append("\n" + rule("┠", "┼", "╂", "┨", "─"))
    return text


def _style(cell: Cell) -> str:
    # A terminal has a background of its own: dark ink is only named where the cell brings its own fill.
    ink = cell.ink or (INK if cell.fill else "")
    return " ".join(filter(None, ["bold" if cell.bold else "", ink, f"on {cell.fill}" if cell.fill else ""]))


# -- shapes, common to SVG and PNG ----------------------------------------------------------------
@dataclass(frozen=True)
class _Bar:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str


@dataclass(frozen=True)
class _Label:
    """A text centred on a point."""

    x: float
    y: float
    text: str
    ink: str
    bold: bool


def picture_size(picture: Picture) -> tuple[int, int]:
    """Width and height in points."""
    rows, columns = picture.shape
    return 2 * _MARGIN + _CELL * max(columns, 1), 2 * _MARGIN + _CELL * max(rows, 1)


def _shapes(picture: Picture) -> Iterator[_Bar | _Label]:
    width, height = picture_size(picture)
    yield _Bar(0, 0, width, height, PAPER)
    for row, cells in enumerate(picture.cells):
        for column, cell in enumerate(cells):
            x, y = _MARGIN + column * _CELL, _MARGIN + row * _CELL
            if cell.fill:
                yield _Bar(x, y, _CELL, _CELL, cell.fill)
    yield from _rules(picture)
    for row, cells in enumerate(picture.cells):
        for column, cell in enumerate(cells):
            x, y = _MARGIN + column * _CELL, _MARGIN + row * _CELL
            if cell.changed:
                yield from _frame(x + 3, y + 3, _CELL - 6, _CELL - 6, 3, _MARK)
            if cell.text:
                yield _Label(x + _CELL / 2, y + _CELL / 2, cell.text, cell.ink or INK, cell.bold)


def _rules(picture: Picture) -> Iterator[_Bar]:
    rows, columns = picture.shape
    if not picture.cells:
        return
    box_rows, box_columns = picture.box or (rows, columns)
    # Thin lines first, so that no thin line crosses a bold one.
    for thick in (False, True) if picture.lines else (True,):
        weight, ink = (_THICK, INK) if thick else (_THIN, _RULE)
        for row in range(rows + 1):
            if thick == (row % box_rows == 0):
                yield _Bar(
                    _MARGIN - weight / 2, _MARGIN + row * _CELL - weight / 2, columns * _CELL + weight, weight, ink
                )
        for column in range(columns + 1):
            if thick == (column % box_columns == 0):
                yield _Bar(
                    _MARGIN + column * _CELL - weight / 2, _MARGIN - weight / 2, weight, rows * _CELL + weight, ink
                )


def _frame(x: float, y: float, width: float, height: float, weight: float, ink: str) -> Iterator[_Bar]:
    yield _Bar(x, y, width, weight, ink)
    yield _Bar(x, y + height - weight, width, weight, ink)
    yield _Bar(x, y, weight, height, ink)
    yield _Bar(x + width - weight, y, weight, height, ink)


# -- files ----------------------------------------------------------------------------------------
def to_svg(picture: Picture) -> str:
    """The picture as an SVG document, without scripts or outside references."""
    width, height = picture_size(picture)
    title = escape(picture.title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{title}" font-family="Helvetica, Arial, sans-serif" font-size="{FONT:g}"'
        f' text-anchor="middle"><title>{title}</title>'
    ]
    for shape in _shapes(picture):
        if isinstance(shape, _Bar):
            parts.append(
                f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}"'
                f' fill="{shape.fill}"/>'
            )
        else:
            weight = ' font-weight="700"' if shape.bold else ""
            base = shape.y + 0.36 * FONT  # half a capital's height: browsers differ over dominant-baseline
            parts.append(f'<text x="{shape.x:g}" y="{base:g}" fill="{shape.ink}"{weight}>{escape(shape.text)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def to_png(picture: Picture) -> bytes:
    """The picture as the bytes of a PNG file.

    Raises:
        MissingDependency: Pillow is not installed.
    """
    image, draw, font = canvas(*picture_size(picture))
    for shape in _shapes(picture):
        if isinstance(shape, _Bar):
            left, top = round(shape.x * SCALE), round(shape.y * SCALE)
            right, bottom = round((shape.x + shape.width) * SCALE), round((shape.y + shape.height) * SCALE)
            draw.rectangle((left, top, right - 1, bottom - 1), fill=shape.fill)  # Pillow's corner is inclusive
        else:
            # Pillow's own font has one weight: a stroke of the same colour stands for bold.
            draw.text(
                (shape.x * SCALE, shape.y * SCALE), shape.text, fill=shape.ink, font=font, anchor="mm",
                stroke_width=1 if shape.bold else 0,
            )  # fmt: skip
    return png_bytes(image)


def canvas(width: int, height: int) -> tuple[Any, Any, Any]:
    """An empty Pillow image of that many points, its drawing tool, and the font.

    Raises:
        MissingDependency: Pillow is not installed.
    """
    image = require("PIL.Image", extra="png").new("RGB", (width * SCALE, height * SCALE), PAPER)
    font = require("PIL.ImageFont", extra="png").load_default(size=FONT * SCALE)
    return image, require("PIL.ImageDraw", extra="png").Draw(image), font


def png_bytes(image: Any) -> bytes:
    """A Pillow image as the bytes of a PNG file."""
    out = BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()
