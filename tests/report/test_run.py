from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.report.run import duration, read_run


def test_a_run_is_read_as_it_was_written(run_folder: Callable[..., Path]) -> None:
    run = read_run(run_folder(4, evaluations=(20, 40)))
    assert (run.name, run.task, run.step, run.steps, run.minutes) == ("a-run", "sudoku-4x4", 40, 40, 2.0)
    assert run.finished
    assert run.series("halting_steps") == [(10, 2.5), (20, 2.5), (30, 2.5), (40, 2.5)]
    assert [step for step, _ in run.evaluations] == [20, 40]
    assert run.minutes_at(0) == 0
    assert run.minutes_at(25) == 1.25
    assert run.minutes_at(99) == 2.0, "nothing is known of later"


def test_what_lies_beyond_the_log_of_a_resumed_run_is_left_out(run_folder: Callable[..., Path]) -> None:
    folder = run_folder(4, evaluations=(20, 40), steps=90)
    lines = (folder / "log.csv").read_text().splitlines()
    (folder / "log.csv").write_text("\n".join(lines[:4]) + "\n")
    run = read_run(folder)
    assert run.step == 30
    assert not run.finished
    assert [step for step, _ in run.evaluations] == [20]


def test_a_line_that_is_being_written_is_left_out(run_folder: Callable[..., Path]) -> None:
    folder = run_folder(2)
    with (folder / "log.csv").open("a") as file:
        file.write("30,1")
    assert read_run(folder).step == 20


def test_numbers_that_say_nothing_are_left_out(run_folder: Callable[..., Path]) -> None:
    """No puzzle halted: there is no mean of those that did."""
    folder = run_folder(1)
    with (folder / "log.csv").open("a") as file:
        file.write("20,1,nan,inf,0.5,0,0.75,0,0.95,1.5,,too,many\n20,,,,,,,,,,0.25\nodd,,,,,,,,,,\n")
    run = read_run(folder)
    assert run.log[1] == {
        "step": 20,
        "minutes": 1,
        "token_loss": 0.5,
        "cells": 0.75,
        "q_accuracy": 0.95,
        "grad_norm": 1.5,
    }
    assert run.log[2:] == [{"step": 20, "held_out_exact": 0.25}]
    assert len(run.training) == 1, "a line without a loss is not about training"


def test_a_run_without_its_run_file_has_the_recipe_of_its_state(run_folder: Callable[..., Path]) -> None:
    folder = run_folder(2)
    (folder / "run.json").unlink()
    assert read_run(folder).steps is None
    state = folder / "state-000000020"
    state.mkdir()
    (state / "index.json").write_text(json.dumps({"metadata": {"recipe": {"task": "maze-6x6", "steps": 50}}}))
    (folder / "state-000000030").mkdir()
    (folder / "state-000000030" / "index.json").write_text("half")
    run = read_run(folder)
    assert (run.file, run.task, run.steps) == (None, "maze-6x6", 50)


def test_a_folder_without_a_run_is_one_clear_line(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(InvalidInput, match=r"holds no training run: it has no log\.csv\. Start one: ") as error:
            read_run(folder)
        assert "\n" not in str(error.value)
    (tmp_path / "log.csv").write_bytes(b"\xff\n")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 s"), (0.5, "30 s"), (2, "2 min"), (119, "119 min"), (120, "2.0 h"), (4319, "72.0 h"), (7200, "5.0 d")],
)
def test_times_are_for_people(minutes: float, text: str) -> None:
    assert duration(minutes) == text
