"""What a task is: a codec between puzzles and tokens, and the rules of the puzzle.

A task knows nothing about models, runtimes or files of weights. Token values follow the official
datasets exactly (``dataset/build_*_dataset.py`` of TinyRecursiveModels), so that a model trained there
reads what we encode.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from trm_edge.tasks import drawing
from trm_edge.tasks.drawing import Picture
from trm_edge.tasks.symmetry import IDENTITY, Symmetry

Grid = NDArray[np.int8]
"""A puzzle in the task's own symbols, [rows, columns]; each task documents its values."""

Tokens = NDArray[np.int32]
"""What the model reads and answers: [seq_len] or [batch, seq_len]."""


@dataclass(frozen=True, eq=False)
class Puzzle:
    """One puzzle, with its answer where it is known.

    Attributes:
        question: the grid as given, [rows, columns].
        answer: the solved grid, or None.
        source: where it comes from (a CSV's ``source`` column, ``"generated"``, ...).
        rating: difficulty on the source's own scale, or None.
        puzzle_id: row of the model's puzzle-embedding table (ARC), 0 elsewhere.
    """

    question: Grid
    answer: Grid | None = None
    source: str = ""
    rating: float | None = None
    puzzle_id: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


class Task(ABC):
    """Codec + rules + generator of one kind of puzzle at one size."""

    family: ClassVar[str]  #: "sudoku", "maze", "arc"
    has_rules: ClassVar[bool] = True  #: whether :meth:`check` can tell a right answer from a wrong one
    id: str  #: "sudoku-9x9", "maze-30x30", "arc-30x30"; `get_task(task.id)` builds an equal task
    seq_len: int  #: tokens of one puzzle
    vocab_size: int

    @classmethod
    @abstractmethod
    def from_id(cls, id: str) -> Self:
        """The task that ``id`` names.

        Raises:
            InvalidInput: the id is malformed or its size is out of range.
        """

    # -- text ---------------------------------------------------------------------------------
    @abstractmethod
    def parse(self, text: str) -> Puzzle:
        """Read one puzzle from a line or a multi-line grid.

        Raises:
            InvalidPuzzle: wrong length, illegal character, contradiction, ragged grid.
        """

    @abstractmethod
    def read(self, text: str, *, format: str) -> Iterator[Puzzle]:
        """Read all puzzles of a file's text; ``format`` is ``"csv"``, ``"json"`` or ``"text"``.

        An error names the line (or the JSON path) it was found at.
        """

    @abstractmethod
    def format(self, grid: Grid) -> str:
        """The grid as one canonical line, such that ``parse(format(grid))`` gives it back."""

    # -- tokens -------------------------------------------------------------------------------
    @abstractmethod
    def encode(self, grid: Grid) -> Tokens:
        """Grid to tokens [seq_len], exactly as the official dataset encodes it."""

    @abstractmethod
    def decode(self, tokens: Tokens) -> Grid:
        """Tokens [seq_len] to grid. Never raises on a model's output: unprintable tokens become blanks."""

    # -- rules --------------------------------------------------------------------------------
    @abstractmethod
    def check(self, question: Grid, answer: Grid) -> str | None:
        """None if ``answer`` solves ``question`` by the rules, else the first violation in one line."""

    @abstractmethod
    def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """Vectorised :meth:`check` on tokens [batch, seq_len] -> [batch]; used by the `verified` policy.

        Must be fast: it runs after every supervision step. Tasks without rules (ARC) return all False.
        """

    def symmetries(self, rng: np.random.Generator, count: int) -> list[Symmetry]:
        """The identity first, then random symmetries of the task's puzzles, ``count`` (at least 1) in all.

        Fewer where there are no more; a task that knows none has the identity alone.
        """
        return [IDENTITY]

    # -- pictures -----------------------------------------------------------------------------
    @abstractmethod
    def picture(self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None) -> Picture:
        """What to draw: givens of ``question`` stand out, ``changed`` cells are marked."""

    def render_text(self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None) -> Any:
        """:meth:`picture` as a rich renderable, readable without colours too."""
        return drawing.to_text(self.picture(grid, question=question, changed=changed))

    def render_svg(self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None) -> str:
        """:meth:`picture` as an SVG document."""
        return drawing.to_svg(self.picture(grid, question=question, changed=changed))

    def render_png(
        self, grid: Grid, *, question: Grid | None = None, changed: NDArray[np.bool_] | None = None
    ) -> bytes:
        """:meth:`picture` as the bytes of a PNG file.

        Raises:
            MissingDependency: Pillow is not installed.
        """
        return drawing.to_png(self.picture(grid, question=question, changed=changed))

    # -- generation ---------------------------------------------------------------------------
    @abstractmethod
    def generate(self, rng: np.random.Generator, **options: Any) -> Puzzle:
        """A fresh puzzle with a unique answer, and its difficulty rating.

        Raises:
            InvalidInput: an option is unknown, out of range or cannot be met.
        """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)
