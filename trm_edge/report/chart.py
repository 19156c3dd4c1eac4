"""Line charts over whole numbers as self-contained SVG documents, one or several below each other.

Knows numbers and text; does not know what they measure. Colours are Okabe and Ito's, which colour-blind people tell
apart; every line also has its own dash.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from trm_edge.report import svg
from trm_edge.report.scale import Scale, decades, linear

WIDTH, HEIGHT = 720, 420
STACKED_HEIGHT = 300  #: of one of several charts
_STACK_TOP = 44  #: room for the title above them
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 78, 52  #: margins around the plot

BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
AMBER, SKY = "#e69f00", "#56b4e9"

_STYLES = ((BLUE, ""), (ORANGE, "7 4"), (GREEN, "2 3"), (PINK, "9 3 2 3"), (AMBER, "12 3"), (SKY, "5 2"))
_LEGEND_COLUMNS = (3, 4)  #: room for as many entries in a row, or for more that are shorter
_ROW = 16  #: height of a further row of the legend, and of labels
_MOST_LABELS = 16  #: of the x axis
_MOST_MARKS = 40  #: beyond these, points are not marked on their line


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: what the legend calls it.
        points: (x, y); those that are not finite are left out.
        band: (x, low, high), what the line is the middle of; drawn faintly behind it.
    """

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Chart:
    """Up to six lines over whole numbers of x.

    Attributes:
        lines: the lines.
        title: what stands above them.
        x_label: what x is.
        y_label: what y is.
        logarithmic: the y axis is, and y = 0 lies on its bottom edge; else it is linear and begins at 0.
        y_scale: the y axis, where it is neither.
        x_ends: where the x axis begins and ends; None: at the first and the last point.
        x_notes: what stands in a second row under the label of an x.
    """

    lines: Sequence[Line]
    title: str
    x_label: str
    y_label: str
    logarithmic: bool = True
    y_scale: Scale | None = None
    x_ends: tuple[int, int] | None = None
    x_notes: Callable[[int], str] | None = None


def line_chart(lines: Sequence[Line], *, title: str, x_label: str, y_label: str) -> str:
    """Draw up to six lines over whole numbers of x; y is logarithmic, and y = 0 lies on the bottom edge."""
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
    first, last = chart.x_ends or (columns[0], columns[-1])
    if len(columns) > _MOST_LABELS or chart.x_ends:
        columns = [int(x) for x in linear([first, last], whole=True).ticks if first <= x <= last]
    scale = chart.y_scale or (decades(values) if chart.logarithmic else linear([0.0, *values], whole=True))
    shortest, longest = _LEGEND_COLUMNS
    per_row = min(max(shortest, len(chart.lines)), longest)
    rows = max(1, math.ceil(len(chart.lines) / per_row))
    bottom = height - BOTTOM - (_ROW if chart.x_notes else 0)
    plot = _Plot(first, max(last, first + 1), scale, TOP + (rows - 1) * _ROW, bottom)
    yield svg.heading(LEFT, 24, chart.title)
    yield from plot.axes(columns, chart)
    for number, line in enumerate(chart.lines):
        colour, dash = _STYLES[number % len(_STYLES)]
        if line.band:
            edge = [(x, low) for x, low, _ in line.band] + [(x, high) for x, _, high in reversed(line.band)]
            yield f'<polygon fill="{colour}" fill-opacity="0.16" points="{plot.path(edge)}"/>'
        stroke = f' stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
        yield f'<polyline fill="none"{stroke} points="{plot.path(line.points)}"/>'
        if len(line.points) <= _MOST_MARKS:
            places = [plot.at(x, y) for x, y in line.points if math.isfinite(y)]
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        row, column = divmod(number, per_row)
        x, y = LEFT + column * (WIDTH - LEFT - RIGHT) / per_row, 46 + row * _ROW
        yield svg.line(x, y, x + 28, y, stroke)
        yield svg.text(x + 34, y + 4, line.name, "start")


@dataclass(frozen=True)
class _Plot:
    """Where values lie on the page: x from ``first`` to ``last``, y on its scale between ``top`` and ``bottom``."""

    first: int
    last: int
    scale: Scale
    top: int
    bottom: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)
        return across, self.bottom - self.scale.share(y) * (self.bottom - self.top)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """The finite ones of the points, as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(x, y) for x, y in points if math.isfinite(y)))

    def axes(self, columns: Sequence[int], chart: Chart) -> Iterator[str]:
        bottom, middle = self.bottom, (self.top + self.bottom) // 2
        for tick, label in zip(self.scale.ticks, self.scale.labels, strict=True):
            _, y = self.at(self.first, tick)
            yield svg.line(LEFT, y, WIDTH - RIGHT, y, svg.FAINT)
            yield svg.text(LEFT - 8, y + 4, label, "end")
        for x in columns:
            across, _ = self.at(x, self.scale.low)
            yield svg.line(across, bottom, across, bottom + 5)
            yield svg.text(across, bottom + 19, f"{x:,}", "middle")
            if chart.x_notes:
                yield svg.text(across, bottom + 19 + _ROW, chart.x_notes(x), "middle", svg.FAINT_INK)
        yield svg.line(LEFT, bottom, WIDTH - RIGHT, bottom)
        label_y = bottom + 40 + (_ROW if chart.x_notes else 0)
        yield svg.text((LEFT + WIDTH - RIGHT) // 2, label_y, chart.x_label, "middle")
        yield svg.text(20, middle, chart.y_label, "middle", f' transform="rotate(-90 20 {middle})"')
