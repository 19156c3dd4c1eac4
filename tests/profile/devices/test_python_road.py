"""The whole road with Python on the other side: through a real SSH server, with the real program."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidInput, MissingDependency, Refused, TrmEdgeError
from trm_edge.profile.candidates import Setting
from trm_edge.profile.devices import open_device
from trm_edge.profile.devices.python_road import ENGINES, PYTHON, REQUIRED, measure_with_python
from trm_edge.profile.devices.remote import profile_on
from trm_edge.profile.measure import Options
from trm_edge.profile.results import Results
from trm_edge.profile.run import Request

pytest.importorskip("onnxruntime")

BRIEFLY = Options(repeat=2, warmup=0, cold=1)


def profiled(request: Request, python: str = sys.executable) -> Results:
    return profile_on(open_device("ssh:board"), request, python=python).results


def python_that(path: Path, does: str) -> str:
    """An interpreter that has everything, and then does something else than measuring."""
    probed = {"python": [3, 11], "executable": str(path), "packages": ["numpy", "rich", "typer", "onnxruntime"]}
    path.write_text(
        f"#!/bin/sh\nif [ $1 = -c ]; then echo '{json.dumps({**probed, 'versions': {}})}'; exit; fi\n{does}\n"
    )
    path.chmod(0o755)
    return str(path)


def test_a_profile_of_another_host(host: Any, exported: Callable[..., Path], tmp_path: Path) -> None:
    bundle = tmp_path / "it's; touch executed; $(id)"
    shutil.copytree(exported(), bundle)
    data = tmp_path / "; puzzles.csv"
    data.write_text("question,answer\n1234341221434321,1234341221434321\n..34341221434321,1234341221434321\n")
    said: list[str] = []
    request = Request(
        bundles=[bundle],
        settings=[Setting(1, 1), Setting(1, 2)],
        policy="fixed:2",
        budget=2,
        data=data,
        puzzles=2,
        options=Options(repeat=2, warmup=0, cold=1, policies=("act",)),
    )
    device = open_device("ssh:board")
    profile = profile_on(device, request, python=sys.executable, say=said.append)
    results = profile.results
    assert (profile.interrupted, profile.baselines) == (False, ())
    assert [(side.batch, side.threads, side.steps) for side in results.sides] == [(1, 1, 2), (2, 1, 2)]
    for side in results.sides:
        assert [whole.policy for whole in side.whole] == ["fixed:2", "act"]
        assert (len(side.runs), len(side.runs[0]), len(side.cold_seconds)) == (2, 2, 1)
        assert side.machine["device"] == "ssh"
        assert side.machine["os"] == f"{os.uname().sysname} {os.uname().release}"
    assert results.data == f"2 of {data}"
    assert not results.remarks
    assert said == ["sending 1 bundle(s) to ssh:board", "measuring on ssh:board"]
    assert host.left() == []
    assert not Path("executed").exists()


def test_an_archive_goes_unpacked(host: Any, exported: Callable[..., Path], tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "tiny"), "zip", exported())
    (side,) = profiled(Request(bundles=[Path(archive)], puzzles=1, options=BRIEFLY)).sides
    assert side.name == "tiny.fp32.onnx-step"
    assert host.left() == []


def test_what_fails_there_is_said_here(host: Any, exported: Callable[..., Path]) -> None:
    with pytest.raises(TrmEdgeError, match=r"^The measurement on ssh:board failed: count must be at least 1") as raised:
        profiled(Request(bundles=[exported()], puzzles=0, options=BRIEFLY))
    assert "\n" not in str(raised.value)
    assert host.left() == []


@pytest.mark.parametrize(
    ("does", "error", "reason"),
    [
        ("echo '[1' > results.json", InvalidInput, "not valid JSON"),
        ('echo \'{"kind": "another"}\' > results.json', InvalidInput, "kind"),
        ("true", TrmEdgeError, "Cannot pull .*No such file"),
        ("kill -9 $$", TrmEdgeError, "failed: .*(Killed|exit code 137)"),
    ],
)
def test_what_comes_back_is_not_trusted(
    host: Any, exported: Callable[..., Path], tmp_path: Path, does: str, error: type[TrmEdgeError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        profiled(Request(bundles=[exported()], options=BRIEFLY), python_that(tmp_path / "python", does))
    assert host.left() == []


def test_what_is_missing_there(host: Any, exported: Callable[..., Path], tmp_path: Path) -> None:
    request = Request(bundles=[exported()], options=BRIEFLY)
    bare, old, none = tmp_path / "bare", tmp_path / "old", tmp_path / "none"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # no installed packages
    old.write_text('#!/bin/sh\necho \'{"python": [3, 9], "executable": "p", "packages": [], "versions": {}}\'\n')
    none.write_text("#!/bin/sh\necho I am a snake\n")
    for file in (bare, old, none):
        file.chmod(0o755)
    expected = {
        "no-such-python": "There is no 'no-such-python' on ssh:board. Name one with --device-python",
        str(bare): f"Run there: {sys.executable} -m pip install 'numpy>=2.0' 'rich>=13.0' 'typer>=0.26' 'onnxruntime>=",
        str(old): f"'{old}' on ssh:board is Python 3.9; 3.11 or later is needed",
    }
    for python, reason in expected.items():
        with pytest.raises(MissingDependency, match=re.escape(reason)):
            profiled(request, python)
    with pytest.raises(TrmEdgeError, match=r"no usable Python: I am a snake"):
        profiled(request, str(none))
    assert host.left() == []


def test_versions_that_are_too_old(host: Any, exported: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REQUIRED, "numpy", (99, 0))
    with pytest.raises(MissingDependency, match=r"pip install 'numpy>=99\.0'$"):
        measure_with_python(open_device("ssh:board"), Request(bundles=[exported()]), sys.executable, lambda line: None)


def test_requirements_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={'.'.join(map(str, PYTHON))}"
    stated = [*project["dependencies"], *(line for more in project["optional-dependencies"].values() for line in more)]
    for name, version in {**REQUIRED, **dict(ENGINES.values())}.items():
        (line,) = {line for line in stated if line.startswith(f"{name}>=")}
        assert (*map(int, line.partition(">=")[2].split(".")), 0)[:2] == version


def test_a_phone_has_no_python(phone: Any, exported: Callable[..., Path]) -> None:
    with pytest.raises(
        MissingDependency, match=r"no 'python-of-a-phone' on adb:8A1X\. .*--format executorch.*--runner"
    ):
        profile_on(open_device("adb:"), Request(bundles=[exported()]), python="python-of-a-phone")


def test_what_cannot_be_asked_for(exported: Callable[..., Path]) -> None:
    device = open_device("ssh:board")
    with pytest.raises(Refused, match="--compare-to"):
        profile_on(device, Request(bundles=[exported()], baseline=exported("other")))
    with pytest.raises(InvalidInput, match="two ways"):
        profile_on(device, Request(bundles=[exported()]), python="python3", runner=Path("runner"))


# -- the command ----------------------------------------------------------------------------------


def trm_edge(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "trm_edge", "profile", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_the_command(host: Any, exported: Callable[..., Path], tmp_path: Path) -> None:
    options = ["--puzzles", 1, "--repeat", 1, "--warmup", 0, "--cold", 0, "--json", tmp_path / "out.json"]
    program = trm_edge(exported(), "--device", "ssh:board", "--device-python", sys.executable, *options)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "sending 1 bundle(s) to ssh:board\nmeasuring on ssh:board\n")
    assert "tiny" in out
    (side,) = json.loads((tmp_path / "out.json").read_text())["sides"]
    assert side["machine"]["device"] == "ssh"


def test_ctrl_c(host: Any, exported: Callable[..., Path], tmp_path: Path) -> None:
    python = python_that(tmp_path / "python", "sleep 60")
    program = trm_edge(exported(), "--device", "ssh:board", "--device-python", python)
    try:
        assert program.stderr is not None
        assert program.stderr.readline() == "sending 1 bundle(s) to ssh:board\n"
        assert program.stderr.readline() == "measuring on ssh:board\n"
        os.killpg(program.pid, signal.SIGINT)
        out, err = program.communicate(timeout=30)
    finally:
        program.kill()
        program.wait()
    assert (program.returncode, out, err) == (130, "", "Interrupted.\n")
    assert host.left() == []
