"""An SSH server of our own on the loopback interface, and a phone behind a stand-in for ``adb``."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from trm_edge.profile.devices import Device, open_device

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@pytest.fixture(autouse=True)
def no_pauses() -> None:
    """Here things are waited for."""


@dataclass(frozen=True)
class Host:
    """A host named ``board`` in the user's ssh configuration; ``stranger`` is the same with a key it does not know.

    Attributes:
        temporary: the folder there that temporary folders are made in.
        config: of the clients.
        port: that it listens at.
    """

    temporary: Path
    config: Path
    port: int

    def left(self) -> list[Path]:
        """What was left there."""
        return list(self.temporary.iterdir())


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start the server; skips where there is none (Debian: openssh-server)."""
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("no OpenSSH server and client here")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    temporary = folder / "temporary"
    temporary.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",  # the folder lies below one that everybody may write to
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
        "SetEnv": f"TMPDIR={temporary} OMP_NUM_THREADS=1",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where a privileged server shuts parts of itself in
    _write_client_config(folder, port)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        _await_port(port, folder / "log")
        yield Host(temporary, folder / "config", port)
    finally:
        server.terminate()
        server.wait(10)


def _write_client_config(folder: Path, port: int) -> None:
    host_key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    (folder / "config").write_text(
        f"""\
Host * !stranger
  IdentityFile {folder}/user
Host stranger
  IdentityFile {folder}/other
Host down
  Port 1
Host forged
  UserKnownHostsFile /dev/null
Host *
  HostName 127.0.0.1
  Port {port}
  User {pwd.getpwuid(os.geteuid()).pw_name}
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
  IdentitiesOnly yes
  IdentityAgent none
  LocalForward 9 127.0.0.1:9
"""
    )


def _await_port(port: int, log: Path) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"sshd does not answer: {log.read_text()}")


@pytest.fixture
def host(sshd: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The server, and ``ssh`` and ``scp`` that read our configuration instead of the user's."""
    for program in ("ssh", "scp"):
        wrapper = tmp_path / "bin" / program
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(f'#!/bin/sh\nexec {shutil.which(program)} -F {sshd.config} "$@"\n')
        wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return sshd


@dataclass(frozen=True)
class Phone:
    """A phone with the serial number ``8A1X``.

    Attributes:
        folder: of the stand-in for adb.
    """

    folder: Path

    @property
    def root(self) -> Path:
        """Its file system."""
        return self.folder / "root"

    def plug_in(self, **states: str) -> None:
        """Serial number -> state, of everything that is plugged in from now on."""
        (self.folder / "devices.json").write_text(json.dumps(states))

    def left(self) -> list[Path]:
        """What was left there."""
        return list((self.root / "data/local/tmp").iterdir())


GETPROP = """\
#!/bin/sh
case "$1" in
ro.product.manufacturer) echo Google;;
ro.product.model) echo "Pixel 8 Pro";;
ro.soc.manufacturer) echo Google;;
ro.soc.model) echo "Tensor G3";;
ro.build.version.release) echo 16;;
*) echo;;
esac
"""
DUMPSYS = """\
#!/bin/sh
case "$1" in
thermalservice) printf 'IsStatusOverride: false\\nThermal Status: 2\\nCached temperatures:\\n';;
battery) printf 'Current Battery Service state:\\n  AC powered: false\\n  level: 81\\n  scale: 100\\n';;
esac
"""


@pytest.fixture
def phone(fake_adb: Path) -> Phone:
    """Plugged in, with what tells of its state."""
    phone = Phone(fake_adb)
    for place in ("data/local/tmp", "sys/class/thermal/thermal_zone0", "sys/class/thermal/thermal_zone1"):
        (phone.root / place).mkdir(parents=True)
    for zone, name, celsius in ((0, "battery", "31000"), (1, "BIG", "47500")):
        (phone.root / f"sys/class/thermal/thermal_zone{zone}/type").write_text(f"{name}\n")
        (phone.root / f"sys/class/thermal/thermal_zone{zone}/temp").write_text(f"{celsius}\n")
    for core, governor in ((0, "sched_pixel"), (1, "powersave")):
        folder = phone.root / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
        (folder / "cpuinfo_max_freq").write_text(f"{(core + 1) * 1_000_000}\n")
    for name, text in (("getprop", GETPROP), ("dumpsys", DUMPSYS)):
        (phone.root / "system/bin" / name).write_text(text)
        (phone.root / "system/bin" / name).chmod(0o755)
    return phone


@dataclass(frozen=True)
class Reached:
    """A device of either kind, and its other side."""

    device: Device
    other_side: Host | Phone
    spelling: str


@pytest.fixture(params=["ssh", "adb"])
def reached(request: pytest.FixtureRequest) -> Iterator[Reached]:
    """A host, and a phone, connected."""
    spelling, fixture = {"ssh": ("ssh:board", "host"), "adb": ("adb:8A1X", "phone")}[request.param]
    other_side = request.getfixturevalue(fixture)
    device = open_device(spelling)
    with device.connected():
        yield Reached(device, other_side, spelling)
