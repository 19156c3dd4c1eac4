from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trm_edge import __version__
from trm_edge.cli import main
from trm_edge.errors import InvalidInput, MissingDependency, ParityFailure

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "torch", "onnx", "onnxruntime", "rich", "trm_edge.tasks", "trm_edge.bundle")


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, **options)


def test_help_lists_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom trm_edge.cli.main import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("\n[]\n")
    for name, (_, line) in main.COMMANDS.items():
        assert name in result.stdout
        assert line[:40] in result.stdout


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        began = time.perf_counter()
        assert run("-m", "trm_edge", "--help").returncode == 0
        return time.perf_counter() - began

    assert min(seconds() for _ in range(3)) < 0.3


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_of_the_table_has_help(name: str, cli: Callable[..., Any]) -> None:
    outcome = cli(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: trm-edge {name} [OPTIONS]")
    assert outcome.err == ""


def test_the_module_runs_under_the_programs_name() -> None:
    result = run("-m", "trm_edge", "--version")
    assert (result.returncode, result.stdout) == (0, f"trm-edge {__version__}\n")
    assert run("-m", "trm_edge", "--help").stdout.startswith("Usage: trm-edge [OPTIONS] COMMAND")


def test_a_misspelt_command_gets_a_suggestion(cli: Callable[..., Any]) -> None:
    outcome = cli("slove")
    assert outcome.code == 2
    assert "No such command 'slove'" in outcome.err
    assert "'solve'" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_missing_argument_is_a_usage_error(cli: Callable[..., Any]) -> None:
    outcome = cli("solve")
    assert outcome.code == 2
    assert "bundle" in outcome.err.lower()
    assert "Traceback" not in outcome.err


@pytest.fixture
def command_that(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Put a command that raises something into the table, under the name ``models``."""

    def install(error: BaseException) -> None:
        module = ModuleType("raising_command")

        def command() -> None:
            raise error

        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "raising_command", module)
        monkeypatch.setitem(main.COMMANDS, "models", ("raising_command:command", "Raises."))

    return install


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InvalidInput("not\nthat"), 2, "error: not that\n"),
        (MissingDependency("install it"), 2, "error: install it\n"),
        (ParityFailure("too far off"), 1, "error: too far off\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), 2, "error: a.csv: No space left on device\n"),
    ],
)
def test_errors_end_in_one_line_and_a_code(
    cli: Callable[..., Any],
    command_that: Callable[[BaseException], None],
    error: BaseException,
    code: int,
    message: str,
) -> None:
    command_that(error)
    outcome = cli("models")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", message)


def test_a_bug_is_not_hidden(command_that: Callable[[BaseException], None]) -> None:
    command_that(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main.app(["models"])


@pytest.mark.skipif(os.name == "nt", reason="no pipes that break")
def test_a_reader_that_stops_is_no_error_message() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.run(
        [sys.executable, "-m", "trm_edge", "targets"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=buffered,
        check=False,
    )
    os.close(writer)
    assert process.returncode == main.BROKEN_PIPE
    assert process.stderr == b""
