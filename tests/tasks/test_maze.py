from __future__ import annotations

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks.base import Grid
from trm_edge.tasks.maze import MazeTask

TASK = MazeTask(4, 5)
ROWS = ["S  # ", " #   ", "   #G", "#    "]
BEST = ["Soo# ", " #ooo", "   #G", "#    "]


def grid(rows: list[str]) -> Grid:
    return np.array([["# SGo".index(symbol) + 1 for symbol in row] for row in rows], dtype=np.int8)


def test_tokens_are_the_official_ones() -> None:
    question = TASK.parse("".join(ROWS)).question
    assert (TASK.seq_len, TASK.vocab_size) == (20, 6)
    assert TASK.encode(question)[:6].tolist() == [3, 2, 2, 1, 2, 2]
    assert TASK.encode(grid(BEST))[1] == 5
    assert TASK.decode(np.full(20, 0)).tolist() == np.full((4, 5), 2).tolist()


def test_text_forms() -> None:
    for text in ("".join(ROWS), "\n".join(ROWS), "\r\n".join(ROWS) + "\r\n"):
        assert np.array_equal(TASK.parse(text).question, grid(ROWS))
    text = "".join(ROWS) + "\n" + "\n".join(ROWS) + "\n\n" + "\n".join(ROWS)
    assert [TASK.format(puzzle.question) for puzzle in TASK.read(text, format="text")] == ["".join(ROWS)] * 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([""], "0 cells given; a 4x5 maze has 20"),
        (["".join(ROWS)[:-1]], "19 cells"),
        ([*ROWS[:3], "#   "], "row 4 has 4 cells; each row needs 5"),
        (ROWS[:3], "3 rows given"),
        (["S x# ", *ROWS[1:]], "row 1, column 3 is 'x'"),
        (["   # ", *ROWS[1:]], "0 cells 'S'"),
        ([*ROWS[:2], "G  #G", ROWS[3]], "2 cells 'G'"),
        (BEST, "row 1, column 2 is 'o': a question shows no path"),
        (["S# # ", "##   ", *ROWS[2:]], "no path leads from S to G"),
    ],
)
def test_malformed_text(rows: list[str], message: str) -> None:
    with pytest.raises(InvalidPuzzle, match=message):
        TASK.parse("\n".join(rows))


def test_csv() -> None:
    question, answer = "".join(ROWS), "".join(BEST)
    (puzzle,) = TASK.read(f"source,question,answer,rating\nx,{question},{answer},9\n", format="csv")
    assert puzzle.answer is not None
    assert np.array_equal(puzzle.answer, grid(BEST))
    with pytest.raises(InvalidPuzzle, match="line 2: answer: the path does not lead"):
        list(TASK.read(f"question,answer\n{question},{question}\n", format="csv"))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (BEST, None),
        (ROWS, "does not lead"),
        (["Soo# ", " #oo ", "   #G", "#    "], "does not lead"),
        (["So # ", "o#ooo", "   #G", "#    "], "does not lead"),  # as many cells as the shortest path
        (["S  # ", "o#   ", "ooo#G", "# ooo"], "takes 8 steps, the shortest 6"),
        (["Soo# ", " #ooo", "   #G", "#   o"], "1 cells 'o' are not on the path"),
        (["Soooo", " #   ", "   #G", "#    "], "wall at row 1, column 4 became o"),
        (["ooo# ", " #ooo", "   #G", "#    "], "S at row 1, column 1 became o"),
        (["Soo# ", "##ooo", "   #G", "#    "], "floor at row 2, column 1 became wall"),
        (["Soo#o", "o#ooo", "   #G", "#    "], "2 cells 'o'"),
    ],
)
def test_check_and_solved(rows: list[str], reason: str | None) -> None:
    question, answer = grid(ROWS), grid(rows)
    found = TASK.check(question, answer)
    assert (found is None) if reason is None else (found is not None and reason in found)
    solved = TASK.solved(TASK.encode(question)[None], TASK.encode(answer)[None])
    assert solved.tolist() == [reason is None]


def test_any_shortest_path_is_a_solution() -> None:
    task = MazeTask(3, 3)
    question = grid(["S  ", "   ", "  G"])
    for rows in (["Soo", "  o", "  G"], ["So ", " oo", "  G"], ["S  ", "o  ", "ooG"]):
        assert task.check(question, grid(rows)) is None
        assert task.solved(task.encode(question)[None], task.encode(grid(rows))[None]).all()


def test_paths_do_not_lead_around_the_edge() -> None:
    task = MazeTask(3, 3)
    with pytest.raises(InvalidPuzzle, match="no path"):
        task.parse("S #\n###\n# G")
    with pytest.raises(InvalidPuzzle, match="no path"):
        task.parse("##S\nG##\n###")


@pytest.mark.parametrize(("rows", "columns", "loops"), [(3, 3, 0.0), (7, 12, 0.2), (30, 30, 0.05)])
def test_generated_mazes_have_one_shortest_path(rows: int, columns: int, loops: float) -> None:
    task = MazeTask(rows, columns)
    puzzle = task.generate(np.random.default_rng(0), loops=loops)
    question, answer = puzzle.question, puzzle.answer
    assert answer is not None
    assert task.check(question, answer) is None
    assert np.count_nonzero(answer == 5) == puzzle.extra["length"] - 1
    assert puzzle.rating == puzzle.extra["length"] + puzzle.extra["junctions"]
    # Unique: without any one cell of the path the way is longer, or there is none.
    for row, column in np.argwhere(answer == 5):
        blocked = question.copy()
        blocked[row, column] = 1
        steps = task._steps(blocked)
        assert steps is None or steps > puzzle.extra["length"]


def test_length_can_be_asked_for() -> None:
    puzzle = MazeTask(15, 15).generate(np.random.default_rng(0), min_length=40)
    assert puzzle.extra["length"] >= 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loops": 0.9}, "0 to 0.5"),
        ({"min_length": 25}, "1 to 24 steps"),
        ({"min_length": 24}, "not reached in 50 tries .* longest path had"),
    ],
)
def test_what_cannot_be_made_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        MazeTask(5, 5).generate(np.random.default_rng(0), **options)
