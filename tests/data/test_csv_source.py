"""Puzzles out of files: every row as the task reads it, or one line about what is wrong; the hub by its real path."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from trm_edge.data import maze, sudoku
from trm_edge.data.chunks import Chunk
from trm_edge.data.csv_source import MAX_LINE, CsvSource
from trm_edge.data.official import open_split
from trm_edge.errors import InvalidInput, InvalidPuzzle

Generated = Callable[[str, int], Chunk]
WriteCsv = Callable[[str, str, Chunk], Path]
QUESTION = "1...............", "1..4........4..."


def source(path: Path, *, check: bool = True) -> CsvSource:
    return CsvSource(sudoku.game("sudoku-4x4"), {"train": path}, check=check)


@pytest.mark.parametrize("task_id", ["sudoku-4x4", "sudoku-16x16", "maze-10x10"])
def test_files_are_read_as_the_task_writes_them(task_id: str, csv_file: WriteCsv, generated: Generated) -> None:
    count = 2 if task_id == "sudoku-16x16" else 2500 if task_id == "sudoku-4x4" else 6
    puzzles = generated(task_id, min(count, 50))
    puzzles = puzzles.take(np.arange(count) % len(puzzles))
    game = (sudoku if task_id.startswith("sudoku") else maze).game(task_id)
    chunks = list(CsvSource(game, {"train": csv_file("a.csv", task_id, puzzles)}).chunks("train"))
    assert max(len(chunk) for chunk in chunks) <= 1024
    for name in ("questions", "answers", "ratings"):
        np.testing.assert_array_equal(np.concatenate([vars(chunk)[name] for chunk in chunks]), vars(puzzles)[name])
    np.testing.assert_array_equal(
        game.tokens(chunks[0].questions), [game.task.encode(grid) for grid in chunks[0].questions]
    )


def test_unusual_ways_of_writing_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        '\ufeffanswer,question\r\n1234341221434321,"12..\n3412\n|2143|\n4321"\r\n1234341221434321,1000341221434321\r\n'
    )
    (chunk,) = source(path).chunks("train")
    assert chunk.questions.reshape(2, -1)[:, :4].tolist() == [[1, 2, 0, 0], [1, 0, 0, 0]]
    assert np.isnan(chunk.ratings).all()


GOOD = "1.34341221434321,1234341221434321"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1234341221434321,", "line 3: no answer"),
        ("1.34341221434321,1134341221434321", "line 3: answer: 1 is twice in row 1"),
        ("1.34341221434321,4321341221434321", "line 3: answer: the given 1 at row 1, column 1 became 4"),
        ("1.3434122143432,1234341221434321", "line 3: 15 cells given; a 4x4 Sudoku has 16"),
        ("1.34341221434325,1234341221434321", r"line 3: character 16 is '5'; allowed are 1-4"),
        ("ü.34341221434321,1234341221434321", "line 3: character 1 is 'ü'"),
        ("1,2,3", "line 3: 3 fields, but the header has 2"),
        ("1" * (MAX_LINE + 1), f"line 3 is longer than {MAX_LINE} characters"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"question,answer\n{GOOD}\n{row}\n{GOOD}\n", encoding="utf-8")
    with pytest.raises(InvalidPuzzle, match=message) as refused:
        list(source(path).chunks("train"))
    assert str(refused.value).startswith(f"{path}: ")


def test_answers_are_taken_as_they_are_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"question,answer\n{GOOD}\n1.34341221434321,1134341221434321\n", encoding="utf-8")
    (chunk,) = source(path, check=False).chunks("train")
    assert chunk.answers[1, 0].tolist() == [1, 1, 3, 4]
    path.write_text(f"question,answer\n{GOOD}\n1.34341221434321,\n", encoding="utf-8")
    with pytest.raises(InvalidPuzzle, match="line 3: no answer"):
        list(source(path, check=False).chunks("train"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Cannot read .*a.csv: No such file"):
        list(source(tmp_path / "a.csv").chunks("train"))
    (tmp_path / "a.csv").write_bytes(b"question,answer\n\xff\xfe")
    with pytest.raises(InvalidInput, match="is not a text file"):
        list(source(tmp_path / "a.csv").chunks("train"))
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(InvalidPuzzle, match="needs the header"):
        list(source(tmp_path / "a.csv").chunks("train"))


def test_the_report_says_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert source(tmp_path / "a.csv").describe() == {
        "files": {"train": {"name": "a.csv", "bytes": 3, "sha256": digest}}
    }


# -- the hub ----------------------------------------------------------------------------------


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """What ``hf_hub_download`` needs of the hub: HEAD and GET of ``/datasets/OWNER/NAME/resolve/REVISION/FILE``."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            if content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            else:
                self.send_header("ETag", f'"{len(content):040}"')
                self.send_header("X-Repo-Commit", "0123456789abcdef0123456789abcdef01234567")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if with_body and content:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def build_from_hub(tmp_path: Path, endpoint: str, *more: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("huggingface_hub")
    arguments = ["data", "build", "sudoku-extreme", "--out", str(tmp_path / "set"), *more]
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", "trm_edge", *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


def test_the_official_repository_is_downloaded_by_its_real_path(
    tmp_path: Path, csv_file: WriteCsv, generated: Generated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    puzzles = generated("sudoku-9x9", 40)
    path = "/datasets/sapientinc/sudoku-extreme/resolve/main/"
    train = csv_file("train.csv", "sudoku-9x9", puzzles).read_bytes()
    test = csv_file("test.csv", "sudoku-9x9", puzzles.take(slice(0, 3))).read_bytes()
    with hub({f"{path}train.csv": train, f"{path}test.csv": test}) as (endpoint, asked):
        found = build_from_hub(tmp_path, endpoint, "--subsample-size", "10", "--num-aug", "2")
    assert found.returncode == 0, found.stderr
    assert f"GET {path}train.csv" in asked
    assert len(open_split(tmp_path / "set", "train")) == 30
    assert len(open_split(tmp_path / "set", "test")) == 3


def test_a_failed_download_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with hub({}) as (endpoint, _):
        found = build_from_hub(tmp_path, endpoint)
    assert found.returncode == 2
    assert found.stderr.startswith(
        "error: Cannot get train.csv of the dataset sapientinc/sudoku-extreme from http://127"
    )
    assert found.stderr.count("\n") == 1
    assert "--generate" in found.stderr
    assert not (tmp_path / "set").exists()
    assert not list(tmp_path.glob(".*"))


def test_no_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # without it, the hub's client tries again for half a minute
    found = build_from_hub(tmp_path, "http://127.0.0.1:9")
    assert found.returncode == 2
    assert found.stderr.startswith("error: Cannot get train.csv")
    assert found.stderr.count("\n") == 1
