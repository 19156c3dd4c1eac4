"""A line chart with a logarithmic scale as a self-contained SVG document.

Knows numbers and text; does not know what they measure. Colours are Okabe and Ito's, which colour-blind people tell
apart; every line also has its own dash.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 78, 52  #: margins around the plot

_STYLES = (("#0072b2", ""), ("#d55e00", "7 4"), ("#009e73", "2 3"), ("#cc79a7", "9 3 2 3"))
_LEGEND_COLUMN = 205  #: width of one entry of the legend
_MOST_LABELS = 16  #: of the x axis


@dataclass(frozen=True)
class Line:
    """One line: its name and its points (x, y). Points that are not finite are left out."""

    name: str
    points: Sequence[tuple[float, float]]


def line_chart(lines: Sequence[Line], *, title: str, x_label: str, y_label: str) -> str:
    """Draw up to four lines over whole numbers of x; y is logarithmic, and y = 0 lies on the bottom edge."""
    values = [y for line in lines for _, y in line.points if y > 0 and math.isfinite(y)]
    low = math.floor(math.log10(min(values, default=1e-3)))
    high = max(low + 1, math.ceil(math.log10(max(values, default=1.0))))
    columns = sorted({int(x) for line in lines for x, _ in line.points}) or [1]
    plot = _Plot(columns[0], max(columns[-1], columns[0] + 1), low, high)
    body = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 24, title, "start", ' font-weight="bold" font-size="15"'),
        *plot.axes(columns, x_label, y_label),
    ]
    for number, line in enumerate(lines):
        colour, dash = _STYLES[number % len(_STYLES)]
        stroke = f'stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
        points = [plot.at(x, y) for x, y in line.points if math.isfinite(y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body.append(f'<polyline fill="none" {stroke} points="{path}"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        x = LEFT + number * _LEGEND_COLUMN
        body.append(f'<line x1="{x}" x2="{x + 28}" y1="46" y2="46" {stroke}/>')
        body.append(_text(x + 34, 50, line.name, "start"))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="sans-serif" font-size="12" fill="#222">\n<title>{escape(title)}</title>'
    )
    return "\n".join((head, *body, "</svg>\n"))


@dataclass(frozen=True)
class _Plot:
    """Where values lie on the page: x from ``first`` to ``last``, y from 10^``low`` to 10^``high``."""

    first: int
    last: int
    low: int
    high: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        exponent = math.log10(y) if y > 0 else self.low
        share = (exponent - self.low) / (self.high - self.low)
        across = LEFT + (x - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def axes(self, columns: Sequence[int], x_label: str, y_label: str) -> Iterator[str]:
        for exponent in range(self.low, self.high + 1, max(1, (self.high - self.low) // 8)):
            _, y = self.at(self.first, 10.0**exponent)
            yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            yield _text(LEFT - 8, y + 4, f"1e{exponent}", "end")
        for x in columns[:: math.ceil(len(columns) / _MOST_LABELS)]:
            across, bottom = self.at(x, 0.0)
            yield f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{bottom}" y2="{bottom + 5}" stroke="#222"/>'
            yield _text(across, bottom + 19, str(x), "middle")
        bottom, middle = HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) // 2
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#222"/>'
        yield _text((LEFT + WIDTH - RIGHT) // 2, HEIGHT - 12, x_label, "middle")
        yield _text(20, middle, y_label, "middle", f' transform="rotate(-90 20 {middle})"')


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
