from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.reading import read_file

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    ("task", "options"),
    [("sudoku-4x4", ["--option", "givens=6"]), ("maze-8x8", ["--option", "loops=0.1"]), ("arc-6x6", [])],
)
def test_the_file_reads_back(cli: Cli, tmp_path: Path, task: str, options: list[str]) -> None:
    out = tmp_path / "puzzles.csv"
    outcome = cli("generate", "--task", task, "--count", 3, "--out", out, *options)
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{out}: 3 puzzles of {task}\n"
    assert out.read_text().startswith("source,question,answer,rating\ngenerated,")
    puzzles = list(read_file(get_task(task), out))
    assert len(puzzles) == 3
    assert all(puzzle.answer is not None and puzzle.rating is not None for puzzle in puzzles)
    if task == "sudoku-4x4":
        assert [np.count_nonzero(puzzle.question) for puzzle in puzzles] == [6, 6, 6]


def test_equal_seeds_give_equal_files_and_more_puzzles_begin_alike(cli: Cli, tmp_path: Path) -> None:
    def text(name: str, count: int, seed: int) -> str:
        out = tmp_path / name
        cli("generate", "--task", "sudoku-4x4", "--count", count, "--seed", seed, "--out", out)
        return out.read_text()

    first = text("a", 3, 5)
    assert text("b", 3, 5) == first
    assert text("c", 4, 5).startswith(first)
    assert text("d", 3, 6) != first


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--task", "sudoku-9x8", "--count", "1"], ["sudoku-9x8"]),
        (["--task", "chess", "--count", "1"], ["Unknown task 'chess'"]),
        (["--task", "sudoku-4x4", "--count", "0"], ["count must be at least 1"]),
        (["--task", "sudoku-4x4", "--count", "1", "--seed", "-1"], ["seed must be at least 0"]),
        (["--task", "sudoku-4x4", "--count", "1", "--option", "givens"], ["NAME=VALUE"]),
        (["--task", "sudoku-4x4", "--count", "1", "--option", "givens=many"], ["givens='many'", "sudoku-4x4"]),
        (["--task", "sudoku-4x4", "--count", "1", "--option", "clues=5"], ["Unknown option", "givens"]),
        (["--task", "sudoku-4x4", "--count", "1", "--option", "givens=99"], ["givens=99"]),
        (["--task", "maze-8x8", "--count", "1", "--option", "loops=1", "--option", "loops=2"], ["given twice"]),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    cli: Cli, tmp_path: Path, arguments: list[str], parts: list[str]
) -> None:
    cli("generate", *arguments, "--out", tmp_path / "out.csv").refused(*parts)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unless_asked(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    arguments = ("generate", "--task", "sudoku-4x4", "--count", 1, "--out", out)
    cli(*arguments).refused("exists", "--overwrite")
    assert out.read_text() == "mine"
    assert cli(*arguments, "--overwrite").code == 0
    assert out.read_text().startswith("source,")


def test_an_interruption_leaves_the_old_file(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trm_edge.tasks.sudoku import SudokuTask

    out = tmp_path / "out.csv"
    out.write_text("mine")
    generate, made = SudokuTask.generate, []

    def interrupted(self: SudokuTask, rng: np.random.Generator, **options: Any) -> Any:
        made.append(1)
        if len(made) == 3:
            raise KeyboardInterrupt
        return generate(self, rng, **options)

    monkeypatch.setattr(SudokuTask, "generate", interrupted)
    outcome = cli("generate", "--task", "sudoku-4x4", "--count", 9, "--out", out, "--overwrite")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "Interrupted.\n")
    assert out.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [out]


def test_options_are_read_as_what_they_look_like() -> None:
    from trm_edge.cli.generate import parse_options

    assert parse_options(["a=3", "b=0.5", "c=hard", "d=x=y"]) == {"a": 3, "b": 0.5, "c": "hard", "d": "x=y"}
    with pytest.raises(InvalidInput, match="NAME=VALUE"):
        parse_options(["=3"])
