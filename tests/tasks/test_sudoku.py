from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks.sudoku import SudokuTask

NINE = SudokuTask(3, 3)
FOUR = SudokuTask(2, 2)
SIXTEEN = SudokuTask(4, 4)

QUESTION = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
PUBLIC = Path(__file__).parents[3] / "shared/data/sudoku/validation.csv"


def test_sizes_and_vocabulary() -> None:
    assert (NINE.id, NINE.seq_len, NINE.vocab_size) == ("sudoku-9x9", 81, 11)
    assert SudokuTask(2, 3).id == "sudoku-6x6"
    assert SudokuTask(3, 2).id == "sudoku-6x6-b3x2"
    assert SudokuTask.from_id("sudoku-6x6-b3x2") == SudokuTask(3, 2)
    with pytest.raises(InvalidInput, match="boxes of 1x5"):
        SudokuTask(1, 5)


def test_tokens_are_the_official_ones() -> None:
    tokens = NINE.encode(NINE.parse(QUESTION).question)
    assert tokens[:5].tolist() == [6, 4, 1, 1, 8]  # 5 3 blank blank 7
    decoded = NINE.decode(np.where(tokens == 6, 11, np.where(tokens == 4, 0, tokens)))
    assert decoded[0, :2].tolist() == [0, 0]


def test_text_forms_are_one_puzzle() -> None:
    expected = NINE.parse(QUESTION).question
    grid = "\n".join(QUESTION[i : i + 9] for i in range(0, 81, 9))
    assert np.array_equal(NINE.parse(grid).question, expected)
    assert np.array_equal(NINE.parse(QUESTION.replace(".", "0")).question, expected)
    lines = [" | ".join(line[i : i + 3] for i in (0, 3, 6)) for line in grid.split("\n")]
    decorated = "\r\n---+---+---\r\n".join("\r\n".join(lines[i : i + 3]) for i in (0, 3, 6))
    assert np.array_equal(NINE.parse(decorated).question, expected)
    assert np.array_equal(NINE.parse(str(NINE.render_text(expected))).question, expected)
    assert NINE.format(expected) == QUESTION


def test_letters_stand_for_digits_above_nine() -> None:
    text = "123456789abcdefG" + "." * 240
    grid = SIXTEEN.parse(text).question
    assert grid[0].tolist() == list(range(1, 17))
    assert SIXTEEN.format(grid) == text.upper()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 rows given; a 9x9 Sudoku has 9"),
        (QUESTION[:80], "80 cells given; a 9x9 Sudoku has 81"),
        (QUESTION + ".", "82 cells"),
        ("53x" + QUESTION[3:], "character 3 is 'x'; allowed are 1-9, and . or 0"),
        ("." * 9 + "\n" + "....A...." + "\n", "row 2, character 5 is 'A'"),
        ("\n".join(["." * 9] * 4 + ["." * 8] + ["." * 9] * 4), "row 5 has 8 cells"),
        ("\n".join(["." * 9] * 8), "8 rows given"),
        ("5.......5" + "." * 72, "5 is twice in row 1 .row 1, column 1 and row 1, column 9"),
        ("5" + "." * 71 + "5" + "." * 8, "5 is twice in column 1 "),
        ("5" + "." * 18 + "5" + "." * 61, "5 is twice in box 1 "),
    ],
)
def test_malformed_text(text: str, message: str) -> None:
    with pytest.raises(InvalidPuzzle, match=message) as caught:
        NINE.parse(text)
    assert "\n" not in str(caught.value)


def test_csv_without_and_with_answers() -> None:
    text = f"source,question,answer,rating\na,{QUESTION},{ANSWER},7\nb,{QUESTION},,\n"
    first, second = NINE.read(text, format="csv")
    assert first.answer is not None
    assert (NINE.format(first.answer), first.rating, first.source) == (ANSWER, 7.0, "a")
    assert second.answer is None
    assert second.rating is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"{QUESTION},{ANSWER[1:]}", "line 3: answer: 80 cells"),
        (f"{QUESTION},4{ANSWER[1:]}", "line 3: answer: the given 5 at row 1, column 1 became 4"),
        (f"{QUESTION},{QUESTION}", "line 3: answer: row 1, column 3 is blank"),
        (f"{QUESTION},{ANSWER[:2]}5{ANSWER[3:]}", "line 3: answer: 5 is twice in row 1"),
        (f"{QUESTION[1:]},", "line 3: 80 cells"),
    ],
)
def test_bad_csv_rows_are_named(row: str, message: str) -> None:
    text = f"question,answer\n{QUESTION},{ANSWER}\n{row}\n"
    with pytest.raises(InvalidPuzzle, match=message):
        list(NINE.read(text, format="csv"))


