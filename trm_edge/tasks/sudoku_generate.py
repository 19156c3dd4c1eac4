"""Fresh Sudoku puzzles with exactly one solution, of any box shape, clue count and difficulty.

A random full grid is dug out cell by cell as long as the solver finds no second solution. Deterministic for a
given generator state. Knows nothing of text or tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput, unknown
from trm_edge.tasks import sudoku_solve
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.sudoku_rate import Rating, Technique, rate

DIFFICULTIES = {
    "easy": Technique.NAKED_SINGLE,
    "medium": Technique.HIDDEN_SINGLE,
    "hard": Technique.PAIRS,
    "extreme": Technique.SEARCH,
}
"""Names of difficulties and the technique that a puzzle of each one needs, no more and no less."""

_BUDGET = 200  # backtracks of one uniqueness test; a clue whose test takes more simply stays (16x16 needs this)
_TRIES_GIVENS = 20
_TRIES_DIFFICULTY = 200


def generate(
    rng: np.random.Generator,
    box_rows: int,
    box_cols: int,
    *,
    givens: int | None = None,
    difficulty: str | None = None,
) -> Puzzle:
    """A puzzle with exactly one solution.

    Args:
        rng: source of randomness.
        box_rows: height of a box.
        box_cols: width of a box.
        givens: number of clues; by default about 37 % of the cells (30 of 81), half above 9x9. With a
            ``difficulty`` the default is whatever that takes.
        difficulty: one of :data:`DIFFICULTIES`, or None for any.

    Returns:
        A puzzle whose ``rating`` is the solver's backtracks; ``extra`` holds ``technique`` and ``givens``.

    Raises:
        InvalidInput: an option out of range, or one that was not reached after many tries.
    """
    side = box_rows * box_cols
    cells = side * side
    if givens is not None and not 1 <= givens < cells:
        raise InvalidInput(f"givens={givens}: a {side}x{side} Sudoku can be given 1 to {cells - 1} clues")
    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise InvalidInput(unknown("difficulty", difficulty, DIFFICULTIES))
    if difficulty is None:
        share = 0.37 if side <= 9 else 0.5
        return _with_givens(rng, box_rows, box_cols, round(share * cells) if givens is None else givens)
    return _with_difficulty(rng, box_rows, box_cols, givens, difficulty)


def full_grid(rng: np.random.Generator, box_rows: int, box_cols: int) -> NDArray[np.int8]:
    """A random solved grid, int8 [n, n]."""
    empty = np.zeros((box_rows * box_cols,) * 2, dtype=np.int8)
    while True:  # an unlucky first guess is cheaper to drop than to search through
        found = sudoku_solve.search(empty, box_rows, box_cols, limit=1, budget=_BUDGET, rng=rng)
        if found.solutions:
            return found.solutions[0]


def dig(
    rng: np.random.Generator, answer: NDArray[np.int8], box_rows: int, box_cols: int, givens: int
) -> NDArray[np.int8]:
    """Remove clues of a solved grid in random order down to ``givens``, or to where no clue can be spared."""
    question = answer.copy()
    flat = question.reshape(-1)
    count = flat.size
    for cell in rng.permutation(flat.size).tolist():
        if count == givens:
            break
        digit, flat[cell] = flat[cell], 0
        found = sudoku_solve.search(question, box_rows, box_cols, limit=2, budget=_BUDGET)
        if found.complete and len(found.solutions) == 1:
            count -= 1
        else:
            flat[cell] = digit
    return question


def _with_givens(rng: np.random.Generator, box_rows: int, box_cols: int, givens: int) -> Puzzle:
    fewest = box_rows * box_cols * box_rows * box_cols
    for _ in range(_TRIES_GIVENS):
        answer = full_grid(rng, box_rows, box_cols)
        question = dig(rng, answer, box_rows, box_cols, givens)
        reached = int(np.count_nonzero(question))
        if reached == givens:
            return _puzzle(question, answer, rate(question, box_rows, box_cols))
        fewest = min(fewest, reached)
    raise InvalidInput(
        f"givens={givens}: not reached in {_TRIES_GIVENS} tries; the fewest clues with one solution were {fewest}. "
        f"Ask for {fewest} or more."
    )


def _with_difficulty(
    rng: np.random.Generator, box_rows: int, box_cols: int, givens: int | None, difficulty: str
) -> Puzzle:
    cells = (box_rows * box_cols) ** 2
    target = _usual_givens(difficulty, cells) if givens is None else givens
    seen: set[str] = set()
    for _ in range(_TRIES_DIFFICULTY):
        answer = full_grid(rng, box_rows, box_cols)
        question = dig(rng, answer, box_rows, box_cols, target)
        if givens is not None and np.count_nonzero(question) != givens:
            continue
        rating = rate(question, box_rows, box_cols)
        if rating.technique is DIFFICULTIES[difficulty]:
            return _puzzle(question, answer, rating)
        seen.add(next(name for name, technique in DIFFICULTIES.items() if technique is rating.technique))
    reached = ", ".join(name for name in DIFFICULTIES if name in seen) or "none with so few clues"
    clues = "" if givens is None else f" with {givens} clues"
    raise InvalidInput(
        f"difficulty '{difficulty}'{clues}: not reached in {_TRIES_DIFFICULTY} tries (reached: {reached}). "
        "Ask for one of those, or change the number of clues."
    )


def _usual_givens(difficulty: str, cells: int) -> int:
    """Clues at which a difficulty is common: many keep a puzzle easy, few make it extreme."""
    if cells < 81:
        return cells // 2 if difficulty == "easy" else 1  # small grids are only hard when no clue can be spared
    share = {"easy": 0.45, "medium": 0.37, "hard": 0.3, "extreme": 0.27}[difficulty]
    return round((share if cells == 81 else share + 0.13) * cells)


def _puzzle(question: NDArray[np.int8], answer: NDArray[np.int8], rating: Rating) -> Puzzle:
    extra = {"technique": rating.technique.value, "givens": int(np.count_nonzero(question))}
    return Puzzle(question, answer, source="generated", rating=float(rating.backtracks), extra=extra)
