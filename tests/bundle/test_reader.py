"""Reading, and what it leaves behind; tests/test_vectors.py holds it to the hostile bundles of all languages."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trm_edge.bundle import MANIFEST, GoldenVectors, Manifest, read_bundle, read_manifest, reader, write_bundle
from trm_edge.bundle import manifest as manifest_module
from trm_edge.errors import InvalidBundle, TrmEdgeError


def test_reads_folder_and_zip(bundle_path: Path, files: dict[str, bytes], golden: GoldenVectors) -> None:
    with read_bundle(bundle_path) as bundle:
        assert bundle.model_path.read_bytes() == bundle.model_bytes() == files["model.onnx"]
        np.testing.assert_array_equal(bundle.golden().q_halt, golden.q_halt)
        assert set(bundle.manifest.files) == set(files)
        assert bundle.manifest == read_manifest(bundle_path)
        assert read_bundle(bundle.folder).manifest == bundle.manifest  # what was unpacked is a bundle, too
        folder = bundle.folder
    assert folder.exists() == bundle_path.is_dir()  # what was unpacked is gone, a folder stays


@pytest.fixture
def folder(tmp_path: Path, manifest: Manifest, files: dict[str, bytes]) -> Path:
    return write_bundle(tmp_path / "tiny", manifest, dict(files))


def refused(path: Path, says: str) -> None:
    with pytest.raises(InvalidBundle) as error:
        read_bundle(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_no_bundle(tmp_path: Path) -> None:
    refused(tmp_path / "absent", "No bundle at")
    refused(tmp_path, "has no manifest.json")


def test_golden_is_capped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_GOLDEN_BYTES", 10)
    refused(folder, "at most 10")


def test_bundle_is_capped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "MAX_BUNDLE_BYTES", 10)
    refused(folder, "at most 10")


def test_no_golden_vectors(tmp_path: Path, manifest: Manifest) -> None:
    path = write_bundle(tmp_path / "bare", manifest, {"model.onnx": b"x"})
    with read_bundle(path) as bundle, pytest.raises(InvalidBundle, match=r"no golden\.json"):
        bundle.golden()


def test_system_error_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reader, "_open_regular", denied)
    with pytest.raises(TrmEdgeError, match="Permission denied"):
        read_bundle(folder)


# -- archives ---------------------------------------------------------------------------------


@pytest.fixture
def archive(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Zip the bundle by hand, with a prefix for all names, and let ``change`` add to it."""

    def make(prefix: str = "", change: Callable[[zipfile.ZipFile], None] | None = None) -> Path:
        path = tmp_path / "hand.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name in os.listdir(folder):
                target.write(folder / name, prefix + name)
            if change is not None:
                change(target)
        return path

    return make


def test_nothing_is_written_outside(archive: Callable[..., Path], tmp_path: Path) -> None:
    refused(archive(change=lambda target: target.writestr("../evil", b"x")), "unsafe name")
    assert not list(tmp_path.parent.glob("evil"))


@pytest.mark.parametrize("keep", [0, 10, 400, -1, -30])
def test_zip_truncated(archive: Callable[..., Path], keep: int) -> None:
    path = archive()
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "zip")


def test_zip_damaged_inside(archive: Callable[..., Path]) -> None:
    path = archive()
    with zipfile.ZipFile(path) as source:
        info = source.getinfo("model.onnx")
    data = bytearray(path.read_bytes())
    data[info.header_offset + 45] ^= 0xFF
    path.write_bytes(data)
    refused(path, "zip")


def test_nothing_stays_behind_when_an_archive_is_refused(
    archive: Callable[..., Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    document["files"]["model.onnx"]["sha256"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(document))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    refused(archive(), "SHA-256")
    assert not list(scratch.iterdir())
