"""Reading: what is whole is read, everything else is refused in one line."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trm_edge.bundle import GOLDEN, MANIFEST, GoldenVectors, Manifest, read_bundle, read_manifest, reader, write_bundle
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


def test_truncated(folder: Path) -> None:
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    refused(folder, "'model.onnx'")


def test_tampered_with(folder: Path) -> None:
    model = folder / "model.onnx"
    model.write_bytes(b"N" + model.read_bytes()[1:])
    refused(folder, "SHA-256")


def test_missing_file(folder: Path) -> None:
    (folder / GOLDEN).unlink()
    refused(folder, "lacks 'golden.json'")


def test_unlisted_file(folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"")
    refused(folder, "'weights.bin'")


def test_litter_of_operating_systems_is_no_offence(folder: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "._model.onnx"):
        (folder / name).write_bytes(b"")
    read_bundle(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_link_out_of_the_bundle(folder: Path, tmp_path: Path) -> None:
    model = folder / "model.onnx"
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    refused(folder, "links are not allowed")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_does_not_hang(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    refused(folder, "not a regular file")


def test_no_bundle(tmp_path: Path) -> None:
    refused(tmp_path / "absent", "No bundle at")
    refused(tmp_path, "has no manifest.json")


def test_manifest_is_not_text(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"\xff\xfe")
    refused(folder, "UTF-8")


def test_manifest_is_capped(folder: Path) -> None:
    with open(folder / MANIFEST, "ab") as file:
        file.truncate(reader.MAX_MANIFEST_BYTES + 1)
    refused(folder, "larger than")


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


def test_zip_with_a_top_folder_and_litter(archive: Callable[..., Path]) -> None:
    path = archive("tiny/", lambda target: target.writestr("__MACOSX/tiny/._model.onnx", b""))
    read_bundle(path).close()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "C:evil", "sub/model.onnx", "tiny/../../evil", "..\\evil"])
def test_zip_escapes(archive: Callable[..., Path], tmp_path: Path, name: str) -> None:
    refused(archive(change=lambda target: target.writestr(name, b"x")), "unsafe name")
    assert not list(tmp_path.parent.glob("evil"))


def test_zip_link(archive: Callable[..., Path]) -> None:
    def add(target: zipfile.ZipFile) -> None:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        target.writestr(link, "/etc/passwd")

    refused(archive(change=add), "links are not allowed")


def test_zip_holds_a_name_twice(archive: Callable[..., Path]) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(change=lambda target: target.writestr("model.onnx", b"x"))
    refused(path, "twice")


def test_zip_encrypted(archive: Callable[..., Path]) -> None:
    path = archive()
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")  # the first entry of the central directory; flags at +8
    data[start + 8] |= 1
    path.write_bytes(data)
    refused(path, "encrypted")


def test_zip_bomb_stops_at_the_declared_size(archive: Callable[..., Path], folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"\0" * 5_000_000)
    refused(archive(), "5000000 bytes, its manifest says")


def test_zip_of_too_many_files(archive: Callable[..., Path]) -> None:
    refused(archive(change=lambda target: [target.writestr(f"f{i}", b"") for i in range(100)]), "at most")


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
