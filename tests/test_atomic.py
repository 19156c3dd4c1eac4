from __future__ import annotations

import os
from pathlib import Path

import pytest

from trm_edge.atomic import atomic_file, atomic_folder, check_destination
from trm_edge.errors import InvalidInput, TrmEdgeError


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with atomic_file(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with atomic_file(path, overwrite=True) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(InvalidInput, match="--overwrite"), atomic_file(path):
        pass
    with pytest.raises(InvalidInput, match="not a file"):
        check_destination(tmp_path, overwrite=True)
    assert path.read_bytes() == b"old"


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TrmEdgeError, match="Cannot write"), atomic_file(tmp_path / "file" / "below"):
        pass


def test_a_folder_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    with atomic_folder(path) as fresh:
        (fresh / "file").write_bytes(b"whole")
        assert not path.exists()
    assert (path / "file").read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_old_folder_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()

    def interrupted() -> None:
        with atomic_folder(path, overwrite=True) as fresh:
            (fresh / "new").touch()
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.rglob("*")) == [path, path / "old"]


def test_a_folder_is_replaced_only_when_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(InvalidInput, match="--overwrite"), atomic_folder(path):
        pass
    with (
        pytest.raises(InvalidInput, match="not overwritten: it is precious"),
        atomic_folder(path, overwrite=True, replaceable=lambda folder: "it is precious"),
    ):
        pass
    with atomic_folder(path, overwrite=True, replaceable=lambda folder: None) as fresh:
        (fresh / "new").touch()
    assert list(tmp_path.rglob("*")) == [path, path / "new"]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    rename = os.rename

    def full(source: Path, target: Path) -> None:
        if target == path and (source / "new").exists():
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"), atomic_folder(path, overwrite=True) as fresh:
        (fresh / "new").touch()
    assert list(tmp_path.rglob("*")) == [path]
