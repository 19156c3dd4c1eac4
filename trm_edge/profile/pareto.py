"""Which of several candidates are worth a look: the Pareto front of accuracy against time, and its pictures.

One picture has a point a candidate, the other a series of points a candidate. Knows points; does not know what was
measured for them, or how.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trm_edge.report import svg
from trm_edge.report.chart import (
    AMBER,
    BLUE,
    BOTTOM,
    GREEN,
    HEIGHT,
    LEFT,
    ORANGE,
    PINK,
    RIGHT,
    SKY,
    TOP,
    WIDTH,
)
from trm_edge.report.scale import Scale, linear, ratios

_RADIUS = 5  #: of a mark
_NUMBER, _LINE = 16, 12  #: room that a mark's number takes
_KEY_COLUMNS, _KEY_LINE = 2, 18  #: of the names below the plot
_KEY_CHARACTERS = 46  #: that fit into a column
_COLOURS = (BLUE, ORANGE, GREEN, PINK, AMBER, SKY)  #: of series
_BAR = ' stroke="currentColor" stroke-opacity="0.45"'  #: the stroke of an interval


@dataclass(frozen=True)
class Point:
    """One candidate.

    Attributes:
        name: what the picture calls it.
        ms: milliseconds a puzzle; less is better.
        exact: share of right answers; more is better.
        low: lower end of the interval around it.
        high: its upper end.
        competes: False: shown for comparison, never on the front.
        series: what it is one of several points of, in the picture of series.
        curve: points of a series with one curve are joined in the order they come; those with none are not.
    """

    name: str
    ms: float
    exact: float
    low: float
    high: float
    competes: bool = True
    series: str = ""
    curve: str = ""


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats: at least as exact and as fast, and better in one. Fastest first.

    Points that are equal in both stay together, on the front or off it.
    """
    competing = [point for point in points if point.competes]

    def beaten(point: Point) -> bool:
        return any(
            other.ms <= point.ms and other.exact >= point.exact and (other.ms, other.exact) != (point.ms, point.exact)
            for other in competing
        )

    return sorted((point for point in competing if not beaten(point)), key=lambda point: (point.ms, point.name))


def draw(points: Sequence[Point], *, title: str) -> str:
    """Accuracy against time as an SVG document.

    The front is a line through filled discs; the rest are hollow diamonds, and what does not compete is a square, so
    that no colour is needed to tell them apart. Bars are the intervals; numbers lead to the names, fastest first.
    """
    plot = _Plot(ratios(p.ms for p in points), linear(100 * end for p in points for end in (p.low, p.high)))
    best = front(points)
    points = sorted(points, key=lambda point: (point.ms, point.name))
    body = [svg.heading(LEFT, 24, title), *_legend(points), *plot.axes("median")]
    body.append(_steps([plot.at(point) for point in best]))
    for point in points:
        x, _ = plot.at(point)
        body.append(svg.line(x, plot.height(point.low), x, plot.height(point.high), _BAR))
    body += [_mark(*plot.at(point), on_front=point in best, competes=point.competes) for point in points]
    body += [*_numbers([plot.at(point) for point in points]), *_key(points, best)]
    return svg.document(body, title=title, width=WIDTH, height=HEIGHT + _key_rows(points) * _KEY_LINE)


