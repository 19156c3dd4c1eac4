"""Horizontal bars in groups, as a self-contained SVG document. Knows numbers and text, not what they measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trm_edge.report import svg
from trm_edge.report.chart import BLUE, WIDTH

_EDGE, _TOP, _ROW, _THICK = 24, 46, 18, 12
_NAMES = 250  #: where bars begin
_NUMBERS = 92  #: room for the text behind the longest bar
_CHARACTERS = 36  #: of a bar's name that fit
_GAP = 12  #: above a group


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        name: stands before it.
        value: its length, not negative.
        text: stands behind it.
    """

    name: str
    value: float
    text: str


@dataclass(frozen=True)
class Group:
    """Bars under a heading; their lengths compare with each other, not with other groups'."""

    name: str
    bars: Sequence[Bar]


def draw(groups: Sequence[Group], *, title: str) -> str:
    """All groups below each other."""
    body, y = [svg.heading(_EDGE, 28, title)], _TOP
    for group in groups:
        y += _GAP
        body.append(svg.text(_EDGE, y + _THICK, group.name, "start", ' font-weight="bold"'))
        y += _ROW
        longest = max((bar.value for bar in group.bars), default=0.0) or 1.0
        for bar in group.bars:
            length = bar.value / longest * (WIDTH - _NAMES - _NUMBERS)
            name = bar.name if len(bar.name) <= _CHARACTERS else f"{bar.name[: _CHARACTERS - 1]}…"
            body.append(svg.text(_NAMES - 8, y + _THICK - 2, name, "end"))
            body.append(f'<rect x="{_NAMES}" y="{y}" width="{length:.1f}" height="{_THICK}" fill="{BLUE}"/>')
            body.append(svg.text(round(_NAMES + length + 6, 1), y + _THICK - 2, bar.text, "start"))
            y += _ROW
    return svg.document(body, title=title, width=WIDTH, height=y + _EDGE)
