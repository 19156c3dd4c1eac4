"""What both kinds of devices promise: arguments arrive as they are, and nothing stays behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidInput, MissingDependency, TrmEdgeError
from trm_edge.profile.devices import open_device
from trm_edge.profile.devices.base import Folder

AWKWARD = [
    "two words",
    "it's",
    'a "quote"',
    "; touch /tmp/executed",
    "$(id)",
    "`id`",
    "*",
    "\\t",
    "",
    "-n",
    "ümlaut",
    "a|b",
]


@pytest.mark.parametrize(
    ("spelling", "reason"),
    [
        ("", "Unknown device ''"),
        ("board", "Write ssh:HOST, ssh:USER@HOST:PORT or adb:SERIAL"),
        ("shh:board", "Did you mean 'ssh'?"),
        ("ssh:", "not an address"),
        ("ssh:-oProxyCommand=id", "not an address"),
        ("ssh:user@-oProxyCommand=id", "not an address"),
        ("ssh:two words", "not an address"),
        ("ssh:board:port", "not an address"),
        ("ssh:::1", "not an address"),
        ("ssh:board\n", "not an address"),
        ("ssh:board:0", "1..65535"),
        ("ssh:board:70000", "1..65535"),
        ("adb:-d", "not a device"),
        ("adb:8A1X; id", "not a device"),
    ],
)
def test_what_names_no_device(spelling: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(reason)):
        open_device(spelling)


@pytest.mark.parametrize(
    "spelling",
    ["ssh:board", "ssh:pi@board.local:2222", "ssh:[::1]:22", "ssh:a@b@host", "adb:8A1X", "adb:10.0.0.2:5555"],
)
def test_what_names_one(spelling: str) -> None:
    assert str(open_device(spelling)) == spelling


def test_arguments_arrive_as_they_are(reached: Any) -> None:
    done = reached.device.run(["printf", "<%s>", *AWKWARD])
    assert (done.code, done.out, done.err) == (0, "".join(f"<{word}>" for word in AWKWARD), "")
    with reached.device.folder() as folder:
        done = folder.run(["printf", "<%s>", *AWKWARD])
    assert done.out == "".join(f"<{word}>" for word in AWKWARD)


def test_exit_codes_and_streams_come_back(reached: Any) -> None:
    done = reached.device.script("echo out; echo err >&2; exit 7")
    assert (done.code, done.out, done.err) == (7, "out\n", "err\n")
    assert reached.device.run(["there-is-no-such-program"]).code == 127


def test_a_folder_takes_files_and_gives_them_back(reached: Any, tmp_path: Path) -> None:
    tree = tmp_path / "it's a; bundle"
    tree.mkdir()
    (tree / "model.bin").write_bytes(bytes(range(256)))
    with reached.device.folder() as folder:
        folder.push(tree, "bundle0")
        folder.push(tree / "model.bin", "alone")
        done = folder.run(["sh", "-c", "cat bundle0/model.bin alone > both; pwd -P; echo $TMPDIR"])
        assert done.out.splitlines() == [folder.path, folder.path]
        folder.pull("both", tmp_path / "both")
        with pytest.raises(TrmEdgeError, match="No such file"):
            folder.pull("none", tmp_path / "none")
        with pytest.raises(TrmEdgeError, match="No such file"):
            folder.push(tmp_path / "none", "none")
        assert len(reached.other_side.left()) == 1
    assert (tmp_path / "both").read_bytes() == bytes(range(256)) * 2
    assert reached.other_side.left() == []


def test_the_folder_goes_when_something_fails(reached: Any) -> None:
    with pytest.raises(ValueError, match="ours"), reached.device.folder():
        raise ValueError("ours")
    assert reached.other_side.left() == []


def test_a_program_that_takes_too_long_ends_with_its_folder(reached: Any, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(TrmEdgeError, match="took longer than 2 s"), reached.device.folder() as folder:
        folder.run(["sh", "-c", f"sleep 60 & echo $! > {pid}.new; mv {pid}.new {pid}; wait"], timeout=2)
    assert reached.other_side.left() == []
    assert gone(int(pid.read_text()))


def test_ctrl_c_ends_the_program_and_removes_the_folder(reached: Any, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"""
from trm_edge.profile.devices import open_device
from trm_edge.profile.devices.base import Folder
with open_device({reached.spelling!r}).folder() as folder:
    folder.run(["sh", "-c", "sleep 60 & echo $! > {pid}.new; mv {pid}.new {pid}; wait"])
"""
    ours = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        until(pid.exists)
        os.killpg(ours.pid, signal.SIGINT)  # as a terminal does: ours, and the ssh or adb that it waits for
        _, err = ours.communicate(timeout=30)
    finally:
        ours.kill()
        ours.wait()
    assert err.strip().endswith("KeyboardInterrupt")
    assert reached.other_side.left() == []
    assert gone(int(pid.read_text()))


def test_what_cannot_be_removed_is_said(reached: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TrmEdgeError("the cable was pulled")

    with pytest.raises(TrmEdgeError, match=r"trm-edge\.\w+\" may be left on .*: the cable"), reached.device.folder():
        monkeypatch.setattr("trm_edge.profile.devices.base.execute", fail)


def test_a_failure_is_not_hidden_by_what_cannot_be_removed(reached: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InvalidInput("The cable was pulled.")

    def use(folder: Folder) -> None:
        monkeypatch.setattr("trm_edge.profile.devices.base.execute", fail)
        folder.run(["true"])

    with (
        pytest.raises(InvalidInput, match=r"^The cable .* may be left on .*: The cable"),
        reached.device.folder() as it,
    ):
        use(it)


def test_the_program_that_connects_is_missing(reached: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(MissingDependency, match=r"no program '(ssh|adb)' on this machine\. Install it \(Debian: apt"):
        reached.device.check()


def gone(pid: int) -> bool:
    """Whether a process ends soon, or is a zombie that nobody has waited for."""
    stat = Path(f"/proc/{pid}/stat")
    until(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")
    return True


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