def test_text_file() -> None:
    grid = "1...\n..1.\n.2..\n...3"
    text = f"# two ways\n{grid.replace(chr(10), '')}\n{grid}\n{grid}\n\n1.. .\n"
    puzzles = FOUR.read(text, format="text")
    expected = FOUR.parse(grid).question
    assert all(np.array_equal(next(puzzles).question, expected) for _ in range(3))
    with pytest.raises(InvalidPuzzle, match="line 12: 4 cells given"):
        next(puzzles)


def test_check_and_solved() -> None:
    question = NINE.parse(QUESTION).question
    answer = NINE.parse(ANSWER).question
    assert NINE.check(question, answer) is None

    right = NINE.encode(answer)
    swapped = right.copy()
    swapped[[2, 3]] = swapped[[3, 2]]  # row 1 stays complete, columns do not
    other = NINE.encode(answer % 9 + 1)  # complete, but of other givens
    pad, large = right.copy(), right.copy()
    pad[2], large[2] = 0, 40
    answers = np.stack([right, swapped, other, pad, large])
    solved = NINE.solved(np.tile(NINE.encode(question), (5, 1)), answers)
    assert solved.tolist() == [True, False, False, False, False]
    empty = np.ones_like(answers)
    assert NINE.solved(empty, answers).tolist() == [True, False, True, False, False]
    assert NINE.solved(empty[:0], answers[:0]).shape == (0,)


@pytest.mark.parametrize("axis", ["rows", "columns", "boxes"])
def test_solved_looks_at_every_kind_of_unit(axis: str) -> None:
    """Grids that satisfy two kinds of units and break only the third."""
    n = np.arange(4)
    latin = (n[:, None] + n) % 4 + 1  # rows and columns
    by_rows = np.array([[1, 2, 3, 4], [3, 4, 1, 2]] * 2)  # rows and boxes
    grid = {"boxes": latin, "columns": by_rows, "rows": by_rows.T}[axis].astype(np.int8)
    assert not FOUR.solved(np.ones((1, 16), dtype=np.int32), FOUR.encode(grid)[None])[0]
    assert axis.rstrip("s").rstrip("e") in str(FOUR.check(np.zeros_like(grid), grid))


def test_boxes_of_two_by_three() -> None:
    task = SudokuTask(2, 3)
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    for row in (0, 2, 4):
        for column in (0, 3):
            assert sorted(puzzle.answer[row : row + 2, column : column + 3].ravel()) == [1, 2, 3, 4, 5, 6]


def test_picture_tells_givens_answers_and_mistakes() -> None:
    question = FOUR.parse("1..............2").question
    grid = question.copy()
    grid[0, 1], grid[1, 1], grid[2, 2] = 2, 1, 3
    cells = FOUR.picture(grid, question=question).cells
    assert cells[0][0].bold
    assert cells[0][0].ink is None
    assert not cells[0][1].bold
    assert cells[1][1].ink == "#dc2626"  # a second 1 in the box
    assert cells[2][2].ink == cells[0][1].ink == "#2563eb"
    grid[0, 0] = 4  # a given that was changed
    assert FOUR.picture(grid, question=question).cells[0][0].ink == "#dc2626"


@pytest.mark.skipif(not PUBLIC.exists(), reason="the public puzzles are not beside the repository")
def test_public_file() -> None:
    puzzles = list(NINE.read(PUBLIC.read_text(), format="csv"))
    assert len(puzzles) > 1000
    questions = np.stack([NINE.encode(puzzle.question) for puzzle in puzzles])
    answers = np.stack([NINE.encode(puzzle.answer) for puzzle in puzzles if puzzle.answer is not None])
    assert NINE.solved(questions, answers).all()
