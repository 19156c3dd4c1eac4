from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trm_edge.train.run_file import ENDED, FAILED, FILE, MAX_BYTES, RUNNING, RunFile, announced, read_run_file


def test_it_says_that_a_run_is_on_and_how_it_ended(tmp_path: Path) -> None:
    with announced(tmp_path / "run", {"task": "sudoku-4x4", "steps": 3}):
        found = read_run_file(tmp_path / "run")
        assert found == RunFile({"task": "sudoku-4x4", "steps": 3}, RUNNING, "", os.getpid())
        assert not found.was_killed
    found = read_run_file(tmp_path / "run")
    assert found is not None
    assert (found.state, found.reason) == (ENDED, "")


def test_it_says_why_a_run_failed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of"), announced(tmp_path, {}):
        raise RuntimeError("out of\nmemory")
    found = read_run_file(tmp_path)
    assert found is not None
    assert (found.state, found.reason) == (FAILED, "out of memory")


def test_a_run_whose_process_is_gone_was_killed() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert RunFile(state=RUNNING, pid=gone.pid).was_killed
    assert not RunFile(state=ENDED, pid=gone.pid).was_killed


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"recipe": 7, "state": "", "reason": "", "pid": 1}', "[" * 100_000, " " * (MAX_BYTES + 1)],
)
def test_a_file_that_is_not_ours_says_nothing(tmp_path: Path, content: str) -> None:
    assert read_run_file(tmp_path) is None
    (tmp_path / FILE).write_text(content)
    assert read_run_file(tmp_path) is None
