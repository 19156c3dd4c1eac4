"""How sure a share is that was counted on a sample."""

from __future__ import annotations

import math

Z_95 = 1.959964  #: normal quantile of a two-sided 95 % interval


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
