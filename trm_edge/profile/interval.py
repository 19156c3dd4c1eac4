"""How sure a figure is that was counted or timed on a sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964  #: normal quantile of a two-sided 95 % interval
_T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)  #: Student's, by degrees of freedom
_DRAWS, _WORK = (50, 400), 4_000_000  #: how often values are drawn anew; fewer times where they are many


def wilson(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a share, 95 % by default; honest for small samples and for shares near 0 and 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Args:
        successes: counted, 0 to ``trials``.
        trials: at least 1.
        z: quantile of the normal distribution.

    Returns:
        Lower and upper end, within 0 to 1.
    """
    share, weight = successes / trials, z * z / trials
    middle = share + weight / 2
    half = z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)


def student(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean of a few values and its 95 % interval by Student's t; infinitely wide for a single value.

    Returns:
        Mean, lower end, upper end.
    """
    mean, error = _mean_and_error(values)
    half = _t_95(len(values) - 1) * error if len(values) > 1 else math.inf
    return mean, mean - half, mean + half


def welch(values: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Difference of two means and its 95 % interval, where the two spread differently.

    Source: B. L. Welch, "The generalization of 'Student's' problem ...", Biometrika 34 (1947).

    Returns:
        Mean of ``values`` less mean of ``others``, lower end, upper end.
    """
    (mean, error), (other_mean, other_error) = _mean_and_error(values), _mean_and_error(others)
    difference = mean - other_mean
    if min(len(values), len(others)) < 2:
        return difference, -math.inf, math.inf
    variance, other_variance = error**2, other_error**2
    total = variance + other_variance
    if total == 0:
        return difference, difference, difference
    freedom = total**2 / (variance**2 / (len(values) - 1) + other_variance**2 / (len(others) - 1))
    half = _t_95(int(freedom)) * math.sqrt(total)
    return difference, difference - half, difference + half


def bootstrap(
    values: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Figures of measured values and their 95 % intervals, by drawing rounds and puzzles anew, with replacement.

    Rounds and puzzles are drawn as wholes, for the times of one puzzle resemble each other, and so do those of one
    round: times taken one by one would make the interval look narrower than it is.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), percentile intervals. The seed is fixed:
    the same values have the same interval.

    Args:
        values: [rounds, puzzles, ...], not empty.
        statistic: makes figures [k] of such an array.

    Returns:
        The figures, their lower and their upper ends, each [k].
    """
    rounds, puzzles = values.shape[:2]
    draws = int(np.clip(_WORK // values.size, *_DRAWS))
    random = np.random.default_rng(0)
    drawn = [
        statistic(values[random.integers(rounds, size=rounds)][:, random.integers(puzzles, size=puzzles)])
        for _ in range(draws)
    ]
    low, high = np.percentile(np.array(drawn), (2.5, 97.5), axis=0)
    return statistic(values), low, high


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error, 0 for a single value."""
    count, mean = len(values), math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return mean, math.sqrt(squares / (count - 1) / count) if count > 1 else 0.0


def _t_95(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t; Cornish and Fisher's expansion beyond the table."""
    if freedom <= len(_T_95):
        return _T_95[max(1, freedom) - 1]
    return Z_95 + (Z_95**3 + Z_95) / (4 * freedom) + (5 * Z_95**5 + 16 * Z_95**3 + 3 * Z_95) / (96 * freedom**2)
