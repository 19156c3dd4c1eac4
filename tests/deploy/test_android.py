"""Bundles in the assets of the app: placed, replaced, taken out; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_bundle
from trm_edge.deploy.android import APP_TARGETS, ASSETS, place, refusal, remove
from trm_edge.errors import InvalidBundle, InvalidInput, Refused
from trm_edge.export.targets import target_ids
from trm_edge.specs import Format

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    manifest = tmp_path / "android_demo/app/src/main/AndroidManifest.xml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('<manifest><activity android:name="edge.trm.app.SolveActivity"/></manifest>')
    return tmp_path / "android_demo"


def listed(app: Path) -> list[str]:
    return [one["path"] for one in json.loads((app / ASSETS / "index.json").read_text())["bundles"]]


def test_bundles_are_placed_and_listed(app: Path, make_bundle: Any) -> None:
    placed = place([make_bundle("a.zip", name="A"), make_bundle("b", name="B", target="android")], app)
    assert placed.folder == app / ASSETS
    assert listed(app) == ["A", "B"]
    assert placed.bytes == sum(f.stat().st_size for name in "AB" for f in (app / ASSETS / name).iterdir())
    for name in "AB":
        assert read_bundle(app / ASSETS / name).manifest.name == name
    place([make_bundle("c", name="C")], app)
    assert listed(app) == ["A", "B", "C"]
    assert {path.name for path in (app / ASSETS).iterdir()} == {"A", "B", "C", "index.json"}


def test_a_bundle_is_replaced_if_asked(app: Path, make_bundle: Any) -> None:
    place([make_bundle("a", name="A"), make_bundle("b", name="B")], app)
    newer = make_bundle("newer", name="A", graph=b"newer")
    with pytest.raises(InvalidInput, match=r"A exists\. Pass --overwrite, or take it out with --remove A"):
        place([newer], app)
    assert (app / ASSETS / "A/model.onnx").read_bytes() != b"newer"
    placed = place([newer], app, overwrite=True)
    assert (app / ASSETS / "A/model.onnx").read_bytes() == b"newer"
    assert listed(app) == ["A", "B"]
    assert placed.bytes == sum(f.stat().st_size for name in "AB" for f in (app / ASSETS / name).iterdir())


def test_what_is_no_bundle_is_not_replaced(app: Path, make_bundle: Any) -> None:
    (app / ASSETS / "A").mkdir(parents=True)
    (app / ASSETS / "A/photo.jpg").write_bytes(b"dear")
    with pytest.raises(InvalidInput, match="it is not a bundle"):
        place([make_bundle(name="A")], app, overwrite=True)
    assert (app / ASSETS / "A/photo.jpg").read_bytes() == b"dear"


def test_a_bundle_is_taken_out(app: Path, make_bundle: Any) -> None:
    place([make_bundle("a", name="A"), make_bundle("b", name="B (new)")], app)
    assert listed(app) == ["A", "B-new-"]
    with pytest.raises(InvalidInput, match=r"There is no bundle 'C' in .*\. There are: A, B-new-\."):
        remove("C", app)
    assert [one.path for one in remove("B (new)", app).entries] == ["A"]
    assert not (app / ASSETS / "B-new-").exists()
    remove("A", app)
    assert listed(app) == []
    with pytest.raises(InvalidInput, match=r"There are: none\."):
        remove("A", app)


def test_what_was_deleted_by_hand_is_no_longer_listed(app: Path, make_bundle: Any) -> None:
    import shutil

    place([make_bundle("a", name="A"), make_bundle("b", name="B")], app)
    shutil.rmtree(app / ASSETS / "A")
    place([make_bundle("c", name="C")], app)
    assert listed(app) == ["B", "C"]
    shutil.rmtree(app / ASSETS / "B")
    remove("B", app)
    assert listed(app) == ["C"]


def test_nothing_is_placed_if_one_is_refused(app: Path, make_bundle: Any) -> None:
    good, bad = make_bundle("good"), make_bundle("bad", name="B", target="ethos-u")
    with pytest.raises(Refused, match=r"B was made for ethos-u, the Android app runs .* --target android"):
        place([good, bad], app)
    (bad / "model.onnx").write_bytes(b"changed")
    with pytest.raises(InvalidBundle, match="is 7 bytes, its manifest says"):
        place([good, bad], app)
    assert not (app / ASSETS).exists()


def test_every_target_is_taken_or_refused(make_bundle: Any) -> None:
    assert set(APP_TARGETS) < set(target_ids())
    for target in target_ids():
        manifest = read_bundle(make_bundle(target, target=target)).manifest
        assert (refusal(manifest) is None) == (target in ("cpu", "android", "qualcomm-npu")), target
    assert refusal(read_bundle(make_bundle("pte", format=Format.EXECUTORCH)).manifest) is None


def test_what_is_not_the_app(tmp_path: Path, make_bundle: Any) -> None:
    bundle = make_bundle()
    for other in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InvalidInput, match="is not trm-edge's Android app: it has no app/src/main/AndroidManifest"):
            place([bundle], other)
    manifest = tmp_path / "app/src/main/AndroidManifest.xml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('<manifest package="com.example"/>')
    with pytest.raises(InvalidInput, match="Name its folder with --app"):
        remove("A", tmp_path)


def test_our_app_is_one() -> None:
    with pytest.raises(InvalidInput, match="There is no bundle 'no-such-bundle'"):
        remove("no-such-bundle", ROOT / "android_demo")
