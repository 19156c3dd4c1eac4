"""``trm-edge deploy``: to a web folder, to the app's sources, to a phone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_manifest


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    manifest = tmp_path / "android_demo/app/src/main/AndroidManifest.xml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('<manifest package="edge.trm.app"/>')
    monkeypatch.chdir(tmp_path)
    return tmp_path / "android_demo"


def test_web(cli: Any, for_apps: Path, ort: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = cli("deploy", "web", for_apps, "--out", site, "--ort", ort)
    assert (done.code, done.err) == (0, "")
    count = sum(path.is_file() for path in site.rglob("*"))
    assert done.out.startswith(f"{site}: {count} files, ")
    (listed,) = json.loads((site / "bundles/index.json").read_text())["bundles"]
    assert read_manifest(site / "bundles" / listed["path"]) == read_manifest(for_apps)
    cli("deploy", "web", for_apps, "--out", site, "--ort", ort).refused("site exists", "--overwrite")
    assert cli("deploy", "web", for_apps, "--out", site, "--ort", ort, "--overwrite").code == 0


def test_android(cli: Any, for_apps: Path, app: Path) -> None:
    done = cli("deploy", "android", for_apps)
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first.startswith("android_demo/app/src/main/assets/bundles: 1 bundle(s), ")
    name = second.split()[0]
    assert (app / "app/src/main/assets/bundles" / name / "manifest.json").is_file()
    cli("deploy", "android", for_apps, "--app", app).refused("exists. Pass --overwrite")
    assert cli("deploy", "android", for_apps, "--overwrite").code == 0
    done = cli("deploy", "android", "--remove", name)
    assert (done.code, done.out.splitlines()[0].split(": ")[1]) == (0, "0 bundle(s), 0.0 MiB")
    done = cli("deploy", "android", for_apps)
    done = cli("deploy", "android", for_apps, "--remove", name)  # out with the old one, in with the new one
    assert done.code == 0


def test_a_large_apk(cli: Any, for_apps: Path, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trm_edge.deploy.android.LARGE", 100)
    assert cli("deploy", "android", for_apps).err.startswith("warning: bundles of 0 MiB make a large APK")


def test_refusals(cli: Any, for_apps: Path, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("deploy", "android").refused("Name at least one bundle to deploy")
    cli("deploy", "android", for_apps, "--app", tmp_path).refused("is not trm-edge's Android app")
    cli("deploy", "android", "--remove", "none").refused("There is no bundle 'none'")
    cli("deploy", "android", for_apps, "--serial", "x").refused("pass --adb, too")
    cli("deploy", "android", for_apps, "--adb", "--app", app).refused("--app and --remove are about the app's sources")
    cli("deploy", "android", for_apps, "--adb", "--serial", "-x").refused("is not a device")
    monkeypatch.setenv("PATH", str(tmp_path))
    cli("deploy", "android", for_apps, "--adb").refused("no program 'adb' on this machine")