def draw_series(points: Sequence[Point], *, title: str) -> str:
    """Series of points as an SVG document: curves joined by faint lines, and one front over all of them.

    Each series has a colour and a shape of mark. Marks on the front are filled, have the bars of their intervals and
    numbers that lead to their names, fastest first; the others are hollow.
    """
    plot = _Plot(ratios(p.ms for p in points), linear(100 * end for p in points for end in (p.low, p.high)))
    styles = {name: number for number, name in enumerate(dict.fromkeys(point.series for point in points))}
    best = front(points)
    body = [svg.heading(LEFT, 24, title), *_front_legend(), *plot.axes("mean")]
    for series, curve in dict.fromkeys((point.series, point.curve) for point in points if point.curve):
        places = (plot.at(point) for point in points if (point.series, point.curve) == (series, curve))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        stroke = f'stroke="{_COLOURS[styles[series] % len(_COLOURS)]}" stroke-opacity="0.4"'
        body.append(f'<polyline class="curve" fill="none" {stroke} points="{path}"/>')
    body.append(_steps([plot.at(point) for point in best]))
    for point in best:
        x, _ = plot.at(point)
        body.append(svg.line(x, plot.height(point.low), x, plot.height(point.high), _BAR))
    body += [_shape(*plot.at(p), styles[p.series], filled=p in best) for p in points]
    body += [*_numbers([plot.at(point) for point in best]), *_series_key(styles, best)]
    rows = math.ceil(len(styles) / _KEY_COLUMNS) + _key_rows(best)
    return svg.document(body, title=title, width=WIDTH, height=HEIGHT + (rows + 1) * _KEY_LINE)


