"""A table as plain data, and its two pictures: a rich table for terminals, HTML for pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows of text under heads.

    Attributes:
        title: what the table shows.
        heads: one for each column; a line break is where a terminal may break it.
        rows: cells, as many in each row as there are heads. The first cell names the row.
        words: number of leading columns that hold words, set to the left; numbers stand to the right.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 0


def percent(share: float | None) -> str:
    """A share as a cell shows it. Never rounded up: 99.99 % must not read as 100 %."""
    return "-" if share is None else f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"


def to_rich(table: Table) -> Any:
    """The table for a terminal of 80 columns; imports rich."""
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(
        title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for number, head in enumerate(table.heads):
        drawn.add_column(
            head, justify="left" if number < table.words else "right", no_wrap=number >= table.words, overflow="fold"
        )
    for row in table.rows:
        drawn.add_row(*row)
    return drawn


def to_html(table: Table) -> str:
    """The table for a page. It scrolls by itself where the page is narrow, with the keyboard, too."""
    heads = "".join(
        f'<th scope="col"{_side(number, table)}>{escape(" ".join(head.split()))}</th>'
        for number, head in enumerate(table.heads)
    )
    rows = "\n".join(f"<tr>{_cells(row, table)}</tr>" for row in table.rows)
    title = escape(table.title)
    return (
        f'<div class="scroll" role="region" aria-label="{title}" tabindex="0">\n<table>\n<caption>{title}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _cells(row: Sequence[str], table: Table) -> str:
    first, *others = row
    cells = (f"<td{_side(number, table)}>{escape(cell)}</td>" for number, cell in enumerate(others, start=1))
    return f'<th scope="row"{_side(0, table)}>{escape(first)}</th>{"".join(cells)}'


def _side(column: int, table: Table) -> str:
    return ' class="word"' if column < table.words else ""
