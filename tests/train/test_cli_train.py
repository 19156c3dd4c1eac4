"""``trm-edge train`` as people run it: a process that is interrupted, killed and called again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trm_edge.cli.main import app

ROOT = Path(__file__).parents[2]
RECIPE = """
task = "sudoku-4x4"
steps = {steps}
batch_size = 8
generate = 10
bf16 = false
compile = false
[model]
hidden_size = 16
L_layers = 1
H_cycles = 1
L_cycles = 1
"""


def write_recipe(folder: Path, steps: int) -> Path:
    path = folder / "tiny.toml"
    path.write_text(RECIPE.format(steps=steps))
    return path


def launch(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "trm_edge", "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_ctrl_c_saves_and_the_same_command_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = ("--recipe", write_recipe(tmp_path, 10**6), "--out", out)
    process = launch(*arguments)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("step 50/1000000  loss ")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    first, start, report, second = output.splitlines()
    assert start.startswith("Start-up, to the end of the first step: ")
    assert report == f"Report: {', '.join(str(out / name) for name in ('report.html', 'curve.svg', 'curve.png'))}"
    assert first.startswith(f"{out / 'model.safetensors'}: ")
    assert second == "To resume, give the same command again."
    reached = int(first.partition(": ")[2].partition(" of ")[0])
    assert reached >= 50

    code, output, errors = call(capsys, *arguments, "--steps", reached + 2)
    assert code == 0, errors
    assert f": {reached + 2} of {reached + 2} steps, " in output
    assert f"step {reached + 2}/{reached + 2} " in errors


def test_a_limit_of_time_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, _ = call(capsys, "--recipe", write_recipe(tmp_path, 10**6), "--max-minutes", 0.002)
    assert code == 0
    assert output.startswith("runs/tiny/model.safetensors: ")
    assert output.endswith("To resume, give the same command again.\n")
    assert list((tmp_path / "runs" / "tiny").glob("state-*/index.json"))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--recipe", "sudoku-9x8"], ["Unknown recipe 'sudoku-9x8'", "Did you mean 'sudoku-9x9'?"]),
        (["--recipe", "absent.toml"], ["No recipe at absent.toml"]),
        (["--recipe", "RECIPE", "--steps", "0"], ["steps = 0"]),
        (["--recipe", "RECIPE", "--seed", "-1"], ["seed = -1"]),
        (["--recipe", "RECIPE", "--data", "absent.csv"], ["Cannot read absent.csv"]),
        (["--recipe", "RECIPE", "--eval-data", "absent.csv"], ["Cannot read absent.csv"]),
        (["--recipe", "RECIPE", "--device", "gpu"], ["--device 'gpu'", "cpu"]),
        (["--recipe", "RECIPE", "--device", "meta"], ["--device 'meta'"]),
        (["--recipe", "RECIPE", "--max-minutes", "0"], ["max_minutes"]),
    ],
)
def test_bad_input_is_one_line_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], parts: list[str]
) -> None:
    recipe = str(write_recipe(tmp_path, 5))
    given = [recipe if argument == "RECIPE" else argument for argument in arguments]
    code, output, errors = call(capsys, *given, "--out", tmp_path / "run")
    assert (code, output) == (2, "")
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    for part in parts:
        assert part in errors
    assert not (tmp_path / "run").exists()


def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments, part in (([], "--recipe: "), (["--watch"], "--out DIR")):
        code, output, errors = call(capsys, *arguments)
        assert (code, output) == (2, "")
        assert part in errors
    code, _, errors = call(capsys, "--watch", "--out", tmp_path / "absent")
    assert code == 2
    assert "absent" in errors


def test_a_finished_run_can_be_watched(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe, out = write_recipe(tmp_path, 5), tmp_path / "run"
    assert call(capsys, "--recipe", recipe, "--out", out)[0] == 0
    code, output, _ = call(capsys, "--watch", "--out", out)
    assert code == 0
    assert output.splitlines()[-1] == "The run has ended at step 5 of 5."


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").write_text("mine")
    code, _, errors = call(capsys, "--recipe", write_recipe(tmp_path, 5), "--out", tmp_path / "run")
    assert code == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert (tmp_path / "run").read_text() == "mine"


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        app(["train", *map(str, arguments)])
    output, errors = capsys.readouterr()
    return int(ended.value.code or 0), output, errors
