from __future__ import annotations

import math

import numpy as np
import pytest

from trm_edge.profile.interval import bootstrap, student, welch, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 1, 0.2065, 1.0),
        (95, 100, 0.8882, 0.9785),
    ],
)
def test_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)


def test_more_trials_are_surer() -> None:
    widths = [high - low for low, high in (wilson(n // 2, n) for n in (10, 100, 1000))]
    assert widths == sorted(widths, reverse=True)


def test_a_few_values_have_students_interval() -> None:
    mean, low, high = student([1.0, 2.0, 3.0])
    assert mean == pytest.approx(2)
    assert (high - mean, mean - low) == pytest.approx((4.303 / math.sqrt(3),) * 2, rel=1e-3)
    assert student([5.0]) == (5.0, -math.inf, math.inf)
    assert student([5.0, 5.0]) == (5.0, 5.0, 5.0)
    many = student([0.0, 1.0] * 50)
    assert many[2] - many[0] == pytest.approx(1.984 * math.sqrt(25 / 99 / 100), rel=1e-2)


def test_two_means_that_spread_differently() -> None:
    """Against a worked example: Welch's t for these two is at 4.7 degrees of freedom."""
    difference, low, high = welch([10.0, 12.0, 14.0, 16.0], [9.0, 10.0, 9.5, 9.5])
    assert difference == pytest.approx(3.5)
    assert low < difference < high
    error = math.sqrt(20 / 3 / 4 + 1 / 6 / 4)
    assert high - difference == pytest.approx(3.182 * error, rel=1e-3), "3 degrees of freedom"
    assert welch([1.0], [2.0, 3.0])[1:] == (-math.inf, math.inf)
    assert welch([2.0, 2.0], [1.0, 1.0]) == (1.0, 1.0, 1.0)


def test_bootstrapped_intervals_cover_what_they_should() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        value, low, high = bootstrap(random.normal(3, 1, (4, 25)), lambda drawn: np.array([np.mean(drawn)]))
        assert low[0] <= value[0] <= high[0]
        covered += low[0] <= 3 <= high[0]
    assert covered >= 48


def test_rounds_and_puzzles_are_drawn_as_wholes() -> None:
    """Four hundred times of two puzzles are not four hundred puzzles."""
    values = np.tile([1.0, 2.0], (200, 1))
    _, low, high = bootstrap(values, lambda drawn: np.array([drawn.mean()]))
    assert (low[0], high[0]) == (1.0, 2.0)


def test_the_same_values_have_the_same_interval() -> None:
    values = np.random.default_rng(2).random((3, 5, 7))
    one, two = (bootstrap(values, lambda drawn: np.percentile(drawn, (50, 90))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert one[0].shape == (2,)
