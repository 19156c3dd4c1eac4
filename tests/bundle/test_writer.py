"""Writing: whole or not at all, whatever goes wrong."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import MANIFEST, Manifest, read_bundle, read_manifest, update_manifest, write_bundle, writer
from trm_edge.errors import InvalidBundle, InvalidInput, TrmEdgeError


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_sources_may_be_files(tmp_path: Path, manifest: Manifest) -> None:
    source = tmp_path / "trained.onnx"
    source.write_bytes(b"graph")
    path = write_bundle(tmp_path / "new" / "tiny", manifest, {"model.onnx": source})
    assert read_bundle(path).model_bytes() == b"graph"
    assert source.exists()


def test_zip_is_reproducible(tmp_path: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    first = write_bundle(tmp_path / "a.zip", manifest, dict(files))
    second = write_bundle(tmp_path / "b.zip", manifest, dict(reversed(files.items())))
    assert first.read_bytes() == second.read_bytes()


def test_existing_bundle_needs_overwrite(
    bundle_path: Path, tmp_path: Path, manifest: Manifest, files: dict[str, bytes]
) -> None:
    before = snapshot(tmp_path)
    with pytest.raises(InvalidInput, match="exists already"):
        write_bundle(bundle_path, manifest, {"model.onnx": b"new"})
    assert snapshot(tmp_path) == before
    write_bundle(bundle_path, manifest, {"model.onnx": b"new"}, overwrite=True)
    with read_bundle(bundle_path) as bundle:
        assert bundle.model_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == [bundle_path.name]


@pytest.mark.parametrize("name", ["mine", "mine.zip"])
def test_what_is_no_bundle_is_never_overwritten(tmp_path: Path, manifest: Manifest, name: str) -> None:
    if name.endswith(".zip"):
        (tmp_path / name).write_bytes(b"holiday pictures")
    else:
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.tex").write_text("x")
    before = snapshot(tmp_path)
    with pytest.raises(InvalidInput, match="not a bundle"):
        write_bundle(tmp_path / name, manifest, {"model.onnx": b"x"}, overwrite=True)
    assert snapshot(tmp_path) == before


def test_files_put_into_a_bundle_are_not_deleted_with_it(tmp_path: Path, manifest: Manifest) -> None:
    path = write_bundle(tmp_path / "tiny", manifest, {"model.onnx": b"x"})
    (path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidInput, match=r"notes\.txt"):
        write_bundle(path, manifest, {"model.onnx": b"y"}, overwrite=True)
    assert (path / "notes.txt").exists()


@pytest.mark.parametrize("name", ["../evil", "a/b", "/abs", "manifest.json", "C:x"])
def test_unsafe_names(tmp_path: Path, manifest: Manifest, name: str) -> None:
    with pytest.raises(InvalidBundle, match="unsafe"):
        write_bundle(tmp_path / "tiny", manifest, {"model.onnx": b"x", name: b"x"})
    assert not list(tmp_path.iterdir())


def test_the_graph_must_be_there(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(InvalidBundle, match=r"model\.onnx"):
        write_bundle(tmp_path / "tiny", manifest, {"golden.json": b"{}"})
    assert not list(tmp_path.iterdir())


def test_caps(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_FILE_BYTES", 10)
    with pytest.raises(InvalidBundle, match="too large"):
        write_bundle(tmp_path / "tiny", manifest, {"model.onnx": b"x" * 11})
    with pytest.raises(InvalidBundle, match="at most"):
        write_bundle(tmp_path / "tiny", manifest, {f"f{i}": b"" for i in range(100)})
    assert not list(tmp_path.iterdir())


def test_missing_source(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(TrmEdgeError, match="No such file"):
        write_bundle(tmp_path / "tiny", manifest, {"model.onnx": tmp_path / "absent"})
    assert not list(tmp_path.iterdir())


class Fault:
    """Replaces a function of ``os`` and raises at its ``n``-th call; the others go through."""

    def __init__(self, name: str, at: int, error: BaseException) -> None:
        self.original, self.at, self.error, self.calls = getattr(os, name), at, error, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        if self.calls == self.at:
            raise self.error
        return self.original(*args)


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["disk full", "ctrl-c"])
@pytest.mark.parametrize(("function", "at"), [("fsync", 1), ("fsync", 3), ("fsync", 5), ("rename", 1), ("rename", 2)])
def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(
    bundle_path: Path,
    tmp_path: Path,
    manifest: Manifest,
    files: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    function: str,
    at: int,
) -> None:
    before = snapshot(tmp_path)
    fault = Fault(function, at, error)
    monkeypatch.setattr(os, function, fault)
    expected = TrmEdgeError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_bundle(bundle_path, manifest, {**files, "model.onnx": b"new"}, overwrite=True)
    assert fault.calls >= at
    monkeypatch.undo()
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == [bundle_path.name]


def test_disk_full_while_copying(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise FULL

    monkeypatch.setattr(writer, "copy_hashing", full)
    with pytest.raises(TrmEdgeError, match=r"Cannot write '.*tiny': No space left on device"):
        write_bundle(tmp_path / "tiny", manifest, {"model.onnx": b"x"})
    assert not list(tmp_path.iterdir())


# -- update_manifest --------------------------------------------------------------------------


def test_update(bundle_path: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    returned = update_manifest(bundle_path, parity={"max_abs": 1e-6}, latency=[{"ms": 2.5}])
    with read_bundle(bundle_path) as bundle:
        assert bundle.manifest == returned
        assert bundle.manifest.parity == {"max_abs": 1e-6}
        assert bundle.manifest.latency == ({"ms": 2.5},)
        assert bundle.model_bytes() == files["model.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == [bundle_path.name]


def test_update_keeps_fields_of_newer_writers(tmp_path: Path, manifest: Manifest) -> None:
    path = write_bundle(tmp_path / "tiny", manifest, {"model.onnx": b"x"})
    document = json.loads((path / MANIFEST).read_text())
    document["colour"] = "blue"
    (path / MANIFEST).write_text(json.dumps(document))
    update_manifest(path, parity={})
    assert json.loads((path / MANIFEST).read_text())["colour"] == "blue"


def test_update_refuses_what_would_break_the_bundle(bundle_path: Path) -> None:
    before = read_manifest(bundle_path)
    broken: list[dict[str, Any]] = [{"files": {}}, {"seq_len": 3}, {"parity": {"x": float("inf")}}]
    for changes in broken:
        with pytest.raises(InvalidInput):
            update_manifest(bundle_path, **changes)
    assert read_manifest(bundle_path) == before


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["disk full", "ctrl-c"])
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failed_update_changes_nothing(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, function: str
) -> None:
    before = snapshot(tmp_path)
    monkeypatch.setattr(os, function, Fault(function, 1, error))
    with pytest.raises(TrmEdgeError if isinstance(error, OSError) else KeyboardInterrupt):
        update_manifest(bundle_path, parity={})
    monkeypatch.undo()
    assert snapshot(tmp_path) == before
