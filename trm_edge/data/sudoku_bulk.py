"""Sudoku puzzles by the thousand: made, rated and solved on one core as fast as a GPU trains on them.

Checks what is asked and loops over the compiled kernels, one call a puzzle, so that Ctrl-C comes through. Puzzle ``i``
depends on the seed and on ``i`` alone: processes that share a series out by ``first`` make the same set as one. The
kernels run without the interpreter's lock, so threads share it out as well. Knows nothing of tokens and files. The
puzzles are not those of ``trm-edge generate``, which needs no numba and draws other random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.sudoku_board import Flat, geometry, workspace
from trm_edge.errors import InvalidInput, InvalidPuzzle, unknown
from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_generate import DIFFICULTIES
from trm_edge.tasks.sudoku_rate import Technique

TECHNIQUES = tuple(Technique)
"""What the technique codes stand for: ``TECHNIQUES[code]``."""

PATIENCE = 1_000_000
"""Backtracks after which a puzzle is given up: a second at 9x9, where the hardest collections stay below 2,000."""

_BUDGET = 200  # backtracks of one uniqueness test; a clue whose test takes more simply stays (16x16 needs this)
_PATIENCE_MADE = 2000  # backtracks of rating what was made; never met at 9x9, and 25x25 would take minutes
_SHARES = {"easy": (0.40, 0.56), "medium": (0.32, 0.44), "hard": (0.27, 0.35), "extreme": (0.27, 0.35)}
"""Clues, as a share of 81 cells, among which puzzles of a difficulty are common; see :func:`_usual_givens`."""


@dataclass(frozen=True, eq=False)
class BulkPuzzles:
    """A stretch of a series of puzzles.

    Attributes:
        questions: int8 [count, n, n], 0 for a blank.
        answers: int8 [count, n, n], the only solutions.
        technique: the hardest technique needed, uint8 [count], indices into :data:`TECHNIQUES`.
        backtracks: wrong guesses of the solver, int32 [count]; as ``SudokuTask.rate`` counts them.
        first: number in the series of the first of them; ``first + len(self)`` is where the next stretch begins.
    """

    questions: NDArray[np.int8]
    answers: NDArray[np.int8]
    technique: NDArray[np.uint8]
    backtracks: NDArray[np.int32]
    first: int

    def __len__(self) -> int:
        return len(self.questions)


def generate_many(
    count: int,
    *,
    seed: int,
    first: int = 0,
    box_rows: int = 3,
    box_cols: int = 3,
    givens: int | tuple[int, int] | None = None,
    difficulty: str | None = None,
) -> BulkPuzzles:
    """Puzzles ``first`` to ``first + count - 1`` of the series ``seed``, each with exactly one solution.

    Every puzzle comes of a random full grid of its own, dug out in random order by a solver that proves at each clue
    that the solution stays the only one.

    Args:
        count: number of puzzles.
        seed: of the series, below 2**64.
        first: number of the first puzzle.
        box_rows: height of a box.
        box_cols: width of a box.
        givens: clues of every puzzle, or a range (both ends included) from which each draws its own, evenly; with a
            ``difficulty`` as that comes. By default 37 % of the cells (30 of 81), half above 9x9; with a ``difficulty``
            what is usual for it.
        difficulty: one of ``trm_edge.tasks.sudoku_generate.DIFFICULTIES``, or None for any.

    Raises:
        InvalidInput: an option out of range, or a puzzle that was not reached after many tries.
        MissingDependency: numba is not installed.
    """
    maker = _Maker(SudokuTask(box_rows, box_cols), givens, difficulty)
    _check_series(count, seed, first)
    side = box_rows * box_cols
    questions = np.zeros((count, side * side), dtype=np.int8)
    answers = np.zeros_like(questions)
    technique = np.zeros(count, dtype=np.uint8)
    backtracks = np.zeros(count, dtype=np.int32)
    for index in range(count):
        technique[index], backtracks[index] = maker.make(seed, first + index, questions[index], answers[index])
    shape = (count, side, side)
    return BulkPuzzles(questions.reshape(shape), answers.reshape(shape), technique, backtracks, first)


def generate_chunks(
    count: int,
    *,
    seed: int,
    chunk: int = 1000,
    first: int = 0,
    box_rows: int = 3,
    box_cols: int = 3,
    givens: int | tuple[int, int] | None = None,
    difficulty: str | None = None,
    progress: Callable[[int], None] = lambda puzzles: None,
) -> Iterator[BulkPuzzles]:
    """The puzzles of :func:`generate_many`, at most ``chunk`` of them at a time and in memory.

    Stop whenever you like, by Ctrl-C too: what was yielded is whole, and the rest is had by another call with ``first``
    where that ended.

    Args:
        count: number of puzzles.
        seed: as for :func:`generate_many`, and so are the other options.
        chunk: puzzles to yield at once; the last chunk may have fewer.
        first: number of the first puzzle.
        box_rows: height of a box.
        box_cols: width of a box.
        givens: number of clues, or a range.
        difficulty: the difficulty of all.
        progress: called with the number of puzzles just made, before they are yielded.

    Raises:
        InvalidInput: at once for an option out of range; while iterating as :func:`generate_many` does.
        MissingDependency: numba is not installed.
    """
    if chunk < 1:
        raise InvalidInput(f"chunk={chunk}: a chunk has at least 1 puzzle")
    _Maker(SudokuTask(box_rows, box_cols), givens, difficulty)
    _check_series(count, seed, first)

    def chunks() -> Iterator[BulkPuzzles]:
        for start in range(first, first + count, chunk):
            made = generate_many(
                min(chunk, first + count - start),
                seed=seed,
                first=start,
                box_rows=box_rows,
                box_cols=box_cols,
                givens=givens,
                difficulty=difficulty,
            )
            progress(len(made))
            yield made

    return chunks()


def rate_many(
    questions: NDArray[np.integer], *, box_rows: int = 3, box_cols: int = 3
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Difficulty of puzzles that have a solution, equal to that of ``SudokuTask.rate``.

    Args:
        questions: [count, n, n], 0 for a blank.
        box_rows: height of a box.
        box_cols: width of a box.

    Returns:
        ``(technique, backtracks)``: the hardest technique needed, uint8 [count], indices into :data:`TECHNIQUES`, and
        the wrong guesses before the first solution, int32 [count].

    Raises:
        InvalidPuzzle: grids of another size, or one that has no solution or none within :data:`PATIENCE`.
        MissingDependency: numba is not installed.
    """
    task = SudokuTask(box_rows, box_cols)
    kernels, flat = _kernels(), _flat(task, questions)
    geo = geometry(box_rows, box_cols)
    work = workspace(geo)
    technique = np.zeros(len(flat), dtype=np.uint8)
    backtracks = np.zeros(len(flat), dtype=np.int32)
    for index, question in enumerate(flat):
        code, backtracks[index] = kernels.rate(geo, work, question, PATIENCE)
        if code == kernels.GAVE_UP:
            raise _given_up(index)
        if code == kernels.NO_SOLUTION:
            raise InvalidPuzzle(f"puzzle {index} (counted from 0) has no solution, so it cannot be rated")
        technique[index] = code
    return technique, backtracks


