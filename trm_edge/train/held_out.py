"""Measures a model on held-out puzzles while it trains: what it solves, when it halts, and how difficulty tells.

Knows models and arrays; the file that gathers the results is :mod:`trm_edge.train.evaluations`' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.model.network import RecursiveModel
from trm_edge.tasks.difficulty import Groups
from trm_edge.train.data import Puzzles
from trm_edge.train.evaluate import Accuracy, evaluate
from trm_edge.train.evaluations import GroupScore, HeldOut, Score
from trm_edge.train.ranks import ALONE, Ranks

_DIGITS = 5  #: of a share: finer than one puzzle in any set worth its time


def measure(
    model: RecursiveModel,
    puzzles: Puzzles,
    *,
    groups: Sequence[Groups] = (),
    steps: int = 16,
    batch_size: int = 256,
    bf16: bool = False,
    ranks: Ranks = ALONE,
) -> HeldOut:
    """Run ``steps`` supervision steps on every puzzle and sum up.

    Args:
        model: put into evaluation mode.
        puzzles: with known answers.
        groups: how to sort them by difficulty (:func:`trm_edge.tasks.difficulty.natural_groups`).
        steps: supervision steps.
        batch_size: puzzles at a time; changes nothing else.
        bf16: bfloat16 products.
        ranks: the processes that share the puzzles; all get the whole result.
    """
    found = evaluate(model, puzzles, steps=steps, batch_size=batch_size, bf16=bf16, ranks=ranks)
    return summarise(found, groups)


def summarise(found: Accuracy, groups: Sequence[Groups] = ()) -> HeldOut:
    """The plain data of an accuracy, in all and by group."""
    steps, right_at_halt = found.at_halt()

    def score(chosen: NDArray[Any]) -> Score:
        by_step = found.right[:, chosen].mean(axis=1)
        return Score(
            puzzles=int(steps[chosen].size),
            exact=_rounded(by_step[-1]),
            exact_at_halt=_rounded(right_at_halt[chosen].mean()),
            mean_steps=_rounded(steps[chosen].mean()),
            halting=tuple(np.bincount(steps[chosen], minlength=len(by_step) + 1)[1:].tolist()),
            exact_by_step=tuple(map(_rounded, by_step)),
        )

    return HeldOut(
        total=score(np.ones(steps.size, dtype=np.bool_)),
        cells=_rounded(found.cells),
        groups=tuple(
            GroupScore(grouping.by, label, score(grouping.member == number))
            for grouping in groups
            for number, label in enumerate(grouping.labels)
        ),
    )


def _rounded(value: Any) -> float:
    return round(float(value), _DIGITS)
