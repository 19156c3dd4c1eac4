"""Names of folders, copies that are checked, and the list that the apps read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_bundle
from trm_edge.deploy.placing import (
    MAX_INDEX_BYTES,
    copy_bundle,
    entry,
    folder_name,
    folder_names,
    index_text,
    opened,
    read_index,
)
from trm_edge.errors import InvalidBundle, InvalidInput


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("sudoku-4x4.fp32.onnx-step", "sudoku-4x4.fp32.onnx-step"),
        ("My model (new)", "My-model-new-"),
        ("../../etc/passwd", "etc-passwd"),
        ("-rf", "rf"),
        ("_draft", "draft"),
        (".hidden.", "hidden"),
        ("数独", "bundle"),
        ("manifest.json", "bundle"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_name_becomes_the_safe_name_of_a_folder(name: str, folder: str) -> None:
    assert folder_name(name) == folder


def test_equal_names_become_unequal_folders(make_bundle: Any) -> None:
    with opened([make_bundle("a", name="M"), make_bundle("b", name="m"), make_bundle("c", name="M")]) as found:
        assert folder_names(found) == ["M", "m-2", "M-3"]


def test_a_copy_is_a_bundle(make_bundle: Any, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with read_bundle(make_bundle("tiny.zip")) as bundle:
        copy_bundle(bundle, tmp_path / "copy")
        assert read_bundle(tmp_path / "copy").manifest == bundle.manifest
        listed = entry(bundle, "copy")
    assert listed.bytes == sum(file.stat().st_size for file in (tmp_path / "copy").iterdir())


def test_what_changes_while_it_is_copied_is_refused(make_bundle: Any, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with read_bundle(make_bundle()) as bundle:
        bundle.model_path.write_bytes(bytes(bundle.model_path.stat().st_size))
        with pytest.raises(InvalidBundle, match=r"'model\.onnx' .* does not match its SHA-256"):
            copy_bundle(bundle, tmp_path / "copy")


def test_the_list_is_read_as_it_was_written(make_bundle: Any, tmp_path: Path) -> None:
    with read_bundle(make_bundle(name="M")) as bundle:
        listed = [entry(bundle, "M"), entry(bundle, "M-2")]
    (tmp_path / "index.json").write_text(index_text(listed))
    assert read_index(tmp_path) == listed
    assert read_index(tmp_path / "nowhere") == []
    document = json.loads(index_text(listed))
    document["bundles"][0]["later"] = document["later"] = 1
    (tmp_path / "index.json").write_text(json.dumps(document))
    assert read_index(tmp_path) == listed


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[", "is not valid JSON"),
        (b"[]", "must be an object"),
        (b"{}", "field 'bundles' is missing"),
        (b'{"bundles": [{"name": "a", "title": "a", "bytes": 1, "path": "../a"}]}', "plain name of a folder"),
        (b'{"bundles": [{"name": "a", "title": "a", "bytes": -1, "path": "a"}]}', "field 'bundles[0].bytes' must be"),
        (b"\xff", "can't decode"),
        (b" " * (MAX_INDEX_BYTES + 1), "is larger than"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(InvalidInput) as raised:
        read_index(tmp_path)
    assert reason in str(raised.value)
    assert str(raised.value).endswith("Remove that file, and deploy the bundles again")
