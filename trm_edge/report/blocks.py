"""Curves drawn with characters, for terminals, in eighths of a line where the terminal has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EIGHTHS = " ▁▂▃▄▅▆▇█"  #: from nothing to a full cell
PLAIN = " .:|"  #: the same for terminals that know ASCII only


def columns(shares: Sequence[float], *, width: int, height: int, glyphs: str = EIGHTHS) -> list[str]:
    """Columns as high as ``shares`` say, as lines of text from the highest to the lowest.

    Args:
        shares: 0 (empty, but for a trace) to 1 (full), at least one. Where they are more than ``width``, a column
            is the mean of neighbours; where they are fewer, they are wider than a character.
        width: characters.
        height: lines.
        glyphs: one for each filling of a cell, rising.
    """
    values = np.asarray(shares, dtype=np.float64)
    if values.size > width:
        values = np.array([lot.mean() for lot in np.array_split(values, width)])
    values = values[np.arange(width) * values.size // width]
    fine = len(glyphs) - 1
    filled = np.maximum(1, np.rint(values.clip(0, 1) * height * fine)).astype(int)  # [width], in parts of a cell
    return ["".join(glyphs[part] for part in (filled - row * fine).clip(0, fine)) for row in reversed(range(height))]
