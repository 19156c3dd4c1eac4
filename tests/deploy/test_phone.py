"""A bundle to the app on a phone, behind a stand-in for adb."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trm_edge.adb import Adb
from trm_edge.bundle import read_bundle
from trm_edge.deploy.phone import push_bundle
from trm_edge.errors import InvalidInput, MissingDependency, Refused, TrmEdgeError


def names(phone: Any) -> set[str]:
    """What is in the app's folder."""
    return {path.relative_to(phone.files).as_posix() for path in phone.files.rglob("*") if path.is_dir()}


@pytest.mark.parametrize("serial", ["", "8A1X"])
def test_a_bundle_arrives_whole(phone: Any, make_bundle: Any, serial: str) -> None:
    said: list[str] = []
    place = push_bundle(make_bundle("b.zip", name="My model"), Adb(serial), say=said.append)
    assert place == "/sdcard/Android/data/edge.trm.app/files/bundles/My-model"
    assert read_bundle(phone.files / "bundles/My-model").manifest.name == "My model"
    assert names(phone) == {"bundles", "bundles/My-model"}
    assert said == ["sending My-model to adb:8A1X", "checking it there"]


def test_it_replaces_one_if_asked(phone: Any, make_bundle: Any) -> None:
    push_bundle(make_bundle("a", name="A"), Adb())
    newer = make_bundle("newer", name="A", graph=b"newer")
    with pytest.raises(InvalidInput, match=r"adb:8A1X has a bundle A already\. Pass --overwrite"):
        push_bundle(newer, Adb())
    assert (phone.files / "bundles/A/model.onnx").read_bytes() != b"newer"
    push_bundle(newer, Adb(), overwrite=True)
    assert (phone.files / "bundles/A/model.onnx").read_bytes() == b"newer"
    assert names(phone) == {"bundles", "bundles/A"}


def test_what_is_damaged_on_the_way_is_not_put_in_place(phone: Any, make_bundle: Any) -> None:
    push_bundle(make_bundle("a", name="A"), Adb())
    phone.program("sha256sum", 'for file; do echo "$(printf %064d 0)  $file"; done')
    with pytest.raises(TrmEdgeError, match=r"manifest\.json did not arrive|model\.onnx did not arrive|did not arrive"):
        push_bundle(make_bundle("newer", name="A", graph=b"newer"), Adb(), overwrite=True)
    assert (phone.files / "bundles/A/model.onnx").read_bytes() != b"newer"
    assert names(phone) == {"bundles", "bundles/A"}


def test_a_phone_that_cannot_hash(phone: Any, make_bundle: Any) -> None:
    phone.program("sha256sum", "echo 'sha256sum: not found' >&2; exit 127")
    with pytest.raises(TrmEdgeError, match="Cannot check the files on adb:8A1X: sha256sum: not found"):
        push_bundle(make_bundle(), Adb())
    assert names(phone) == set()


def test_the_old_bundle_comes_back_if_the_new_one_cannot_take_its_place(phone: Any, make_bundle: Any) -> None:
    push_bundle(make_bundle("a", name="A"), Adb())
    phone.program("mv", 'case "$1" in *.new-*) echo "mv: read-only" >&2; exit 1;; esac; exec /bin/mv "$@"')
    with pytest.raises(TrmEdgeError, match="Cannot put A in its place on adb:8A1X: mv: read-only"):
        push_bundle(make_bundle("newer", name="A", graph=b"newer"), Adb(), overwrite=True)
    assert (phone.files / "bundles/A/model.onnx").read_bytes() != b"newer"
    assert names(phone) == {"bundles", "bundles/A"}


def test_a_full_phone(phone: Any, make_bundle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Adb, local: Path, remote: str) -> None:
        raise TrmEdgeError(f"Cannot push {local} to {self}: No space left on device")

    monkeypatch.setattr(Adb, "push", full)
    with pytest.raises(TrmEdgeError, match="No space left on device"):
        push_bundle(make_bundle(), Adb())
    assert names(phone) == set()


def test_ctrl_c_leaves_nothing(phone: Any, make_bundle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trm_edge.deploy.phone._check_hashes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        push_bundle(make_bundle(), Adb())
    assert names(phone) == set()


def test_the_app_is_not_there(phone: Any, make_bundle: Any) -> None:
    phone.program("pm", "exit 1")
    with pytest.raises(TrmEdgeError, match=r"edge\.trm\.app is not installed on adb:8A1X\. Install it first: adb inst"):
        push_bundle(make_bundle(), Adb())


def test_the_app_was_never_started(phone: Any, make_bundle: Any) -> None:
    phone.files.rmdir()
    with pytest.raises(TrmEdgeError, match="Start the app there once, which makes it"):
        push_bundle(make_bundle(), Adb())
    assert not phone.files.exists()


def test_nothing_is_sent_that_the_app_cannot_run(phone: Any, make_bundle: Any) -> None:
    with pytest.raises(Refused, match="was made for coreml"):
        push_bundle(make_bundle(target="coreml"), Adb())
    assert not (phone.folder / "calls").exists()


def test_a_phone_that_does_not_let_us_in(phone: Any, make_bundle: Any) -> None:
    (phone.folder / "devices.json").write_text('{"8A1X": "unauthorized"}')
    with pytest.raises(TrmEdgeError, match="allow USB debugging"):
        push_bundle(make_bundle(), Adb())


def test_no_adb(phone: Any, make_bundle: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(MissingDependency, match="no program 'adb'"):
        push_bundle(make_bundle(), Adb())
