"""What is tried: formats, graphs and precisions of a target, and in which steps the field is narrowed.

Knows targets and numbers; writes and measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from trm_edge.errors import Refused
from trm_edge.export.targets import Target
from trm_edge.export.targets.base import Choice
from trm_edge.specs import Format, GraphVariant, Precision

FINALISTS = 2  #: sides that see all puzzles
FEWEST = 8  #: puzzles that anybody is judged by


def choices(
    target: Target,
    *,
    formats: Collection[Format] = (),
    graphs: Collection[GraphVariant] = (),
    precisions: Collection[Precision] = (),
) -> list[Choice]:
    """What a target runs of what is asked for; nothing asked for is everything that is worth trying.

    Not worth trying are a graph of fixed depth where the host can drive single steps, whose budget is free; and
    ``auto``, which is a search itself. Asking for them includes them.

    Raises:
        Refused: the target runs nothing of it; names what it runs.
    """
    runs = target.choices()
    asked = [
        one
        for one in runs
        if (not formats or one.format in formats)
        and (not graphs or one.graph in graphs)
        and (not precisions or one.precision in precisions)
    ]
    if not asked:
        raise Refused(f"'{target.id}' runs nothing of what is asked for. It runs: {'; '.join(map(str, runs))}.")
    worth = [
        one
        for one in asked
        if (one.precision is not Precision.AUTO or precisions) and (one.graph is not GraphVariant.UNROLLED or graphs)
    ]
    return worth or asked


@dataclass(frozen=True)
class Heat:
    """One narrowing of the field.

    Attributes:
        sides: how many take part.
        puzzles: how many each of them has seen by its end.
    """

    sides: int
    puzzles: int


def heats(sides: int, puzzles: int) -> list[Heat]:
    """Successive halving: with every heat half of the sides, and twice the puzzles, down to a few that see them all.

    >>> heats(7, 64)
    [Heat(sides=7, puzzles=16), Heat(sides=4, puzzles=32), Heat(sides=2, puzzles=64)]

    Source: K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization",
    AISTATS 2016.
    """
    fields = [sides]
    while fields[-1] > FINALISTS:
        fields.append(max(FINALISTS, math.ceil(fields[-1] / 2)))
    last = len(fields) - 1
    seen = [max(min(FEWEST, puzzles), puzzles >> (last - number)) for number in range(len(fields))]
    return [Heat(*one) for one in zip(fields, seen, strict=True)]