def solve_many(
    questions: NDArray[np.integer], *, box_rows: int = 3, box_cols: int = 3, limit: int = 2
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """A solution of each puzzle, and how many it has.

    Args:
        questions: [count, n, n], 0 for a blank.
        box_rows: height of a box.
        box_cols: width of a box.
        limit: solutions at which to stop counting; 2 tells whether one is the only one, 1 is the fastest.

    Returns:
        ``(answers, solutions)``: int8 [count, n, n], all 0 where there is no solution, and counts int32 [count].

    Raises:
        InvalidInput: ``limit`` out of range.
        InvalidPuzzle: grids of another size, or one whose solutions were not counted within :data:`PATIENCE`.
        MissingDependency: numba is not installed.
    """
    if not 1 <= limit < 2**31:
        raise InvalidInput(f"limit={limit}: count at least 1 solution, and fewer than 2**31")
    task = SudokuTask(box_rows, box_cols)
    kernels, flat = _kernels(), _flat(task, questions)
    geo = geometry(box_rows, box_cols)
    work = workspace(geo)
    answers = np.zeros_like(flat)
    solutions = np.zeros(len(flat), dtype=np.int32)
    for index, question in enumerate(flat):
        solutions[index], backtracks = kernels.solve(geo, work, question, limit, PATIENCE)
        if backtracks > PATIENCE:
            raise _given_up(index)
        if solutions[index]:
            answers[index] = work.solution
    return answers.reshape(-1, task.side, task.side), solutions


class _Maker:
    """Makes one puzzle after the other into arrays that it is given.

    Raises:
        InvalidInput: ``givens`` or ``difficulty`` out of range.
        MissingDependency: numba is not installed.
    """

    def __init__(self, task: SudokuTask, givens: int | tuple[int, int] | None, difficulty: str | None) -> None:
        side, cells = task.side, task.seq_len
        if difficulty is not None and difficulty not in DIFFICULTIES:
            raise InvalidInput(unknown("difficulty", str(difficulty), DIFFICULTIES))
        if givens is None:
            self.fewest, self.most = _usual_givens(side, difficulty)
        else:
            bounds = tuple(givens) if isinstance(givens, tuple | list) else (givens, givens)
            if (
                len(bounds) != 2
                or not all(isinstance(bound, int) for bound in bounds)
                or not (1 <= bounds[0] <= bounds[1] < cells)
            ):
                raise InvalidInput(
                    f"givens={givens}: a {side}x{side} Sudoku can be given 1 to {cells - 1} clues, or a range of those"
                )
            self.fewest, self.most = bounds
        self.exact = givens is not None or difficulty is None
        self.difficulty = difficulty
        self.wanted = None if difficulty is None else TECHNIQUES.index(DIFFICULTIES[difficulty])
        self.tries = 5000 if side <= 9 else 500  # a second at 9x9
        self.kernels = _kernels()
        self.geo = geometry(task.box_rows, task.box_cols)
        self.work = workspace(self.geo)

    def make(self, seed: int, number: int, question: Flat, answer: Flat) -> tuple[int, int]:
        """Write puzzle ``number`` of the series ``seed``; returns its technique code and its backtracks.

        Raises:
            InvalidInput: none of many tries was as wanted.
        """
        random = self.work.random
        self.kernels.begin(random, np.uint64(seed), np.uint64(number))
        givens = 0
        seen = set()
        for _ in range(self.tries):
            # Drawn once: else the counts that take more tries would be rarer. But a difficulty may need another count.
            if not givens or self.difficulty:
                givens = self.fewest + self.kernels.draw(random, self.most - self.fewest + 1)
            _, code, backtracks = self._try(question, answer, givens, self.exact)
            if code >= 0 and self.wanted in (None, code):
                return code, backtracks
            seen.add(code)
        if self.difficulty is None:
            fewest = min(self._try(question, answer, givens, False)[0] for _ in range(20))
            raise InvalidInput(
                f"givens={givens}: not reached in {self.tries} tries. Ask for {max(fewest, givens + 1)} or more."
            )
        reached = ", ".join(name for name, technique in DIFFICULTIES.items() if TECHNIQUES.index(technique) in seen)
        clues = f" with {self.fewest} to {self.most} clues" if self.exact else ""
        raise InvalidInput(
            f"difficulty '{self.difficulty}'{clues}: not reached in {self.tries} tries "
            f"(reached: {reached or 'none with so few clues'}). Ask for one of those, or for another number of clues."
        )

    def _try(self, question: Flat, answer: Flat, givens: int, exact: bool) -> tuple[int, int, int]:
        made: tuple[int, int, int] = self.kernels.make(
            self.geo, self.work, answer, question, givens, exact, _BUDGET, _PATIENCE_MADE
        )
        return made


def _usual_givens(side: int, difficulty: str | None) -> tuple[int, int]:
    """The range of clue counts where none is asked for; with a difficulty, where puzzles of it are common."""
    cells = side * side
    if difficulty is None:
        usual = round((0.37 if side <= 9 else 0.5) * cells)
        return usual, usual
    if side < 9:
        return (cells // 2, cells // 2) if difficulty == "easy" else (1, 1)  # hard only when no clue can be spared
    low, high = _SHARES[difficulty]
    more = 0.0 if side == 9 else 0.1 if side <= 16 else 0.2
    return round((low + more) * cells), round((high + more) * cells)


def _check_series(count: int, seed: int, first: int) -> None:
    if count < 1:
        raise InvalidInput(f"count must be at least 1, not {count}")
    if not 0 <= seed < 2**64:
        raise InvalidInput(f"seed must be at least 0 and below 2**64, not {seed}")
    if not 0 <= first < 2**63:
        raise InvalidInput(f"first={first}: puzzles of a series are counted from 0, up to 2**63")


def _flat(task: SudokuTask, questions: NDArray[np.integer]) -> Flat:
    """The grids as int8 [count, cells]."""
    side = task.side
    if questions.ndim != 3 or questions.shape[1:] != (side, side):
        shape = " x ".join(str(size) for size in questions.shape)
        raise InvalidPuzzle(
            f"an array of {shape} given; grids with boxes of {task.box_rows}x{task.box_cols} are "
            f"count x {side} x {side}"
        )
    if not np.issubdtype(questions.dtype, np.integer):
        raise InvalidPuzzle(f"grids of {questions.dtype} given; they hold integers, such as int8")
    if questions.size and (questions.min() < 0 or questions.max() > side):
        raise InvalidPuzzle(f"values {questions.min()} to {questions.max()} given; {task.id} has 0 (blank) to {side}")
    return np.ascontiguousarray(questions, dtype=np.int8).reshape(-1, side * side)


def _given_up(index: int) -> InvalidPuzzle:
    return InvalidPuzzle(
        f"puzzle {index} (counted from 0) was given up after {PATIENCE:,} backtracks; give it more clues"
    )


def _kernels() -> ModuleType:
    """The compiled half, which needs numba."""
    from trm_edge.data import sudoku_kernels

    return sudoku_kernels
