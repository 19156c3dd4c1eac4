"""The program run inside the test, and a bundle whose answers come from a script."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import update_manifest, write_bundle
from trm_edge.cli.main import app
from trm_edge.deploy.ort_web import wanted
from trm_edge.deploy.site import PAGE
from trm_edge.runtimes.fake import FakeSession
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task


@dataclass(frozen=True)
class Outcome:
    """How a call of the program ended."""

    code: int
    out: str
    err: str

    def refused(self, *parts: str) -> None:
        """Assert that it ended as bad input must: exit code 2, one line, nothing on standard output."""
        assert self.code == 2, self
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        for part in parts:
            assert part in self.err


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            app([str(argument) for argument in arguments], prog_name="trm-edge")
        out, err = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), out, err)

    return run


@dataclass(frozen=True)
class Scripted:
    """A bundle on disk, and what its pretended model answers: two 4x4 puzzles, the second one wrongly."""

    path: Path
    questions: tuple[str, str]
    answer: str
    wrong: str


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    """Make the bundle, of any graph variant; ``solve`` then opens the script in place of ONNX Runtime."""
    import trm_edge.runtimes

    task = get_task("sudoku-4x4")
    puzzles = [task.generate(np.random.default_rng(seed), givens=6) for seed in range(2)]
    answers = [puzzle.answer for puzzle in puzzles if puzzle.answer is not None]
    wrong = answers[1].copy()
    blank = tuple(np.argwhere(puzzles[1].question == 0)[0])
    wrong[blank] = wrong[blank] % 4 + 1

    tokens = np.stack([task.encode(puzzle.question) for puzzle in puzzles])
    first, second = task.encode(answers[0]), task.encode(wrong)
    nearly = first.copy()
    nearly[np.argwhere(tokens[0] == 1)[0]] = 1  # one cell is still blank in the first two steps

    def make(graph: GraphVariant = GraphVariant.STEP, *, puzzle_ids: tuple[int, ...] = ()) -> Scripted:
        def open_script(*_: Any, **__: Any) -> FakeSession:
            return FakeSession.scripted(
                tokens,
                q_halt=[[-2.0, -3.0], [-1.0, -3.0], [4.5, -3.0], [5.0, -3.0]],
                answers=[[nearly, second], [nearly, second], [first, second], [first, second]],
                vocab_size=task.vocab_size,
                graph=graph,
                task=task.id,
                puzzles=puzzle_ids,
            )

        path = write_bundle(tmp_path / "scripted", open_script().manifest, {"model.onnx": b"the script stands in"})
        monkeypatch.setattr(trm_edge.runtimes, "open_session", open_script)
        questions = (task.format(puzzles[0].question), task.format(puzzles[1].question))
        return Scripted(path, questions, task.format(answers[0]), task.format(wrong))

    return make


@pytest.fixture
def for_apps(scripted: Any) -> Path:
    """A bundle that says that it is for the CPU, as apps run them."""
    path: Path = scripted().path
    update_manifest(path, target="cpu")
    return path


@pytest.fixture
def ort(tmp_path: Path) -> Path:
    """Files under the names of ONNX Runtime's, of the version that the page wants."""
    folder = tmp_path / "ort"
    folder.mkdir()
    want = wanted(PAGE)
    for name in want.files:
        (folder / name).write_text(f"/* ONNX Runtime Web v{want.version} */\n")
    return folder
