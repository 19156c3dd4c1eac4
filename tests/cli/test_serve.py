"""``trm-edge serve``: started as a user starts it, asked, and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from trm_edge.bundle.archive import pack

Serve = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def serve(for_apps: Path, ort: Path, tmp_path: Path) -> Iterator[Serve]:
    """Starts the server with a bundle; ends what still runs."""
    started: list[subprocess.Popen[str]] = []
    archive = tmp_path / "tiny.zip"
    pack(for_apps, archive)
    (tmp_path / "temporary").mkdir()

    def start(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "trm_edge", "serve", str(archive), "--ort", str(ort), *options]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
        program = subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.SIG_DFL
            ),  # ignored where tests run in the background
        )
        started.append(program)
        return program

    yield start
    for program in started:
        program.kill()
        program.communicate()


def url_of(program: subprocess.Popen[str]) -> str:
    """What it prints when it is ready."""
    assert program.stdout is not None
    line = program.stdout.readline()
    assert line.endswith("(Ctrl-C ends it)\n"), program.communicate()
    return line.split()[0]


@pytest.mark.parametrize(
    ("how", "code", "last"), [(signal.SIGINT, 130, "Interrupted.\n"), (signal.SIGTERM, 143, "")], ids=["ctrl-c", "term"]
)
def test_it_serves_until_it_is_ended(serve: Serve, tmp_path: Path, how: signal.Signals, code: int, last: str) -> None:
    program = serve("--port", "0")
    url = url_of(program)
    assert url.startswith("http://127.0.0.1:")
    with urlopen(url, timeout=20) as page:
        assert page.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert b"<title>" in page.read()
    with urlopen(f"{url}bundles/index.json", timeout=20) as index:
        (listed,) = json.load(index)["bundles"]
    with urlopen(f"{url}bundles/{listed['path']}/manifest.json", timeout=20) as manifest:
        assert json.load(manifest)["name"] == listed["name"]
    assert list((tmp_path / "temporary").iterdir())  # the unpacked archive
    program.send_signal(how)
    out, err = program.communicate(timeout=20)
    assert (program.returncode, out, err) == (code, "", last)
    assert not list((tmp_path / "temporary").iterdir())


def test_it_says_who_can_read_along(serve: Serve) -> None:
    program = serve("--port", "0", "--host", "0.0.0.0", "--verbose")
    with urlopen(url_of(program), timeout=20):
        pass
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=20)
    assert err.startswith("warning: everybody who reaches this machine can read the page and these bundles.")
    assert '"GET / HTTP/1.1" 200' in err


def test_a_port_that_is_taken(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = serve("--port", str(port))
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (2, "")
    assert err.startswith(f"error: Port {port} is taken. Use --port ")
    assert err.count("\n") == 1


def test_refusals(cli: Any, for_apps: Path, ort: Path, tmp_path: Path) -> None:
    cli("serve", tmp_path / "none").refused("No bundle at")
    cli("serve", for_apps, "--ort", tmp_path).refused("has no ort", "The page needs onnxruntime-web")
    cli("serve", for_apps, "--ort", ort, "--port", "70000").refused("A port is a number from 0")
    cli("serve", for_apps, "--ort", ort, "--host", "no such host").refused("is no address of this machine")
