"""The emulated arm64 machine: how it is made, by programs that are faked here, and how programs are started in it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from trm_edge.environments import arm64, environment
from trm_edge.environments.arm64 import PACKAGES, PROCESSOR, Arm64Environment
from trm_edge.errors import MissingDependency, Refused, TrmEdgeError

EMULATOR = "/usr/bin/qemu-aarch64-static"


class Programs:
    """What apt-get, dpkg-deb and pip would do, in little."""

    def __init__(self) -> None:
        self.python, self.fails = "python3.13", ""
        self.ran: list[list[str]] = []

    def run(self, command: Sequence[str], what: str, say: Callable[[str], None]) -> None:
        words = list(command)
        self.ran.append(words)
        if self.fails and self.fails in words:
            raise TrmEdgeError(f"Cannot {what}: no")
        if "--download-only" in words:
            cache = next(word for word in words if word.startswith("Dir::Cache="))
            Path(cache.partition("=")[2], "archives", "python3.deb").touch()
        elif words[0] == "dpkg-deb":
            folder = Path(words[-1], "usr", "bin")
            folder.mkdir(parents=True)
            (folder / self.python).touch()
            (folder / "python3").symlink_to(self.python)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    found = Programs()
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("QEMU_CPU", raising=False)
    monkeypatch.setattr(arm64, "run", found.run)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return found


@pytest.fixture
def place(programs: Programs) -> Arm64Environment:
    found = environment("arm64")
    assert isinstance(found, Arm64Environment)
    return found


def test_it_is_made_of_debians_python_and_aarch64_wheels(programs: Programs, place: Arm64Environment) -> None:
    place.install()
    assert place.installed()
    update, fetch, unpack, pip = programs.ran
    assert update[0] == fetch[0] == "apt-get"
    assert "APT::Architecture=arm64" in update
    own = [word for word in fetch if word.startswith("Dir::")]
    assert own, "the machine's own lists and packages would be touched"
    assert all(word.partition("=")[2].startswith(str(place.folder)) for word in own)
    assert set(PACKAGES) <= set(fetch)
    assert unpack[:2] == ["dpkg-deb", "--extract"]
    assert pip[pip.index("--python-version") + 1] == "3.13", "of the Python that was unpacked, not of ours"
    assert all(word.endswith("aarch64") for word in pip if word.startswith("--platform"))
    assert pip[pip.index("--target") + 1].startswith(str(place.root))
    assert set(place.requirements) <= set(pip)
    assert not (place.folder / "apt").exists()


def test_the_emulated_programs_see_an_arm_processor(programs: Programs, place: Arm64Environment) -> None:
    """That of the machine would crash ONNX Runtime."""
    place.install()
    assert "CPU implementer\t: 0x41" in (place.root / "proc" / "cpuinfo").read_text()


def test_a_program_is_started_by_the_emulator(programs: Programs, place: Arm64Environment) -> None:
    place.install()
    command, variables = place.command("trm_edge.runtimes.serve", "x"), place.variables()
    assert command[:2] == [EMULATOR, str(place.root / "usr" / "bin" / "python3.13")]
    assert command[-2:] == ["trm_edge.runtimes.serve", "x"]
    assert variables["QEMU_LD_PREFIX"] == str(place.root)
    assert variables["QEMU_CPU"] == PROCESSOR
    assert variables["PYTHONNOUSERSITE"] == "1"


def test_the_user_may_emulate_another_processor(
    programs: Programs, place: Arm64Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QEMU_CPU", "cortex-a53")
    assert place.variables()["QEMU_CPU"] == "cortex-a53"


@pytest.mark.parametrize("step", ["update", "--download-only", "--extract", "pip"])
def test_a_program_that_fails_leaves_nothing_that_counts(
    programs: Programs, place: Arm64Environment, step: str
) -> None:
    programs.fails = step
    with pytest.raises(TrmEdgeError, match=r"^Cannot .*: no$"):
        place.install()
    assert not place.installed()
    programs.fails = ""
    place.install()
    assert place.installed()


def test_a_python_that_is_too_old_is_said_before_anything_is_installed_for_it(
    programs: Programs, place: Arm64Environment
) -> None:
    programs.python = "python3.9"
    with pytest.raises(TrmEdgeError, match=r"have python3\.9 for arm64; 3\.11 or newer is needed"):
        place.install()
    assert not any("pip" in command for command in programs.ran)
    assert not place.installed()


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("qemu", "apt install qemu-user-static"),
        ("apt-get", r"'apt-get' is not installed\..*qemu-user-static and apt\."),
        ("dpkg-deb", r"'dpkg-deb' is not installed\..*qemu-user-static and dpkg\."),
    ],
)
def test_a_missing_program_is_named_with_its_debian_package(
    programs: Programs, place: Arm64Environment, monkeypatch: pytest.MonkeyPatch, missing: str, line: str
) -> None:
    place.install()
    monkeypatch.setattr(shutil, "which", lambda name: None if name.startswith(missing) else f"/usr/bin/{name}")
    before = len(programs.ran)
    with pytest.raises(MissingDependency, match=line):
        place.install()
    assert len(programs.ran) == before
    assert place.installed(), "what was there must outlive a refusal"


def test_an_emulator_that_has_gone_is_missed_when_a_program_is_started(
    programs: Programs, place: Arm64Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.install()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependency, match="apt install qemu-user-static"):
        place.command("trm_edge")


@pytest.mark.parametrize("machine", ["aarch64", "arm64"])
@pytest.mark.parametrize("act", [Arm64Environment.install, lambda place: place.command("trm_edge")])
def test_an_arm64_machine_needs_none(
    programs: Programs,
    place: Arm64Environment,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    act: Callable[[Arm64Environment], object],
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(Refused, match=r"arm64 itself and needs no emulator\. Use the runtime onnxruntime\."):
        act(place)
    assert not programs.ran


def test_other_systems_have_no_emulator_of_programs(
    programs: Programs, place: Arm64Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(Refused, match="Linux only"):
        place.install()
