"""The few SVG elements that charts are drawn with.

Text and axes take ``currentColor``, and the paper is a rectangle of class ``paper``: alone, a chart is dark on white;
inside a page, the page's own colours apply, light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def document(body: Iterable[str], *, title: str, width: int, height: int) -> str:
    """A whole SVG document with white paper; ``title`` is what a screen reader says."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="12" color="#222" fill="currentColor">\n'
        f"<title>{escape(title)}</title>"
    )
    return "\n".join((head, f'<rect class="paper" width="{width}" height="{height}" fill="#fff"/>', *body, "</svg>\n"))


def text(x: float, y: float, content: str, anchor: str, more: str = "") -> str:
    """A line of text; ``anchor`` is ``start``, ``middle`` or ``end``, ``more`` further attributes."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>{escape(content)}</text>'


def heading(x: float, y: float, content: str) -> str:
    """The title above a plot."""
    return text(x, y, content, "start", ' font-weight="bold" font-size="15"')


def line(x1: float, y1: float, x2: float, y2: float, more: str = ' stroke="currentColor"') -> str:
    """A straight line; ``more`` holds its stroke."""
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"{more}/>'


FAINT = ' stroke="currentColor" stroke-opacity="0.18"'  #: the stroke of grid lines
FAINT_INK = ' fill-opacity="0.65"'  #: the fill of text that says less
