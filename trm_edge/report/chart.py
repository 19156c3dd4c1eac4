"""Line charts over whole numbers as self-contained SVG documents, one or several below each other.

Knows numbers and text; does not know what they measure. Colours are Okabe and Ito's, which colour-blind people tell
apart; every line also has its own dash.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trm_edge.report import svg
from trm_edge.report.scale import Scale, decades, linear

WIDTH, HEIGHT = 720, 420
STACKED_HEIGHT = 300  #: of one of several charts
_STACK_TOP = 44  #: room for the title above them
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 78, 52  #: margins around the plot

BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"

_STYLES = ((BLUE, ""), (ORANGE, "7 4"), (GREEN, "2 3"), (PINK, "9 3 2 3"))
_LEGEND_COLUMNS = 3  #: room for as many entries, or for more that are shorter
_MOST_LABELS = 16  #: of the x axis


@dataclass(frozen=True)
class Line:
    """One line: its name and its points (x, y). Points that are not finite are left out."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Up to four lines over whole numbers of x.

    Attributes:
        lines: the lines.
        title: what stands above them.
        x_label: what x is.
        y_label: what y is.
        logarithmic: the y axis is, and y = 0 lies on its bottom edge; else it is linear and begins at 0.
    """

    lines: Sequence[Line]
    title: str
    x_label: str
    y_label: str
    logarithmic: bool = True


def line_chart(lines: Sequence[Line], *, title: str, x_label: str, y_label: str) -> str:
    """Draw up to four lines over whole numbers of x; y is logarithmic, and y = 0 lies on the bottom edge."""
    return draw(Chart(lines, title, x_label, y_label))


def draw(chart: Chart) -> str:
    """One chart as a document."""
    return svg.document(_elements(chart, HEIGHT), title=chart.title, width=WIDTH, height=HEIGHT)


def draw_stacked(charts: Sequence[Chart], *, title: str) -> str:
    """Several charts below each other as one document; ``title`` stands for all of them."""
    body = [svg.text(24, 30, title, "start", ' font-weight="bold" font-size="18"')]
    for number, chart in enumerate(charts):
        top = _STACK_TOP + number * STACKED_HEIGHT
        body += [f'<g transform="translate(0 {top})">', *_elements(chart, STACKED_HEIGHT), "</g>"]
    return svg.document(body, title=title, width=WIDTH, height=_STACK_TOP + len(charts) * STACKED_HEIGHT)


def _elements(chart: Chart, height: int) -> Iterator[str]:
    values = [y for line in chart.lines for _, y in line.points]
    columns = sorted({int(x) for line in chart.lines for x, _ in line.points}) or [1]
    scale = decades(values) if chart.logarithmic else linear([0.0, *values], whole=True)
    plot = _Plot(columns[0], max(columns[-1], columns[0] + 1), scale, height)
    yield svg.heading(LEFT, 24, chart.title)
    yield from plot.axes(columns, chart.x_label, chart.y_label)
    entry = (WIDTH - LEFT - RIGHT) / max(_LEGEND_COLUMNS, len(chart.lines))
    for number, line in enumerate(chart.lines):
        colour, dash = _STYLES[number % len(_STYLES)]
        stroke = f' stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
        points = [plot.at(x, y) for x, y in line.points if math.isfinite(y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline fill="none"{stroke} points="{path}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
        x = LEFT + number * entry
        yield svg.line(x, 46, x + 28, 46, stroke)
        yield svg.text(x + 34, 50, line.name, "start")


@dataclass(frozen=True)
class _Plot:
    """Where values lie on the page: x from ``first`` to ``last``, y on its scale."""

    first: int
    last: int
    scale: Scale
    height: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)
        bottom = self.height - BOTTOM
        return across, bottom - self.scale.share(y) * (bottom - TOP)

    def axes(self, columns: Sequence[int], x_label: str, y_label: str) -> Iterator[str]:
        bottom, middle = self.height - BOTTOM, (TOP + self.height - BOTTOM) // 2
        for tick, label in zip(self.scale.ticks, self.scale.labels, strict=True):
            _, y = self.at(self.first, tick)
            yield svg.line(LEFT, y, WIDTH - RIGHT, y, svg.FAINT)
            yield svg.text(LEFT - 8, y + 4, label, "end")
        for x in columns[:: math.ceil(len(columns) / _MOST_LABELS)]:
            across, _ = self.at(x, self.scale.low)
            yield svg.line(across, bottom, across, bottom + 5)
            yield svg.text(across, bottom + 19, str(x), "middle")
        yield svg.line(LEFT, bottom, WIDTH - RIGHT, bottom)
        yield svg.text((LEFT + WIDTH - RIGHT) // 2, self.height - 12, x_label, "middle")
        yield svg.text(20, middle, y_label, "middle", f' transform="rotate(-90 20 {middle})"')
