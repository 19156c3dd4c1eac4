from __future__ import annotations

import json

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks.arc import ArcTask
from trm_edge.tasks.arc_generate import RULES

TASK = ArcTask(5)
PAIR = {"input": [[1, 2], [3, 4]], "output": [[4]]}


def test_tokens_are_the_official_ones() -> None:
    tokens = TASK.encode(np.array([[0, 9], [3, 4]], dtype=np.int8)).reshape(5, 5)
    assert tokens.tolist() == [
        [2, 11, 1, 0, 0],
        [5, 6, 1, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    full = TASK.encode(np.zeros((5, 3), dtype=np.int8)).reshape(5, 5)
    assert full[:, 3].tolist() == [1] * 5
    assert full[4, :3].tolist() == [2] * 3
    assert (ArcTask(30).seq_len, ArcTask(30).vocab_size) == (900, 12)


def official_crop(canvas: np.ndarray) -> tuple[int, int]:
    """The size that the official evaluator crops to, written out as its loop."""
    best, size, width = 0, (0, 0), canvas.shape[1]
    for rows in range(1, canvas.shape[0] + 1):
        for column in range(1, width + 1):
            if not 2 <= canvas[rows - 1, column - 1] <= 11:
                width = column - 1
                break
        if rows * width > best:
            best, size = rows * width, (rows, width)
    return size


def test_decode_crops_as_the_official_evaluator() -> None:
    rng = np.random.default_rng(0)
    sizes = set()
    for share in (0.5, 0.9, 0.97, 1.0):
        for _ in range(100):
            canvas = np.where(rng.random((5, 5)) < share, rng.integers(2, 12, (5, 5)), rng.choice([-7, 0, 1, 12, 99]))
            size = official_crop(canvas)
            assert TASK.decode(canvas.ravel()).shape == size
            assert np.array_equal(TASK.decode(canvas.ravel()), canvas[: size[0], : size[1]] - 2)
            sizes.add(size)
    assert {(0, 0), (5, 5)} < sizes
    assert len(sizes) > 10


def test_text_forms() -> None:
    expected = [[1, 2], [3, 4]]
    for text in ("12/34", "12\n34\n", "1 2\n3 4", "1,2\n3,4", "[[1,2],[3,4]]", json.dumps({"test": [PAIR]})):
        assert TASK.parse(text).question.tolist() == expected
    assert TASK.format(np.array(expected, dtype=np.int8)) == "12/34"
    text = "12/34\n1/2\n\n12\n34\n"
    assert [TASK.format(puzzle.question) for puzzle in TASK.read(text, format="text")] == ["12/34", "1/2", "12/34"]
    (puzzle,) = TASK.read("question,answer\n12/34,5\n", format="csv")
    assert puzzle.answer is not None
    assert puzzle.answer.tolist() == [[5]]


def test_json_of_one_task_and_of_many() -> None:
    task = {"train": [PAIR], "test": [PAIR, {"input": [[7]]}]}
    first, second = TASK.read(json.dumps(task), format="json")
    assert first.answer is not None
    assert first.answer.tolist() == [[4]]
    assert second.answer is None
    assert second.extra["pair"] == "test[1]"
    assert len(list(TASK.read(json.dumps(task), format="json", train=True))) == 3
    named = list(TASK.read(json.dumps({"a": task, "b": task}), format="json"))
    assert [puzzle.source for puzzle in named] == ["a", "a", "b", "b"]
    assert named[-1].extra["pair"] == "b.test[1]"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "line 1, column 2: not readable as JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"test": [{"input": [[' + "1" * 5000 + "]]}]}", "too long"),
        ("{}", "not an ARC task"),
        ("[1]", "not an ARC task"),
        ('{"train": []}', 'the document: .* "train" and "test"'),
        ('{"test": []}', "at least one in test"),
        ('{"test": [{"output": [[1]]}]}', r"test\[0\]: expected an object"),
        ('{"test": [{"input": [[1, 2], [3]]}]}', r"test\[0\]\.input: row 2 has 1 cells, row 1 has 2"),
        ('{"test": [{"input": [[1, 10]]}]}', "row 1, column 2 is 10; colours are 0 to 9"),
        ('{"test": [{"input": [[true]]}]}', "is True"),
        ('{"test": [{"input": [[1.0]]}]}', "is 1.0"),
        ('{"test": [{"input": []}]}', "has no cells"),
        ('{"test": [{"input": [[1]], "output": [[]]}]}', r"test\[0\]\.output has no cells"),
        ('{"test": [{"input": [[1,1,1,1,1,1]]}]}', "1x6 cells; arc-5x5 holds 5x5 at most"),
    ],
)
def test_bad_json(document: str, message: str) -> None:
    with pytest.raises(InvalidPuzzle, match=message):
        list(TASK.read(document, format="json"))


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no cells"), ("12/3", "row 2 has 1 cells"), ("12/3x", "row 2, column 2 is 'x'"), ("[[1],[2,3]]", "row 2")],
)
def test_malformed_text(text: str, message: str) -> None:
    with pytest.raises(InvalidPuzzle, match=message):
        TASK.parse(text)


def test_no_rules() -> None:
    one = np.ones((1, 1), dtype=np.int8)
    assert "no rules" in str(TASK.check(one, one))


def test_rules_of_the_generator() -> None:
    grid = np.array([[1, 9], [0, 2], [3, 0]], dtype=np.int8)
    results = {name: rule(grid).tolist() for name, rule in RULES.items()}
    assert results == {
        "flip-horizontal": [[9, 1], [2, 0], [0, 3]],
        "flip-vertical": [[3, 0], [0, 2], [1, 9]],
        "rotate-90": [[3, 0, 1], [0, 2, 9]],
        "rotate-180": [[0, 3], [2, 0], [9, 1]],
        "transpose": [[1, 0, 3], [9, 2, 0]],
        "recolour": [[2, 1], [0, 3], [4, 0]],
        "shift-right": [[0, 1], [0, 0], [0, 3]],
        "fall": [[0, 0], [1, 9], [3, 2]],
    }


def test_a_rule_has_its_puzzle_id() -> None:
    puzzle = TASK.generate(np.random.default_rng(0), rule="fall")
    assert puzzle.answer is not None
    assert puzzle.puzzle_id == list(RULES).index("fall") + 1
    assert np.array_equal(puzzle.answer, RULES["fall"](puzzle.question))
    with pytest.raises(InvalidInput, match="Did you mean 'fall'"):
        TASK.generate(np.random.default_rng(0), rule="fal")


def test_cells_beyond_the_last_answer_are_marked() -> None:
    cells = TASK.picture(np.zeros((2, 2), dtype=np.int8), changed=np.zeros((1, 3), dtype=np.bool_)).cells
    assert [[cell.changed for cell in row] for row in cells] == [[False, False], [True, True]]
