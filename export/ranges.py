"""Which range of values 256 integers should cover: four ways to cut a distribution.

Knows histograms only. What lies outside the range is clipped to its ends, what lies inside is rounded; every method
weighs the two against each other in its own way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BINS = 4096
LEVELS = 256
SAMPLE = 1 << 15  #: values of one tensor that are counted, evenly spread; counting all takes longer than the model
PERCENTILE = 99.99  #: share of values that ``percentile`` keeps, in per cent
_CUTS = np.linspace(1.0, 0.2, 81)  #: shares of the largest magnitude that ``mse`` and ``entropy`` try, widest first

Range = tuple[float, float]
"""Smallest and largest value."""


class Histogram:
    """How often values occur; grows as wider values come, so that one look at the data is enough.

    The bins lie symmetrically about zero. When a value does not fit, their width doubles and pairs become one.
    """

    def __init__(self) -> None:
        self.limit = 2.0**-20  #: the bins reach from -limit to limit
        self.counts: NDArray[np.float64] = np.zeros(BINS)

    def add(self, values: Tensor, low: float, high: float) -> None:
        """Count a sample of ``values``, which lie between ``low`` and ``high``."""
        while max(-low, high) > self.limit:
            outer = np.zeros(BINS // 4)
            self.counts = np.concatenate((outer, self.counts.reshape(-1, 2).sum(1), outer))
            self.limit *= 2
        flat = values.reshape(-1)
        some = flat[:: max(1, flat.numel() // SAMPLE)]
        self.counts += torch.histc(some, BINS, -self.limit, self.limit).numpy()

    @property
    def edges(self) -> NDArray[np.float64]:
        """Ends of the bins [bins + 1]."""
        return np.linspace(-self.limit, self.limit, BINS + 1)

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middle of every bin."""
        middle: NDArray[np.float64] = (self.edges[:-1] + self.edges[1:]) / 2
        return middle


def min_max(histogram: Histogram, seen: Range) -> Range:
    """Everything that was seen."""
    return seen


def percentile(histogram: Histogram, seen: Range) -> Range:
    """Keep :data:`PERCENTILE` per cent of the values, cutting as many at either end."""
    share = np.cumsum(histogram.counts) / max(histogram.counts.sum(), 1.0)
    tail = (1 - PERCENTILE / 100) / 2
    first, last = np.searchsorted(share, (tail, 1 - tail))
    edges = histogram.edges
    return max(seen[0], float(edges[first])), min(seen[1], float(edges[min(last + 1, BINS)]))


def mse(histogram: Histogram, seen: Range) -> Range:
    """The cut whose rounding and clipping have the smallest mean squared error."""
    values, weights = histogram.centres, histogram.counts

    def cost(low: float, high: float) -> float:
        scale = max(high - low, 1e-30) / (LEVELS - 1)
        stored = np.rint((np.clip(values, low, high) - low) / scale) * scale + low
        return float((weights * (stored - values) ** 2).sum())

    return _best(seen, cost)


def entropy(histogram: Histogram, seen: Range) -> Range:
    """The cut whose 256 levels tell most about the distribution: least Kullback-Leibler divergence.

    As TensorRT does it: what is cut off counts as values at the ends, which the levels, made of the values inside
    alone, do not expect there. Without this a cut would cost nothing.
    """
    used = histogram.counts > 0
    values, p = histogram.centres[used], histogram.counts[used] / max(histogram.counts.sum(), 1.0)
    width = 2 * histogram.limit / BINS

    def cost(low: float, high: float) -> float:
        first, last = np.searchsorted(values, (low - width, high + width))  # the bins that touch the range
        if first == last:
            return float("inf")
        inside, clipped = p[first:last], p[first:last].copy()
        clipped[0] += p[:first].sum()
        clipped[-1] += p[last:].sum()
        level = (values[first:last].clip(low, high) - low) / max(high - low, 1e-30) * (LEVELS - 1)
        level = np.rint(level).astype(np.int64)
        mass, members = np.bincount(level, inside, LEVELS), np.bincount(level, minlength=LEVELS)
        q = (mass / np.maximum(members, 1))[level]  # a level's mass, spread evenly over the values it stands for
        return float((clipped * np.log(clipped / (q / q.sum()))).sum())

    return _best(seen, cost)


METHODS: dict[str, Callable[[Histogram, Range], Range]] = {
    "min-max": min_max,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}
"""Method name -> what chooses a range from a histogram and the smallest and largest value."""

DEFAULT_METHOD = "percentile"  #: the most accurate on the bundled models (docs/experiments.md)


def _best(seen: Range, cost: Callable[[float, float], float]) -> Range:
    """The cheapest of the cuts that still hold 0; of equal ones the widest.

    Both ends are cut at one magnitude, so a short end stays whole: what comes out of a SwiGLU's gate crowds there.
    """
    low, high = min(seen[0], 0.0), max(seen[1], 0.0)
    reaches = [float(cut) * max(-low, high) for cut in _CUTS]
    return min(((max(low, -reach), min(high, reach)) for reach in reaches), key=lambda ends: cost(*ends))
