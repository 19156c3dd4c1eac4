from __future__ import annotations

import math

import pytest

from trm_edge.report.scale import Scale, decades, linear, ratios


def test_decades_enclose_the_values() -> None:
    scale = decades([0.02, 3.0, 0.0, math.nan, math.inf, -1.0])
    assert (scale.low, scale.high) == (0.01, 10.0)
    assert scale.labels == ("1e-2", "1e-1", "1e0", "1e1")
    assert scale.share(0.01) == scale.share(0.0) == 0
    assert scale.share(10.0) == 1
    assert scale.share(1.0) == pytest.approx(2 / 3)


def test_decades_of_nothing() -> None:
    assert decades([]).share(0.0) == 0
    assert decades([1.0, 1.0]).high == 10


def test_ratios_fit_closely() -> None:
    scale = ratios([0.3, 4.2])
    assert scale.labels == ("0.2", "0.5", "1", "2", "5")
    assert scale.share(0.2) == 0
    assert scale.share(5) == pytest.approx(1)
    one = ratios([2.0])
    assert (one.low, one.high) == (2.0, 5.0)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([94.3, 100.0], ("94", "96", "98", "100")),
        ([0.0, 64.0], ("0", "20", "40", "60", "80")),
        ([99.5, 100.0], ("99.5", "99.6", "99.7", "99.8", "99.9", "100")),
        ([], ("0", "0.2", "0.4", "0.6", "0.8", "1")),
    ],
)
def test_a_linear_scale_ends_on_ticks(values: list[float], labels: tuple[str, ...]) -> None:
    scale = linear(values)
    assert scale.labels == labels
    assert (scale.share(scale.low), scale.share(scale.high)) == (0, 1)


@pytest.mark.parametrize("values", [[0.0], [5.0], [-3.0, math.nan], [0.0, 0.4]])
def test_a_linear_scale_of_one_value_is_wide(values: list[float]) -> None:
    scale: Scale = linear(values, whole=True)
    assert scale.high > scale.low
    assert all(tick == round(tick) for tick in scale.ticks)
