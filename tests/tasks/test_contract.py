"""What every task of the table must do."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks import get_task, task_ids

IDS = task_ids()


@pytest.mark.parametrize("id", IDS)
def test_the_id_names_an_equal_task(id: str) -> None:
    assert get_task(id).id == id
    assert get_task(id) == get_task(id)


@pytest.mark.parametrize("id", IDS)
def test_generated_puzzles_survive_text_and_tokens(id: str) -> None:
    task = get_task(id)
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    assert puzzle.rating is not None
    assert np.array_equal(task.parse(task.format(puzzle.question)).question, puzzle.question)
    for grid in (puzzle.question, puzzle.answer):
        tokens = task.encode(grid)
        assert tokens.shape == (task.seq_len,)
        assert tokens.dtype == np.int32
        assert 0 <= tokens.min() <= tokens.max() < task.vocab_size
        decoded = task.decode(tokens)
        assert decoded.dtype == np.int8
        assert np.array_equal(decoded, grid)


@pytest.mark.parametrize("id", IDS)
def test_the_same_seed_gives_the_same_puzzle(id: str) -> None:
    first, second = (get_task(id).generate(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.question, second.question)
    other = get_task(id).generate(np.random.default_rng(4))
    assert not np.array_equal(first.question, other.question)


@pytest.mark.parametrize("id", IDS)
def test_solved_tells_answers_from_everything_else(id: str) -> None:
    task = get_task(id)
    puzzle = task.generate(np.random.default_rng(1))
    assert puzzle.answer is not None
    question, right = task.encode(puzzle.question), task.encode(puzzle.answer)
    spoilt = right.copy()
    spoilt[task.seq_len // 2] = 0
    answers = np.stack([right, spoilt, question, np.full_like(right, 99), -right, right])
    solved = task.solved(np.tile(question, (6, 1)), answers)
    assert solved.dtype == np.bool_
    if task.family == "arc":
        assert not solved.any()
    else:
        assert solved.tolist() == [True, False, False, False, False, True]
        assert task.check(puzzle.question, puzzle.answer) is None
        assert task.check(puzzle.question, puzzle.question) is not None


@pytest.mark.parametrize("id", IDS)
def test_decode_takes_any_output_of_a_model(id: str) -> None:
    task = get_task(id)
    tokens = np.random.default_rng(0).integers(-50, 300, task.seq_len).astype(np.int32)
    grid = task.decode(tokens)
    task.render_svg(grid)
    task.render_text(grid)


@pytest.mark.parametrize("id", ["sudoku-4x4", "maze-10x10", "arc-10x10"])
def test_pictures(id: str) -> None:
    task = get_task(id)
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    plain = task.render_svg(puzzle.answer, question=puzzle.question)
    changed = np.zeros(puzzle.answer.shape, dtype=np.bool_)
    changed[0, 0] = True
    marked = task.render_svg(puzzle.answer, question=puzzle.question, changed=changed)
    ElementTree.fromstring(plain)
    assert "#f59e0b" not in plain
    assert "#f59e0b" in marked
    assert str(task.render_text(puzzle.answer, changed=changed)).count("*") == 1


@pytest.mark.parametrize("id", ["sudoku-4x4", "maze-10x10", "arc-10x10"])
def test_png(id: str) -> None:
    pytest.importorskip("PIL")
    task = get_task(id)
    png = task.render_png(task.generate(np.random.default_rng(0)).question)
    assert png.startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("sudoko-9x9", "Did you mean 'sudoku-9x9'"),
        ("", "Unknown task ''"),
        ("sudoku", "sudoku-NxN"),
        ("sudoku-9x8", "sudoku-NxN"),
        ("sudoku-7x7", "4, 6, 8, 9"),
        ("sudoku-1x1", "4, 6, 8, 9"),
        ("sudoku-36x36", "at most 25"),
        ("sudoku-9x9-b3x2", "product"),
        ("maze-30", "maze-ROWSxCOLUMNS"),
        ("maze-2x9", "3 to 64"),
        ("maze-999x9", "3 to 64"),
        ("arc-10x12", "arc-NxN"),
        ("arc-31x31", "2 to 30"),
    ],
)
def test_bad_ids(id: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        get_task(id)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("id", ["sudoku-9x9", "maze-10x10", "arc-10x10"])
def test_unknown_format_and_option(id: str) -> None:
    task = get_task(id)
    with pytest.raises(InvalidInput, match="Unknown puzzle file format 'xml'"):
        list(task.read("", format="xml"))
    with pytest.raises(InvalidInput, match="Unknown option of the"):
        task.generate(np.random.default_rng(0), colour="red")


@pytest.mark.parametrize("id", ["sudoku-9x9", "maze-10x10", "arc-10x10"])
def test_a_grid_of_another_size_is_refused(id: str) -> None:
    with pytest.raises(InvalidPuzzle, match="31x7 cells"):
        get_task(id).encode(np.ones((31, 7), dtype=np.int8))


def test_sudoku_needs_only_numpy() -> None:
    program = "import sys, trm_edge.tasks.sudoku; print({m.partition('.')[0] for m in sys.modules} & set(sys.argv[1:]))"
    heavy = ["rich", "PIL", "typer", "torch", "onnx", "onnxruntime"]
    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
