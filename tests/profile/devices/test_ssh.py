"""The user's own ssh: what it says when it cannot connect, and what it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import TrmEdgeError
from trm_edge.profile.devices import open_device


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("down", "Connection refused"),
        ("stranger", "Permission denied"),
        ("forged", "Host key verification failed"),
        ("other", "Network is unreachable|Could not resolve|Name or service"),
    ],
)
def test_no_connection_is_one_line(host: Any, name: str, reason: str) -> None:
    if name == "other":
        config = host.config.read_text().replace("Host down", "Host other\n  HostName no-such-host.invalid\nHost down")
        host.config.write_text(config)
    with pytest.raises(TrmEdgeError, match=rf"^Cannot run anything on ssh:{name}: .*({reason})") as raised:
        open_device(f"ssh:{name}").check()
    assert "\n" not in str(raised.value)
    assert f"ssh -o BatchMode=yes {name} true" in str(raised.value)
    with pytest.raises(TrmEdgeError, match=rf"^Cannot push .* to ssh:{name}: "):
        open_device(f"ssh:{name}").push(Path(__file__), "/tmp/never")


def test_the_port_of_the_address_is_used(host: Any) -> None:
    device = open_device(f"ssh:down:{host.port}")
    device.check()
    with device.folder() as folder:
        folder.push(Path(__file__), "file")
        assert folder.run(["ls"]).out == "file\n"
    assert host.left() == []


def test_a_host_without_a_shell(host: Any) -> None:
    keys = host.config.with_name("authorized_keys")
    allowed = keys.read_text()
    keys.write_text(f'command="echo This account is not for you; exit 1" {allowed}')
    try:
        with pytest.raises(TrmEdgeError, match="no POSIX shell to run programs with: This account is not for you"):
            open_device("ssh:board").check()
    finally:
        keys.write_text(allowed)


def test_a_server_that_knows_only_the_older_copying(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scp = tmp_path / "bin" / "scp"
    scp.write_text(
        scp.read_text().replace(
            "exec",
            'case "$*" in *" -O "*) ;; *) echo "subsystem request failed on channel 0" >&2; exit 255;; esac\nexec',
        )
    )
    with open_device("ssh:board").folder() as folder:
        folder.push(Path(__file__), "file")
        assert folder.run(["ls"]).out == "file\n"
