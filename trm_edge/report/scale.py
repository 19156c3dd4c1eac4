"""The scales of a chart's axes: where a value lies, and which values are written beside the axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_MOST_TICKS = 8  #: about as many are written
_STEPS = (1, 2, 5, 10)  #: what the distance of two ticks begins with


@dataclass(frozen=True)
class Scale:
    """One axis.

    Attributes:
        low: value at its beginning.
        high: value at its end, greater.
        ticks: values to write, rising.
        labels: what to write for each.
        logarithmic: equal ratios are equal distances; what is not positive lies at the beginning.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the beginning, 1 at the end."""
        if not self.logarithmic:
            return (value - self.low) / (self.high - self.low)
        return math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)


def decades(values: Iterable[float]) -> Scale:
    """A logarithmic scale over whole powers of ten. Values that are not positive or not finite do not stretch it."""
    low, high = _range(values, 1e-3, 1.0)
    first = math.floor(math.log10(low))
    last = max(first + 1, math.ceil(math.log10(high)))
    exponents = range(first, last + 1, max(1, (last - first) // _MOST_TICKS))
    ticks = tuple(10.0**exponent for exponent in exponents)
    return Scale(10.0**first, 10.0**last, ticks, tuple(f"1e{exponent}" for exponent in exponents), True)


def ratios(values: Iterable[float]) -> Scale:
    """A logarithmic scale from one of 1, 2, 5, 10, 20, ... to another, which fits a narrow range more closely."""
    low, high = _range(values, 1.0, 10.0)
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    marks = [step * 10.0**exponent for exponent in range(first, last + 1) for step in _STEPS[:-1]]
    begin = max(mark for mark in marks if mark <= low)
    end = min(mark for mark in marks if mark >= high and mark > begin)
    ticks = tuple(mark for mark in marks if begin <= mark <= end)
    return Scale(begin, end, ticks, tuple(f"{tick:g}" for tick in ticks), True)


def linear(values: Iterable[float], *, whole: bool = False) -> Scale:
    """A linear scale whose ends are ticks; ``whole``: of whole numbers."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    rough = (high - low or abs(high) or 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in _STEPS if step * power >= rough * 0.999)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(number * step for number in range(first, max(last, first + 1) + 1))
    return Scale(ticks[0], ticks[-1], ticks, tuple(f"{tick:.6g}" for tick in ticks))


def _range(values: Iterable[float], low: float, high: float) -> tuple[float, float]:
    """Least and greatest of the positive, finite values, or what is given where there are none."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    return (min(positive), max(positive)) if positive else (low, high)
