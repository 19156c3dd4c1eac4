"""Mazes: mark the shortest path from S to G.

Grid values and tokens are the same, those of the official ``dataset/build_maze_dataset.py`` (charset ``"# SGo"``):
0 pad, 1 wall, 2 floor, 3 start, 4 goal, 5 path, row by row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks import maze_generate, maze_paths, reading
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens
from trm_edge.tasks.drawing import Cell, Picture
from trm_edge.tasks.maze_paths import FLOOR, GOAL, PATH, START, WALL
from trm_edge.tasks.symmetry import EVERY, IDENTITY, KEEP_SHAPE, Dihedral, Symmetry

_CHARSET = "# SGo"
_NAMES = {WALL: "wall", FLOOR: "floor", START: "S", GOAL: "G", PATH: "o"}
_MIN_SIDE, _MAX_SIDE = 3, 64
_ID = re.compile(r"maze-(\d{1,3})x(\d{1,3})", re.ASCII)

_LOOKS = {  # glyphs differ without colours too
    WALL: Cell(fill="#1f2937", ink="#1f2937", glyph="██"),
    FLOOR: Cell(),
    START: Cell("S", fill="#15803d", ink="#ffffff", bold=True),
    GOAL: Cell("G", fill="#b91c1c", ink="#ffffff", bold=True),
    PATH: Cell("o", fill="#bfdbfe", ink="#1d4ed8"),
}


class MazeTask(Task):
    """Mazes of ``rows`` x ``columns`` cells.

    Raises:
        InvalidInput: a side below 3 or above 64.
    """

    family = "maze"

    def __init__(self, rows: int, columns: int) -> None:
        if not (_MIN_SIDE <= rows <= _MAX_SIDE and _MIN_SIDE <= columns <= _MAX_SIDE):
            raise InvalidInput(f"A maze of {rows}x{columns} cells: each side has {_MIN_SIDE} to {_MAX_SIDE}")
        self.rows = rows
        self.columns = columns
        self.seq_len = rows * columns
        self.vocab_size = len(_CHARSET) + 1
        self.id = f"maze-{rows}x{columns}"

    @classmethod
    def from_id(cls, id: str) -> Self:
        """``maze-RxC``."""
        match = _ID.fullmatch(id)
        if match is None:
            raise InvalidInput(f"Task id '{id}': a maze is named maze-ROWSxCOLUMNS, for example maze-30x30")
        return cls(int(match[1]), int(match[2]))

    # -- text ---------------------------------------------------------------------------------
    def parse(self, text: str) -> Puzzle:
        """Read a question: one line of rows * columns characters, or one line a row.

        ``#`` is wall, a space is floor; exactly one ``S`` and one ``G``; no path ``o``, which belongs to answers.
        """
        grid = self._grid(text)
        for value in (START, GOAL):
            count = np.count_nonzero(grid == value)
            if count != 1:
                raise InvalidPuzzle(f"{count} cells '{_NAMES[value]}' given; a maze has exactly one")
        if (grid == PATH).any():
            row, column = np.argwhere(grid == PATH)[0] + 1
            raise InvalidPuzzle(f"row {row}, column {column} is 'o': a question shows no path; leave a space there")
        if self._steps(grid) is None:
            raise InvalidPuzzle("no path leads from S to G")
        return Puzzle(grid)

    def read(self, text: str, *, format: str) -> Iterator[Puzzle]:
        """Puzzles of a CSV file (``source,question,answer,rating``) or a text file."""
        return reading.grid_puzzles(
            text,
            format,
            rows=self.rows,
            symbols=self._symbols,
            whole=self._is_whole,
            parse=self.parse,
            grid=self._grid,
            check=self.check,
        )

    def format(self, grid: Grid) -> str:
        """rows * columns characters in one line; a pad becomes a space."""
        return "".join((" " + _CHARSET)[value] for value in self._valid(grid).ravel().tolist())

    def _symbols(self, line: str) -> str:
        return line if line.strip() or len(line) == self.columns else ""  # a row of floor is no empty line

    def _is_whole(self, line: str) -> bool:
        return len(line) > self.columns

    def _grid(self, text: str) -> Grid:
        lines = text.split("\n") if "\n" in text else [text]
        lines = [line.removesuffix("\r") for line in lines]
        while len(lines) > 1 and not lines[-1]:
            lines.pop()
        if len(lines) == 1:
            if len(lines[0]) != self.seq_len:
                raise InvalidPuzzle(
                    f"{len(lines[0])} cells given; a {self.rows}x{self.columns} maze has {self.seq_len}"
                )
        else:
            if len(lines) != self.rows:
                raise InvalidPuzzle(f"{len(lines)} rows given; a {self.rows}x{self.columns} maze has {self.rows}")
            for number, line in enumerate(lines, start=1):
                if len(line) != self.columns:
                    raise InvalidPuzzle(
                        f"row {number} has {len(line)} cells; each row needs {self.columns} (spaces at its end count)"
                    )
        values = [_CHARSET.find(character) + 1 for line in lines for character in line]
        if 0 in values:
            row, column = divmod(values.index(0), self.columns)
            character = "".join(lines)[values.index(0)]
            raise InvalidPuzzle(
                f"row {row + 1}, column {column + 1} is {character!r}; allowed are '#' wall, ' ' floor, 'S', 'G', 'o'"
            )
        return np.array(values, dtype=np.int8).reshape(self.rows, self.columns)

    # -- tokens -------------------------------------------------------------------------------
    def encode(self, grid: Grid) -> Tokens:
        """The grid's values, int32 [rows * columns]."""
        return self._valid(grid).astype(np.int32).ravel()

    def decode(self, tokens: Tokens) -> Grid:
        """Tokens as a grid; what is no symbol becomes floor."""
        values = np.asarray(tokens).reshape(self.rows, self.columns)
        return np.where((values >= WALL) & (values <= PATH), values, FLOOR).astype(np.int8)

    # -- rules --------------------------------------------------------------------------------
    def check(self, question: Grid, answer: Grid) -> str | None:
        """Walls, floor, S and G kept, and the ``o`` cells are one shortest path from S to G and nothing else."""
        question, answer = self._valid(question), self._valid(answer)
        changed = np.argwhere((question != answer) & ~((question == FLOOR) & (answer == PATH)))
        if len(changed):
            row, column = changed[0]
            before, after = (_NAMES.get(int(grid[row, column]), "pad") for grid in (question, answer))
            return f"{before} at row {row + 1}, column {column + 1} became {after}"
        steps = self._steps(question)
        if steps is None:
            return "the question has no path from S to G"
        along = self._steps(np.where(answer == FLOOR, np.int8(WALL), answer))
        if along is None:
            return "the path does not lead from S to G"
        if along > steps:
            return f"the path takes {along} steps, the shortest {steps}"
        stray = int(np.count_nonzero(answer == PATH)) - (steps - 1)
        return f"{stray} cells 'o' are not on the path" if stray else None

    def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """:meth:`check` for a batch; distances are only computed for rows whose ``o`` cells look like a path."""
        shape = (len(answers), self.rows, self.columns)
        question, answer = np.asarray(questions).reshape(shape), np.asarray(answers).reshape(shape)
        way = answer == PATH
        ends = (answer == START) | (answer == GOAL)
        kept = ((question == answer) | ((question == FLOOR) & way)).all(axis=(1, 2))

        # On a shortest path each 'o' touches two cells of the path and each end one: no forks and no shortcuts.
        # Then the way from S can only end at G, and as many cells as the distance needs leave none for strays.
        track = np.pad(way | ends, ((0, 0), (1, 1), (1, 1))).astype(np.int8)
        touching = track[:, :-2, 1:-1] + track[:, 2:, 1:-1] + track[:, 1:-1, :-2] + track[:, 1:-1, 2:]
        thin = (np.where(way, touching == 2, True) & np.where(ends, touching == 1, True)).all(axis=(1, 2))

        solved: NDArray[np.bool_] = kept & thin
        for index in np.flatnonzero(solved):
            solved[index] = self._steps(question[index]) == np.count_nonzero(way[index]) + 1
        return solved

    def symmetries(self, rng: np.random.Generator, count: int) -> list[Symmetry]:
        """Turns and flips: all eight of a square maze, four of any other."""
        others = (EVERY if self.rows == self.columns else KEEP_SHAPE)[1:]
        found: list[Symmetry] = [IDENTITY]
        found += (Dihedral(int(number)) for number in rng.permutation(others))
        return found[:count]

    def _steps(self, grid: NDArray[np.integer[Any]]) -> int | None:
        """Steps from S to G around the walls, or None. False grids (no S or G) have none."""
        start, goal, passable = (maze_paths.to_mask(cells) for cells in (grid == START, grid == GOAL, grid != WALL))
        if not (start and goal):
            return None
        return maze_paths.flood(passable, start, self.columns).distance(goal)

    def _valid(self, grid: Grid) -> Grid:
        if grid.shape != (self.rows, self.columns):
            shape = "x".join(str(size) for size in grid.shape)
            raise InvalidPuzzle(f"a grid of {shape} cells given; {self.id} has {self.rows}x{self.columns}")
        if grid.min() < 0 or grid.max() > PATH:
            raise InvalidPuzzle(f"grid values {grid.min()}..{grid.max()} given; a maze has 0 (pad) to {PATH}")
        return grid

    # -- pictures -----------------------------------------------------------------------------
    def picture(self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None) -> Picture:
        """Walls dark, S green, G red, the path blue; ``question`` adds nothing, since its symbols are kept."""
        marks = np.zeros(grid.shape, dtype=np.bool_) if changed is None else changed
        cells = tuple(
            tuple(replace(_LOOKS.get(value, _LOOKS[FLOOR]), changed=mark) for value, mark in zip(*row, strict=True))
            for row in zip(self._valid(grid).tolist(), marks.tolist(), strict=True)
        )
        return Picture(f"Maze {self.rows}x{self.columns}", cells, lines=False)

    # -- generation ---------------------------------------------------------------------------
    def generate(self, rng: np.random.Generator, **options: Any) -> Puzzle:
        """See :func:`trm_edge.tasks.maze_generate.generate`: ``loops``, ``min_length``."""
        reading.check_options(self.family, options, ("loops", "min_length"))
        return maze_generate.generate(rng, self.rows, self.columns, **options)
