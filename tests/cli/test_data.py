"""``trm-edge data``: from the command line to a dataset and back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from trm_edge.cli.data import parse_givens
from trm_edge.cli.main import app
from trm_edge.data.official import open_split
from trm_edge.data.writer import DatasetWriter
from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Tokens

MAZES = ["data", "build", "maze-hard", "--task", "maze-10x10", "--generate", "20"]


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_dataset_is_built_and_looked_at(tmp_path: Path) -> None:
    out = tmp_path / "mazes"
    code, said, _ = run(*MAZES, "--aug", "--min-length", "12", "--out", out)
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == f"{out}: maze-hard, task maze-10x10"
    assert lines[1].startswith("  train: 20 groups, 160 puzzles, 160 examples of 100 tokens (vocabulary 6, uint8)")
    assert lines[2].startswith("  test: 2 groups, 2 puzzles")
    assert lines[-1] == "  test puzzles that train holds: 0, up to symmetry 0"
    assert run("data", "inspect", out) == (0, said, "")
    code, shown, _ = run("data", "inspect", out, "--show", "2")
    assert code == 0
    assert shown.startswith(said)
    assert shown.count("example 1\n") == 2
    assert "S" in shown.removeprefix(said)
    found = json.loads(run("data", "inspect", out, "--json")[1])
    assert found["splits"]["train"]["puzzles"] == 160
    assert found["report"]["source"]["min_length"] == 12


def test_a_dataset_of_somebody_else_is_counted_anew(tmp_path: Path) -> None:
    out = tmp_path / "mazes"
    run(*MAZES, "--aug", "--out", out)
    (out / "report.json").unlink()
    for name in ("inputs", "labels"):  # the first maze again, turned, as a test puzzle
        path = out / "test" / f"all__{name}.npy"
        tokens = np.load(path)
        tokens[0] = open_split(out, "train").only.__dict__[name][3]
        np.save(path, tokens)
    code, said, _ = run("data", "inspect", out)
    assert code == 0
    assert said.splitlines()[0] == f"{out}: dataset, task maze-10x10"
    assert said.splitlines()[-1] == "  test puzzles that train holds: 0, up to symmetry 1"
    for text in ("{", "[]", '{"repeated": 5}', '{"repeated": {"train": {"exact": "many"}}}', '{"test_in_train": {}}'):
        (out / "report.json").write_text(text)
        code, _, error = run("data", "inspect", out)
        assert code == 2
        assert error.startswith(f"error: {out}/report.json is")
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sudoku"], "Unknown dataset 'sudoku'"),
        (["maze-hard", "--generate", "5", "--givens", "a"], "--givens 'a' is no number of clues"),
        (["arc-agi-1", "--generate", "5"], "arc-agi-1 has no use for --generate"),
        (["sudoku-extreme", "--aug"], "sudoku-extreme has no use for --aug"),
        (["sudoku-extreme", "--source", "nowhere"], "Cannot read nowhere/test.csv"),
        (["sudoku-extreme", "--num-aug", "-1"], "--num-aug -1: it must be at least 0"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path: Path, arguments: list[str], message: str) -> None:
    code, _, said = run("data", "build", *arguments, "--out", tmp_path / "set")
    assert code == 2
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_no_dataset(tmp_path: Path) -> None:
    code, _, said = run("data", "inspect", tmp_path)
    assert code == 2
    assert said.startswith(f"error: {tmp_path} is no dataset")


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    out = tmp_path / "mazes"
    assert run(*MAZES, "--out", out)[0] == 0
    code, _, said = run(*MAZES, "--out", out)
    assert code == 2
    assert "--overwrite" in said
    assert run(*MAZES, "--out", out, "--overwrite", "--generate", "30")[0] == 0
    assert len(open_split(out, "train")) == 30


def test_sudoku_and_arc_are_drawn(tmp_path: Path) -> None:
    """A folder without a report is told by its sizes and the rules; ARC grids lie anywhere on the canvas."""
    task = get_task("sudoku-9x9")
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    grid = np.zeros((30, 30), np.uint8)
    grid[4, 7:9], grid[5, 7:9], grid[4:5, 9] = (3, 4), 1, 1  # the colours 1 and 2 at row 4, column 7, and their ends
    tokens = grid.reshape(1, -1).astype(np.int32)
    rows: dict[str, tuple[Tokens, Tokens, int]] = {
        "sudoku-9x9": (task.encode(puzzle.question)[None], task.encode(puzzle.answer)[None], 11),
        "arc-30x30": (tokens, tokens, 12),
    }
    for name, (inputs, labels, vocab_size) in rows.items():
        with DatasetWriter(tmp_path / name) as dataset:
            split = dataset.split("train", seq_len=inputs.shape[1], vocab_size=vocab_size)
            split.append(inputs, labels)
        code, shown, _ = run("data", "inspect", tmp_path / name, "--show", "1")
        assert code == 0
        assert shown.startswith(f"{tmp_path / name}: dataset, task {name}")
        assert "test puzzles" not in shown
        assert ("│" if name == "sudoku-9x9" else "1 2") in shown.partition("example 0")[2]


def test_the_commands_are_listed() -> None:
    code, said, _ = run("data", "--help")
    assert code == 0
    assert "build" in said
    assert "inspect" in said
    assert run("data", "bild")[0] == 2


def test_givens() -> None:
    assert parse_givens("26") == 26
    assert parse_givens("24-30") == (24, 30)
    for text in ("", "a", "24-", "-3", "1-2-3"):
        with pytest.raises(InvalidInput):
            parse_givens(text)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trm_edge", "data", "build", "maze-hard", "--generate", "100000"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "set")],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # where the tests run in the background it is ignored
    )
    try:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob(".set.*/test/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert said == "Interrupted.\n"
    assert not list(tmp_path.iterdir())