@dataclass(frozen=True)
class _Plot:
    """Where points lie on the page."""

    time: Scale
    accuracy: Scale

    def at(self, point: Point) -> tuple[float, float]:
        return self.across(point.ms), self.height(point.exact)

    def across(self, ms: float) -> float:
        return LEFT + self.time.share(ms) * (WIDTH - LEFT - RIGHT)

    def height(self, share: float) -> float:
        return HEIGHT - BOTTOM - self.accuracy.share(100 * share) * (HEIGHT - BOTTOM - TOP)

    def axes(self, which: str) -> Iterator[str]:
        bottom, middle = HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) // 2
        for tick, label in zip(self.accuracy.ticks, self.accuracy.labels, strict=True):
            y = self.height(tick / 100)
            yield svg.line(LEFT, y, WIDTH - RIGHT, y, svg.FAINT)
            yield svg.text(LEFT - 8, y + 4, f"{label} %", "end")
        for tick, label in zip(self.time.ticks, self.time.labels, strict=True):
            x = self.across(tick)
            yield svg.line(x, bottom, x, bottom + 5)
            yield svg.text(x, bottom + 19, label, "middle")
        yield svg.line(LEFT, bottom, WIDTH - RIGHT, bottom)
        yield svg.text((LEFT + WIDTH - RIGHT) // 2, HEIGHT - 12, f"milliseconds a puzzle ({which})", "middle")
        yield svg.text(20, middle, "exact answers", "middle", f' transform="rotate(-90 20 {middle})"')


def _legend(points: Sequence[Point]) -> Iterator[str]:
    kinds = [("on the front", True, True), ("beaten by another", False, True)]
    if not all(point.competes for point in points):
        kinds.append(("for comparison", False, False))
    for number, (name, on_front, competes) in enumerate(kinds):
        x = LEFT + number * 170
        yield _mark(x + 6, 46, on_front=on_front, competes=competes)
        yield svg.text(x + 18, 50, name, "start")


def _mark(x: float, y: float, *, on_front: bool, competes: bool) -> str:
    r = _RADIUS
    if on_front:
        return f'<circle class="front" cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{BLUE}"/>'
    hollow = 'fill="none" stroke-width="2"'
    if competes:
        corners = f"{x:.1f},{y - r:.1f} {x + r:.1f},{y:.1f} {x:.1f},{y + r:.1f} {x - r:.1f},{y:.1f}"
        return f'<polygon class="beaten" points="{corners}" {hollow} stroke="{ORANGE}"/>'
    side = 2 * r
    return (
        f'<rect class="compared" x="{x - r:.1f}" y="{y - r:.1f}" width="{side}" height="{side}" {hollow} '
        'stroke="currentColor"/>'
    )


def _front_legend() -> Iterator[str]:
    yield svg.line(LEFT, 46, LEFT + 28, 46, f' stroke="{BLUE}" stroke-width="1.5"')
    yield svg.text(LEFT + 34, 50, "the front, its points filled and numbered", "start")


def _shape(x: float, y: float, number: int, *, filled: bool) -> str:
    """A mark of series ``number``: shapes and colours repeat, but not together before the thirteenth."""
    r, colour = _RADIUS - 0.5, _COLOURS[number % len(_COLOURS)]
    look = f'class="{"front" if filled else "beaten"}" fill="{colour if filled else "none"}" stroke="{colour}"'
    look += ' stroke-width="1.5"'
    turned = (number + number // 12) % 4
    if turned == 0 and filled:  # an outline would make it larger than the rest
        return f'<circle class="front" cx="{x:.1f}" cy="{y:.1f}" r="{r + 0.5}" fill="{colour}"/>'
    corners = {
        0: [(math.cos(part * math.pi / 6) * r, math.sin(part * math.pi / 6) * r) for part in range(12)],
        1: [(-r, -r), (r, -r), (r, r), (-r, r)],
        2: [(0, -r * 1.25), (r * 1.1, r), (-r * 1.1, r)],
        3: [(0, -r * 1.3), (r * 1.3, 0), (0, r * 1.3), (-r * 1.3, 0)],
    }[turned]
    return f'<polygon {look} points="{" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)}"/>'


def _series_key(styles: dict[str, int], best: Sequence[Point]) -> Iterator[str]:
    """Marks and names of the series, and below them the names behind the numbers, in columns read downwards."""
    rows = math.ceil(len(styles) / _KEY_COLUMNS)
    for name, number in styles.items():
        column, row = divmod(number, rows)
        x, y = LEFT + column * (WIDTH - LEFT) / _KEY_COLUMNS, HEIGHT + (row + 0.5) * _KEY_LINE
        yield _shape(x + 5, y - 4, number, filled=True)
        yield svg.text(x + 16, y, _shortened(name), "start")
    below = HEIGHT + rows * _KEY_LINE + _KEY_LINE / 2
    for number, point in enumerate(best, start=1):
        column, row = divmod(number - 1, _key_rows(best))
        x = LEFT + column * (WIDTH - LEFT) / _KEY_COLUMNS
        yield svg.text(x, below + (row + 0.5) * _KEY_LINE, f"{number} {_shortened(point.name)}", "start")


def _steps(places: Sequence[tuple[float, float]]) -> str:
    """The front as stairs: up to the next accuracy only where its time is spent."""
    corners = [f"{x:.1f},{y:.1f}" for x, y in places[:1]]
    for (_, y), (x, next_y) in pairwise(places):
        corners += [f"{x:.1f},{y:.1f}", f"{x:.1f},{next_y:.1f}"]
    return f'<polyline fill="none" stroke="{BLUE}" stroke-width="1.5" points="{" ".join(corners)}"/>'


def _numbers(places: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Each mark's number as near above or below it as no mark and no other number stands already."""
    taken = list(places)  # middles of what is drawn
    for number, (x, y) in enumerate(places, start=1):
        middle = next(
            middle
            for distance in range(_LINE, HEIGHT, _LINE)
            for middle in (y - distance, y + distance)
            if middle >= TOP - _LINE
            and not any(abs(x - other) < _NUMBER and abs(middle - height) < _LINE for other, height in taken)
        )
        taken.append((x, middle))
        yield svg.text(round(x, 1), round(middle + 4, 1), str(number), "middle")


def _key(points: Sequence[Point], best: Sequence[Point]) -> Iterator[str]:
    """The names behind the numbers, in columns read downwards; those on the front in bold."""
    rows = _key_rows(points)
    for number, point in enumerate(points, start=1):
        column, row = divmod(number - 1, rows)
        weight = ' font-weight="bold"' if point in best else ""
        x, y = LEFT + column * (WIDTH - LEFT) / _KEY_COLUMNS, HEIGHT + (row + 0.5) * _KEY_LINE
        yield svg.text(x, y, f"{number} {_shortened(point.name)}", "start", weight)


def _key_rows(points: Sequence[Point]) -> int:
    return max(1, math.ceil(len(points) / _KEY_COLUMNS))


def _shortened(name: str) -> str:
    """A name that fits; its end, often a path's, tells more than its middle."""
    half = _KEY_CHARACTERS // 2
    return name if len(name) <= _KEY_CHARACTERS else f"{name[: half - 1]}…{name[-half:]}"
