"""ARC grids on a square canvas: text, JSON, tokens and pictures. ARC has no rules to check an answer by.

A grid holds colours 0..9 and has any size up to the canvas. Tokens are those of the official
``dataset/build_arc_dataset.py`` (without its random translation): 0 pad, 1 end of row or column, colour c = c + 2,
row by row over the canvas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks import arc_generate, reading
from trm_edge.tasks.arc_augment import random_augmentation
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens
from trm_edge.tasks.drawing import Cell, Picture
from trm_edge.tasks.symmetry import IDENTITY, Symmetry

_COLOURS = 10
_PAD, _END, _FIRST_COLOUR = 0, 1, 2
_MIN_SIDE, _MAX_SIDE = 2, 30
_ID = re.compile(r"arc-(\d{1,2})x(\d{1,2})", re.ASCII)

# The palette of the ARC website, and an ink that can be read on each colour.
_FILLS = (
    "#000000", "#0074d9", "#ff4136", "#2ecc40", "#ffdc00", "#aaaaaa", "#f012be", "#ff851b", "#7fdbff", "#870c25",
)  # fmt: skip
_INKS = ("#ffffff",) * 2 + ("#000000",) * 7 + ("#ffffff",)


class ArcTask(Task):
    """ARC grids of at most ``canvas`` x ``canvas`` cells; officially 30.

    Raises:
        InvalidInput: a canvas below 2 or above 30.
    """

    family = "arc"
    has_rules = False

    def __init__(self, canvas: int) -> None:
        if not _MIN_SIDE <= canvas <= _MAX_SIDE:
            raise InvalidInput(f"An ARC canvas of {canvas}x{canvas} cells: its side is {_MIN_SIDE} to {_MAX_SIDE}")
        self.canvas = canvas
        self.seq_len = canvas * canvas
        self.vocab_size = _COLOURS + _FIRST_COLOUR
        self.id = f"arc-{canvas}x{canvas}"

    @classmethod
    def from_id(cls, id: str) -> Self:
        """``arc-NxN``."""
        match = _ID.fullmatch(id)
        if match is None or match[1] != match[2]:
            raise InvalidInput(f"Task id '{id}': an ARC canvas is named arc-NxN, for example arc-30x30")
        return cls(int(match[1]))

    # -- text ---------------------------------------------------------------------------------
    def parse(self, text: str) -> Puzzle:
        """Read one grid, as rows of digits on lines or between slashes (``012/345``), or as JSON (``[[0,1],[2,3]]``);
        or an ARC task as JSON, of which the first test pair is taken.
        """
        if not text.lstrip().startswith(("[", "{")):
            return Puzzle(self._digits(text))
        document = _json(text)
        if isinstance(document, list):
            return Puzzle(self._grid(document, "the grid"))
        return next(self._puzzles(document, train=False))

    def read(self, text: str, *, format: str, train: bool = False) -> Iterator[Puzzle]:
        """Puzzles of a file.

        Args:
            text: the file.
            format: ``json``: an ARC task (``{"train": [...], "test": [...]}``) or a map from names to tasks;
                ``csv``: ``source,question,answer,rating`` with grids as ``012/345``; ``text``: questions as grids
                of digits with empty lines between.
            train: also yield the demonstration pairs of a JSON task; by default only its test pairs.

        ``extra`` of a puzzle from JSON holds ``pair``, its JSON path; ``source`` is the task's name.
        """
        reading.check_format(format, ("csv", "json", "text"))
        if format == "json":
            document = _json(text)
            yield from self._puzzles(document, train=train)
        elif format == "csv":
            for row in reading.csv_rows(text):
                with reading.located(f"line {row.line}"):
                    question = self._digits(row.question)
                    answer = None if row.answer is None else self._digits(row.answer)
                yield Puzzle(question, answer, source=row.source, rating=row.rating)
        else:
            for line, block in reading.text_puzzles(text, rows=None, symbols=str.strip, whole=_is_whole):
                with reading.located(f"line {line}"):
                    puzzle = self.parse(block)
                yield puzzle

    def format(self, grid: Grid) -> str:
        """Rows of digits between slashes: ``012/345``."""
        return "/".join("".join(str(colour) for colour in row) for row in self._valid(grid).tolist())

    def _digits(self, text: str) -> Grid:
        rows = [re.sub(r"[\s,]", "", row) for row in re.split(r"[/\n]", text)]
        rows = [row for row in rows if row]
        for number, row in enumerate(rows, start=1):
            wrong = re.search(r"[^0-9]", row)
            if wrong:
                raise InvalidPuzzle(
                    f"row {number}, column {wrong.start() + 1} is {wrong.group()!r}; colours are the digits 0 to 9"
                )
        return self._grid([[int(colour) for colour in row] for row in rows], "the grid")

    def _puzzles(self, document: Any, *, train: bool) -> Iterator[Puzzle]:
        if not isinstance(document, Mapping) or not document:
            raise InvalidPuzzle('not an ARC task: expected {"train": [...], "test": [...]} or a map from names to such')
        named = not {"train", "test"} & set(document)
        for name, task in document.items() if named else [("", document)]:
            path = f"{name}." if named else ""
            if not isinstance(task, Mapping) or "test" not in task:
                raise InvalidPuzzle(f'{name or "the document"}: an ARC task is an object with "train" and "test"')
            for part in ("train", "test") if train else ("test",):
                pairs = task.get(part, [])
                if not isinstance(pairs, list) or (part == "test" and not pairs):
                    raise InvalidPuzzle(f"{path}{part}: expected a list of pairs, at least one in test")
                for index, pair in enumerate(pairs):
                    yield self._pair(pair, f"{path}{part}[{index}]", source=name)

    def _pair(self, pair: Any, path: str, *, source: str) -> Puzzle:
        if not isinstance(pair, Mapping) or "input" not in pair:
            raise InvalidPuzzle(f'{path}: expected an object with "input" and "output"')
        question = self._grid(pair["input"], f"{path}.input")
        output = pair.get("output")  # left out where the answer is secret
        answer = None if output is None else self._grid(output, f"{path}.output")
        return Puzzle(question, answer, source=source, extra={"pair": path})

    def _grid(self, rows: Any, path: str) -> Grid:
        """Nested lists as a grid; errors begin with ``path``."""
        if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
            raise InvalidPuzzle(f"{path} has no cells; expected rows of colours 0 to 9")
        height, width = len(rows), len(rows[0])
        if max(height, width) > self.canvas:
            raise InvalidPuzzle(
                f"{path} has {height}x{width} cells; {self.id} holds {self.canvas}x{self.canvas} at most"
            )
        for number, row in enumerate(rows, start=1):
            if len(row) != width:
                raise InvalidPuzzle(f"{path}: row {number} has {len(row)} cells, row 1 has {width}")
            for column, colour in enumerate(row, start=1):
                if type(colour) is not int or not 0 <= colour < _COLOURS:  # a bool is an int to isinstance
                    raise InvalidPuzzle(f"{path}: row {number}, column {column} is {colour!r:.20}; colours are 0 to 9")
        return np.array(rows, dtype=np.int8)

    # -- tokens -------------------------------------------------------------------------------
    def encode(self, grid: Grid) -> Tokens:
        """Colours + 2 in the top left corner, ends below and right of them where they fit, pads elsewhere."""
        rows, columns = self._valid(grid).shape
        tokens = np.full((self.canvas, self.canvas), _PAD, dtype=np.int32)
        tokens[:rows, :columns] = grid + _FIRST_COLOUR
        tokens[rows : rows + 1, :columns] = _END
        tokens[:rows, columns : columns + 1] = _END
        return tokens.ravel()

    def decode(self, tokens: Tokens) -> Grid:
        """The largest rectangle of colours from the top left corner, as ``_crop`` of the official ``evaluators/arc.py``
        finds it: the first of the largest. No colour in the corner gives an empty grid [0, 0].
        """
        canvas = np.asarray(tokens).reshape(self.canvas, self.canvas)
        colour = (canvas >= _FIRST_COLOUR) & (canvas < _FIRST_COLOUR + _COLOURS)
        reach = np.logical_and.accumulate(colour, axis=1).sum(axis=1)  # colours before the first other token
        widths = np.minimum.accumulate(reach)
        rows = int(np.argmax(widths * np.arange(1, self.canvas + 1))) + 1
        columns = int(widths[rows - 1])
        if columns == 0:
            return np.zeros((0, 0), dtype=np.int8)
        return (canvas[:rows, :columns] - _FIRST_COLOUR).astype(np.int8)

    # -- rules --------------------------------------------------------------------------------
    def check(self, question: Grid, answer: Grid) -> str | None:
        """Always a reason: nothing in an ARC question tells which answer is right."""
        return "ARC has no rules to check an answer by: compare it with the known output"

    def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """All False, [batch]."""
        return np.zeros(len(answers), dtype=np.bool_)

    def symmetries(self, rng: np.random.Generator, count: int) -> list[Symmetry]:
        """Turns and flips with other colours: see :mod:`trm_edge.tasks.arc_augment`."""
        found: list[Symmetry] = [IDENTITY]
        found += (random_augmentation(rng) for _ in range(count - 1))
        return found

    def _valid(self, grid: Grid) -> Grid:
        if grid.ndim != 2 or 0 in grid.shape or max(grid.shape) > self.canvas:
            shape = "x".join(str(size) for size in grid.shape)
            raise InvalidPuzzle(f"a grid of {shape} cells given; {self.id} holds 1x1 to {self.canvas}x{self.canvas}")
        if grid.min() < 0 or grid.max() >= _COLOURS:
            raise InvalidPuzzle(f"grid values {grid.min()}..{grid.max()} given; colours are 0 to {_COLOURS - 1}")
        return grid

    # -- pictures -----------------------------------------------------------------------------
    def picture(self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None) -> Picture:
        """Coloured cells, in a terminal with their numbers; ``question`` adds nothing, since no cell is a given.

        An answer may change its size between two steps: cells beyond ``changed`` count as changed.
        """
        marks = np.full(grid.shape, changed is not None)
        if changed is not None:
            rows, columns = (min(sides) for sides in zip(grid.shape, changed.shape, strict=True))
            marks[:rows, :columns] = changed[:rows, :columns]
        cells = tuple(
            tuple(
                Cell(fill=_FILLS[colour], ink=_INKS[colour], glyph=str(colour), changed=mark)
                for colour, mark in zip(*row, strict=True)
            )
            for row in zip(grid.tolist(), marks.tolist(), strict=True)
        )
        return Picture(f"ARC grid {grid.shape[0]}x{grid.shape[1]}", cells)

    # -- generation ---------------------------------------------------------------------------
    def generate(self, rng: np.random.Generator, **options: Any) -> Puzzle:
        """See :func:`trm_edge.tasks.arc_generate.generate`: ``rule``."""
        reading.check_options(self.family, options, ("rule",))
        return arc_generate.generate(rng, self.canvas, **options)


def _is_whole(line: str) -> bool:
    return "/" in line or line.lstrip().startswith(("[", "{"))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidPuzzle(f"line {error.lineno}, column {error.colno}: not readable as JSON ({error.msg})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or too many brackets
        raise InvalidPuzzle("not an ARC task: a number is too long, or the JSON is nested too deeply") from None
