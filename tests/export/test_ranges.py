"""Each way to choose a range, on distributions where the right one is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from trm_edge.export.ranges import BINS, METHODS, PERCENTILE, SAMPLE, Histogram, Range

CUTTING = ("mse", "entropy")


def chosen(method: str, values: Tensor) -> Range:
    seen = float(values.min()), float(values.max())
    histogram = Histogram()
    for part in values.split(SAMPLE):  # of a larger tensor only a sample is counted
        histogram.add(part, *seen)
    return METHODS[method](histogram, seen)


def uniform(count: int, low: float, high: float) -> Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(0)) * (high - low) + low


def normal(count: int) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(0))


# -- the histogram ----------------------------------------------------------------------------


def test_growth_keeps_every_count() -> None:
    histogram, parts = Histogram(), [normal(1000) * width for width in (1e-4, 1, 0.1, 300)]
    for part in parts:
        histogram.add(part, float(part.min()), float(part.max()))
    everything = torch.cat(parts)
    assert histogram.counts.sum() == len(everything)
    assert histogram.limit / 2 < everything.abs().max() <= histogram.limit
    # whatever was added when bins were narrow lies in the right wide bin now, but for values at an edge
    straight, _ = np.histogram(everything.double().numpy(), histogram.edges)
    assert np.abs(histogram.counts - straight).sum() <= 2


def test_bins_are_symmetric_about_zero() -> None:
    histogram = Histogram()
    histogram.add(torch.tensor([-3.0, 0.7]), -3.0, 0.7)
    assert histogram.limit == 4
    assert (histogram.edges[0], histogram.edges[BINS // 2], histogram.edges[-1]) == (-4, 0, 4)
    np.testing.assert_allclose(histogram.centres, -histogram.centres[::-1])
    found = histogram.centres[histogram.counts > 0]
    np.testing.assert_allclose(found, [-3, 0.7], atol=8 / BINS)


# -- the methods ------------------------------------------------------------------------------


def test_min_max_keeps_everything() -> None:
    values = torch.cat((normal(1000), torch.tensor([1e4, -77.0])))
    assert chosen("min-max", values) == (-77, 1e4)


def test_percentile_cuts_what_is_rarer_than_it_says() -> None:
    tails = (100 - PERCENTILE) / 2 / 100
    values = torch.cat((uniform(100_000, -1, 2), torch.tensor([50.0] * 4, dtype=torch.float32)))
    low, high = chosen("percentile", values)
    width = 2 * 64 / BINS
    assert low == pytest.approx(-1, abs=2 * width)
    assert high == pytest.approx(2, abs=2 * width)
    often = torch.cat((uniform(100_000, -1, 2), torch.full((int(100_000 * tails) * 2,), 50.0)))
    assert chosen("percentile", often)[1] == 50  # twice as many as may be cut


def test_percentile_cuts_at_either_end_alike() -> None:
    low, high = chosen("percentile", normal(1_000_000))
    assert low == pytest.approx(-3.89, abs=0.1)  # of a unit normal, 0.005 % lie beyond
    assert high == pytest.approx(3.89, abs=0.1)


@pytest.mark.parametrize("method", CUTTING)
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-0.2, 1), (0, 1), (-1, 0)])
def test_a_uniform_distribution_is_not_cut(method: str, low: float, high: float) -> None:
    values = uniform(100_000, low, high)
    assert chosen(method, values) == pytest.approx((min(low, 0), high), abs=0.02)


@pytest.mark.parametrize("method", CUTTING)
@pytest.mark.parametrize("sign", [1, -1])
def test_an_outlier_is_cut_and_the_other_end_kept(method: str, sign: int) -> None:
    """A range to the outlier would spend three quarters of the integers on it."""
    values = torch.cat((uniform(3_000_000, -1, 1), torch.tensor([4.0]))) * sign
    kept, cut = chosen(method, values)[::sign]
    assert abs(kept) == pytest.approx(1, abs=0.01)
    assert abs(cut) < 2


def test_mse_weighs_rounding_against_clipping() -> None:
    """No cut that it tried, and none beside them, may be better by the errors of the values themselves."""
    values = torch.cat((uniform(200_000, -0.3, 1), uniform(5, 1, 3)))

    def error(ends: Range) -> float:
        low, high = ends
        step = (high - low) / 255
        return float((((values.clamp(low, high) - low) / step).round() * step + low - values).square().mean())

    best = chosen("mse", values)
    low, high = float(values.min()), float(values.max())
    others = [(max(low, -high * cut), high * cut) for cut in np.linspace(0.2, 1, 30)]
    assert error(best) <= 1.02 * min(map(error, others))  # the bins are a little coarse
    assert error(best) < 0.9 * error((low, high))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 5.0, -5.0, 1e-9, 0.5])
def test_a_constant_tensor(method: str, value: float) -> None:
    low, high = chosen(method, torch.full((1000,), value))
    assert min(low, 0) <= value <= max(high, 0) + 1e-12
    assert max(-low, high) <= abs(value)


@pytest.mark.parametrize("method", METHODS)
def test_a_range_far_from_zero_is_kept(method: str) -> None:
    low, high = chosen(method, uniform(10_000, 5, 5.1))
    assert low <= 5.01
    assert high >= 5.09


@pytest.mark.parametrize("method", METHODS)
def test_nothing_beyond_what_was_seen_is_covered(method: str) -> None:
    for values in (normal(5000), normal(5000).abs(), uniform(500, -3, 0.1)):
        low, high = chosen(method, values)
        assert low >= min(float(values.min()), 0)
        assert high <= max(float(values.max()), 0)


def test_of_a_large_tensor_a_sample_is_counted() -> None:
    histogram = Histogram()
    histogram.add(uniform(10 * SAMPLE, -1, 1), -1, 1)
    assert histogram.counts.sum() == SAMPLE
    assert histogram.counts[: BINS // 2].sum() == pytest.approx(SAMPLE / 2, rel=0.05)
