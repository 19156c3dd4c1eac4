"""Watching a run: what is shown while its files grow, on a terminal and elsewhere, and when it ends."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from trm_edge.cli import watch
from trm_edge.cli.watch import minutes_left, watch_run
from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.report.blocks import EIGHTHS, PLAIN
from trm_edge.report.run import read_run
from trm_edge.train.evaluations import GroupScore, HeldOut, Score, append_evaluation
from trm_edge.train.run_file import announced

ROOT = Path(__file__).parents[2]
HEAD = "step,minutes,lr,loss,token_loss,exact,cells,halting_steps,q_accuracy,grad_norm,held_out_exact\n"
SCORE = Score(50, 0.5, 0.25, 2.0, (20, 30), (0.25, 0.5))


def log_line(folder: Path, step: int, loss: float = 1.5) -> None:
    """Half a minute for ten steps."""
    path = folder / "log.csv"
    if not path.exists():
        path.write_text(HEAD)
    with path.open("a") as file:
        file.write(f"{step},{step / 20},0.0005,{loss},{loss / 2},0.5,0.75,2.5,0.95,1.5,\n")


def evaluation(folder: Path, step: int) -> None:
    groups = (GroupScore("givens", "few givens", SCORE), GroupScore("givens", "many givens", SCORE))
    append_evaluation(folder, step, HeldOut(SCORE, 0.9, groups))


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """A run of 100 steps that says it is on; its process is this one."""
    with announced(tmp_path, {"task": "sudoku-4x4", "steps": 100}):
        content = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(content)  # as it was before the run ended
    log_line(tmp_path, 10)
    return tmp_path


def end(folder: Path) -> None:
    with announced(folder, {"task": "sudoku-4x4", "steps": 100}):
        pass


def steps_of(*actions: Callable[[], object]) -> Callable[[float], None]:
    """Instead of waiting, something happens to the run; after the last action it must have ended."""
    left = list(actions)

    def act(_: float) -> None:
        left.pop(0)()

    return act


def test_new_lines_are_printed_as_they_come(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_line(running, 20)

    def grows() -> None:
        log_line(running, 30, loss=0.25)
        log_line(running, 40)
        evaluation(running, 40)

    watch_run(running, wait=steps_of(lambda: None, grows, lambda: end(running)))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        "step 20/100",  # where it stood
        "step 30/100",
        "step 40/100",
        "evaluation at step 40: 50.0 % of 50 held-out puzzles exact after 2 steps, 25.0 % when halting (2.00 steps)",
        "The run has ended at step 40 of 100. To resume, give its command again.",
    ]
    assert "loss 0.250  exact 50%  cells 75.0%  halting steps 2.5  q right 95%  lr 0.0005" in lines[1]
    assert lines[2].endswith("2 min spent, about 3 min to go")


def test_a_run_that_went_back_to_its_last_save_is_followed(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_line(running, 20)

    def resumed() -> None:
        (running / "log.csv").unlink()
        log_line(running, 10)

    watch_run(running, wait=steps_of(resumed, lambda: log_line(running, 20), lambda: end(running)))
    steps = [line.partition("  ")[0] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert steps == ["step 20/100", "step 20/100"]


def test_a_finished_run_is_shown_once(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_line(running, 100)
    evaluation(running, 100)
    end(running)
    watch_run(running, wait=lambda _: pytest.fail("there is nothing to wait for"))
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("step 100/100  loss 1.500")
    assert first.endswith("5 min spent")
    assert second.startswith("evaluation at step 100: ")
    assert last == "The run has ended at step 100 of 100."


def test_a_run_that_fails_says_why(running: Path) -> None:
    def fail() -> None:
        with pytest.raises(RuntimeError), announced(running, {"steps": 100}):
            raise RuntimeError("the run has diverged")

    with pytest.raises(TrmEdgeError, match="The run failed at step 10 of 100: the run has diverged"):
        watch_run(running, wait=steps_of(fail))


def test_a_run_that_was_killed_is_not_waited_for(
    running: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    content = (running / "run.json").read_text()
    (running / "run.json").write_text(content.replace(f'"pid": {os.getpid()}', f'"pid": {gone.pid}'))
    looks = []

    def later(_: float) -> None:
        looks.append(1)
        old = time.time() - watch.GONE - 1
        os.utime(running / "log.csv", (old, old))

    watch_run(running, wait=later)
    assert looks == [1], "its log was fresh at the first look: it might be trained elsewhere"
    assert "The run was killed at step 10 of 100" in capsys.readouterr().out


def test_a_run_of_an_older_version_ends_with_its_last_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state-000000020"
    state.mkdir()
    (state / "index.json").write_text('{"metadata": {"recipe": {"task": "sudoku-4x4", "steps": 20}}}')
    log_line(tmp_path, 10)
    watch_run(tmp_path, wait=steps_of(lambda: log_line(tmp_path, 20)))
    assert capsys.readouterr().out.endswith("The run has ended at step 20 of 20.\n")


def test_no_run_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no training run"):
        watch_run(tmp_path / "absent")


def test_the_time_left_follows_the_pace_of_the_last_lines(running: Path) -> None:
    assert minutes_left(read_run(running)) is None, "one line has no pace"
    log_line(running, 20)
    assert minutes_left(read_run(running)) == pytest.approx(4)
    with (running / "log.csv").open("a") as file:
        file.write("".join(f"{step},{1 + (step - 20) / 5},,1,,,,,,,\n" for step in range(21, 51)))
    assert minutes_left(read_run(running)) == pytest.approx(50 / 5)


def test_on_a_terminal_there_is_a_picture(
    running: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", terminal)
    log_line(running, 40)
    evaluation(running, 40)
    watch_run(running, wait=steps_of(lambda: end(running)))
    shown = terminal.getvalue()
    for part in ("step 40 of 100", "40%", "loss, logarithmic", "held-out puzzles exact, %", "many givens", "Ctrl-C"):
        assert part in shown, part


@pytest.mark.parametrize("glyphs", [EIGHTHS, PLAIN])
def test_the_picture_fits_a_terminal_of_80_columns(running: Path, glyphs: str) -> None:
    from rich.console import Console

    for step in range(20, 1000, 10):
        log_line(running, step, loss=100 / step)
    evaluation(running, 100)
    console = Console(width=200, file=io.StringIO())
    console.print(watch._picture(read_run(running), 5.0, glyphs))
    assert isinstance(console.file, io.StringIO)
    assert max(len(line.rstrip()) for line in console.file.getvalue().splitlines()) <= 80


def test_ctrl_c_ends_watching(running: Path) -> None:
    code = f"from pathlib import Path; from trm_edge.cli.watch import watch_run; watch_run(Path({str(running)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"step 10/100")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors, "the program turns it into one line and exit code 130"
