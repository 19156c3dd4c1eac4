"""Many fresh puzzles from a task's own generator, each a function of the seed and its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trm_edge.errors import InvalidInput

if TYPE_CHECKING:
    from trm_edge.tasks.base import Puzzle, Task


def generate_many(task: Task, count: int, seed: int, options: Mapping[str, Any] | None = None) -> Iterator[Puzzle]:
    """``count`` puzzles; the first of a longer series are those of a shorter one.

    Raises:
        InvalidInput: ``count`` below 1, a negative seed, or an option that the generator refuses.
    """
    if count < 1:
        raise InvalidInput(f"count must be at least 1, not {count}")
    if seed < 0:
        raise InvalidInput(f"seed must be at least 0, not {seed}")
    return (generate_one(task, np.random.default_rng([seed, number]), options) for number in range(count))


def generate_one(task: Task, rng: np.random.Generator, options: Mapping[str, Any] | None = None) -> Puzzle:
    """One puzzle; options are a user's words, so one of the wrong type is an error of the user's.

    Raises:
        InvalidInput: an option is unknown, of the wrong type, out of range or cannot be met.
    """
    given = dict(options or {})
    try:
        return task.generate(rng, **given)
    except TypeError as error:
        if not given:
            raise
        listed = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise InvalidInput(f"{listed}: not a value for the generator of {task.id} ({error})") from None
