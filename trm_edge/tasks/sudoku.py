"""Sudoku of any box shape: text, tokens, rules and pictures.

A grid holds 0 for a blank and 1..n for digits. Tokens are those of the official ``dataset/build_sudoku_dataset.py``:
0 pad, 1 blank, digit d = d + 1, row by row. The solver, the rating and the generator have modules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks import reading, sudoku_augment, sudoku_generate, sudoku_solve
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens
from trm_edge.tasks.drawing import Cell, Picture
from trm_edge.tasks.sudoku_rate import Rating, rate
from trm_edge.tasks.symmetry import IDENTITY, Symmetry

_SYMBOLS = "123456789ABCDEFGHIJKLMNOP"
_MAX_SIDE = len(_SYMBOLS)
_BLANKS = ".0"
_ID = re.compile(r"sudoku-(\d{1,2})x(\d{1,2})(?:-b(\d{1,2})x(\d{1,2}))?", re.ASCII)
_DECORATION = re.compile(r"[\s|+\-*\u2500-\u257f]+")  # also what render_text draws, so that it can be read back

_ANSWER_INK, _WRONG_INK = "#2563eb", "#dc2626"  # both readable on white paper and on a black terminal


class SudokuTask(Task):
    """Sudoku with boxes of ``box_rows`` x ``box_cols`` cells; the side n is their product.

    Raises:
        InvalidInput: a box with a side below 2, or n above 25.
    """

    family = "sudoku"

    def __init__(self, box_rows: int, box_cols: int) -> None:
        side = box_rows * box_cols
        if min(box_rows, box_cols) < 2 or side > _MAX_SIDE:
            raise InvalidInput(
                f"Sudoku boxes of {box_rows}x{box_cols} cells: a box needs two rows and two columns at least, "
                f"and {_MAX_SIDE} cells at most"
            )
        self.box_rows = box_rows
        self.box_cols = box_cols
        self.side = side
        self.seq_len = side * side
        self.vocab_size = side + 2
        usual = _usual_box(side) == (box_rows, box_cols)
        self.id = f"sudoku-{side}x{side}" + ("" if usual else f"-b{box_rows}x{box_cols}")

        rows, columns = np.indices((side, side))
        boxes = rows // box_rows * box_rows + columns // box_cols
        self._unit_of_cell = np.stack([rows, side + columns, 2 * side + boxes]).reshape(3, -1)  # [3, cells], 0..3n-1
        self._digit_of_symbol = {symbol: digit for digit, symbol in enumerate(_SYMBOLS[:side], start=1)}
        self._digit_of_symbol |= {symbol.lower(): digit for symbol, digit in self._digit_of_symbol.items()}
        self._digit_of_symbol |= dict.fromkeys(_BLANKS, 0)

    @classmethod
    def from_id(cls, id: str) -> Self:
        """``sudoku-NxN`` with the most square boxes (fewer rows than columns), or ``sudoku-NxN-bRxC``."""
        match = _ID.fullmatch(id)
        if match is None or match[1] != match[2]:
            raise InvalidInput(f"Task id '{id}': a Sudoku is named sudoku-NxN, for example sudoku-9x9")
        side = int(match[1])
        box = (int(match[3]), int(match[4])) if match[3] else _usual_box(side)
        if box is None or not 4 <= side <= _MAX_SIDE or box[0] * box[1] != side:
            raise InvalidInput(
                f"Task id '{id}': a Sudoku's side is a product of its box's rows and columns, both at least 2, "
                f"and at most {_MAX_SIDE}: 4, 6, 8, 9, 10, 12, 14, 15, 16, ..."
            )
        return cls(*box)

    # -- text ---------------------------------------------------------------------------------
    def parse(self, text: str) -> Puzzle:
        """Read one line of n * n symbols, or n lines of n symbols with any of ``|-+`` and spaces between.

        Symbols are 1..9, then A (10), B (11), ... in either case; ``.`` or ``0`` is a blank.
        """
        grid = self._grid(text)
        clash = self._clash(grid)
        if clash:
            raise InvalidPuzzle(f"The givens contradict each other: {clash}")
        return Puzzle(grid)

    def read(self, text: str, *, format: str) -> Iterator[Puzzle]:
        """Puzzles of a CSV file (``source,question,answer,rating``) or a text file (``#`` begins a comment line)."""
        return reading.grid_puzzles(
            text,
            format,
            rows=self.side,
            symbols=_symbols,
            whole=self._is_whole,
            parse=self.parse,
            grid=self._grid,
            check=self.check,
        )

    def format(self, grid: Grid) -> str:
        """n * n symbols, ``.`` for a blank."""
        return "".join("." if digit == 0 else _SYMBOLS[digit - 1] for digit in self._valid(grid).ravel())

    def _is_whole(self, line: str) -> bool:
        return len(_symbols(line)) > self.side

    def _grid(self, text: str) -> Grid:
        lines = [(line, _symbols(line)) for line in text.splitlines()]
        lines = [(line, symbols) for line, symbols in lines if symbols]
        if len(lines) == 1:
            line, symbols = lines[0]
            digits = self._digits(line, symbols, "")
            if len(digits) != self.seq_len:
                raise InvalidPuzzle(f"{len(digits)} cells given; a {self.side}x{self.side} Sudoku has {self.seq_len}")
        else:
            digits = []
            for number, (line, symbols) in enumerate(lines, start=1):
                row = self._digits(line, symbols, f"row {number}, ")
                if len(row) != self.side:
                    raise InvalidPuzzle(
                        f"row {number} has {len(row)} cells; each of the {self.side} rows needs {self.side}"
                    )
                digits += row
            if len(lines) != self.side:
                raise InvalidPuzzle(f"{len(lines)} rows given; a {self.side}x{self.side} Sudoku has {self.side}")
        return np.array(digits, dtype=np.int8).reshape(self.side, self.side)

    def _digits(self, line: str, symbols: str, place: str) -> list[int]:
        try:
            return [self._digit_of_symbol[symbol] for symbol in symbols]
        except KeyError as error:
            symbol = cast(str, error.args[0])
            last = _SYMBOLS[self.side - 1]
            allowed = f"1-{last}" if self.side <= 9 else f"1-9, A-{last}"
            where = f"{place}character {line.index(symbol) + 1}"
            raise InvalidPuzzle(f"{where} is {symbol!r}; allowed are {allowed}, and . or 0 for a blank") from None

    # -- tokens -------------------------------------------------------------------------------
    def encode(self, grid: Grid) -> Tokens:
        """Digits + 1, int32 [n * n]."""
        return self._valid(grid).astype(np.int32).ravel() + 1

    def decode(self, tokens: Tokens) -> Grid:
        """Tokens - 1, int8 [n, n]; what is no digit becomes a blank."""
        digits = np.asarray(tokens).reshape(self.side, self.side) - 1
        return np.where((digits >= 0) & (digits <= self.side), digits, 0).astype(np.int8)

    # -- rules --------------------------------------------------------------------------------
    def check(self, question: Grid, answer: Grid) -> str | None:
        """The first given that was changed, else the first blank, else the first digit that is twice in a unit."""
        question, answer = self._valid(question), self._valid(answer)
        changed = np.argwhere((question != 0) & (question != answer))
        if len(changed):
            row, column = changed[0]
            given, found = _symbol(question[row, column]), _symbol(answer[row, column])
            return f"the given {given} at row {row + 1}, column {column + 1} became {found}"
        blank = np.argwhere(answer == 0)
        if len(blank):
            return f"row {blank[0][0] + 1}, column {blank[0][1] + 1} is blank"
        return self._clash(answer)

    def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """Givens kept and every digit in every row, column and box; [batch]."""
        n = self.side
        batch = len(answers)
        digits = np.asarray(answers, dtype=np.int32) - 1
        kept = ((questions < 2) | (questions == answers)).all(axis=1)
        legal = (digits >= 1) & (digits <= n)
        # One bit a digit: a unit is complete when its n cells bring n different bits.
        bits = np.left_shift(1, np.where(legal, digits, 0), dtype=np.int32)
        grids = bits.reshape(batch, n // self.box_rows, self.box_rows, n // self.box_cols, self.box_cols)
        full = (1 << n + 1) - 2
        union = np.bitwise_or.reduce
        rows = union(grids, axis=(3, 4)) == full
        columns = union(grids, axis=(1, 2)) == full
        boxes = union(grids, axis=(2, 4)) == full
        complete = rows.all(axis=(1, 2)) & columns.all(axis=(1, 2)) & boxes.all(axis=(1, 2))
        return cast("NDArray[np.bool_]", kept & complete)

    def symmetries(self, rng: np.random.Generator, count: int) -> list[Symmetry]:
        """Digits, bands, stacks, rows, columns and transposition: see :mod:`trm_edge.tasks.sudoku_augment`."""
        found: list[Symmetry] = [IDENTITY]
        found += (sudoku_augment.draw(rng, self) for _ in range(count - 1))
        return found

    def count_solutions(self, grid: Grid, limit: int = 2) -> int:
        """Number of solutions, counted up to ``limit``."""
        return len(sudoku_solve.search(self._valid(grid), self.box_rows, self.box_cols, limit=limit).solutions)

    def solve(self, grid: Grid) -> Grid | None:
        """A solution by search, not by a model; None where there is none."""
        found = sudoku_solve.search(self._valid(grid), self.box_rows, self.box_cols, limit=1).solutions
        return found[0] if found else None

    def rate(self, grid: Grid) -> Rating:
        """Difficulty of a puzzle that has a solution."""
        return rate(self._valid(grid), self.box_rows, self.box_cols)

    def _clash(self, grid: Grid) -> str | None:
        """The first digit that is twice in a row, column or box."""
        n = self.side
        digits = grid.ravel().astype(np.intp)
        counts = np.bincount((self._unit_of_cell * (n + 1) + digits).ravel(), minlength=3 * n * (n + 1))
        twice = counts.reshape(3 * n, n + 1)[:, 1:] > 1
        if not twice.any():
            return None
        unit, index = (int(value) for value in np.argwhere(twice)[0])
        kind, number = ("row", "column", "box")[unit // n], unit % n + 1
        cells = np.flatnonzero((self._unit_of_cell[unit // n] == unit) & (digits == index + 1))[:2]
        (r1, c1), (r2, c2) = ((cell // n + 1, cell % n + 1) for cell in cells)
        return f"{_symbol(index + 1)} is twice in {kind} {number} (row {r1}, column {c1} and row {r2}, column {c2})"

    def _valid(self, grid: Grid) -> Grid:
        if grid.shape != (self.side, self.side):
            shape = "x".join(str(size) for size in grid.shape)
            raise InvalidPuzzle(f"a grid of {shape} cells given; {self.id} has {self.side}x{self.side}")
        if grid.min() < 0 or grid.max() > self.side:
            raise InvalidPuzzle(f"grid values {grid.min()}..{grid.max()} given; {self.id} has 0 (blank) to {self.side}")
        return grid

    # -- pictures -----------------------------------------------------------------------------
    def picture(self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None) -> Picture:
        """Givens bold, answers blue, answers that break a rule red, changed cells marked."""
        grid = self._valid(grid)
        given = grid if question is None else self._valid(question)
        givens = given != 0
        wrong = np.where(givens, grid != given, self._wrong(grid))
        marks = np.zeros(grid.shape, dtype=np.bool_) if changed is None else changed

        def cell(row: int, column: int) -> Cell:
            is_given = bool(givens[row, column])
            symbol = _symbol(grid[row, column])
            return Cell(
                text="" if symbol == "." else symbol,
                glyph=symbol,
                ink=_WRONG_INK if wrong[row, column] else None if is_given else _ANSWER_INK,
                bold=is_given,
                changed=bool(marks[row, column]),
            )

        cells = tuple(tuple(cell(row, column) for column in range(self.side)) for row in range(self.side))
        return Picture(f"Sudoku {self.side}x{self.side}", cells, box=(self.box_rows, self.box_cols))

    def _wrong(self, grid: Grid) -> NDArray[np.bool_]:
        """Cells whose digit is also elsewhere in one of their units."""
        n = self.side
        digits = grid.ravel().astype(np.intp)
        keys = self._unit_of_cell * (n + 1) + digits
        counts = np.bincount(keys.ravel(), minlength=3 * n * (n + 1))
        return ((counts[keys] > 1).any(axis=0) & (digits > 0)).reshape(n, n)

    # -- generation ---------------------------------------------------------------------------
    def generate(self, rng: np.random.Generator, **options: Any) -> Puzzle:
        """See :func:`trm_edge.tasks.sudoku_generate.generate`: ``givens``, ``difficulty``."""
        reading.check_options(self.family, options, ("givens", "difficulty"))
        return sudoku_generate.generate(rng, self.box_rows, self.box_cols, **options)


def _usual_box(side: int) -> tuple[int, int] | None:
    """The most square box of a side, rows <= columns, or None where one side would be 1."""
    rows = max((rows for rows in range(2, side) if rows * rows <= side and side % rows == 0), default=None)
    return None if rows is None else (rows, side // rows)


def _symbols(line: str) -> str:
    """A line without decoration, nothing for a comment."""
    return "" if line.lstrip().startswith("#") else _DECORATION.sub("", line)


def _symbol(digit: int) -> str:
    return "." if digit == 0 else _SYMBOLS[digit - 1]
