"""The APK: built with Debian's tools and dx, and read back. In it must be what was meant to be, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2] / "android_demo"
ASSETS = PROJECT / "app" / "src" / "main" / "assets" / "bundles"
SCRIPT = PROJECT / "build_apk.py"
VERIFY = PROJECT / "apk" / "verify.py"

pytestmark = pytest.mark.apps


def build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Build without a network; skips where the tools were not fetched."""
    for tool in ("mvn", "java"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    done = subprocess.run([sys.executable, SCRIPT, "--offline", *arguments], capture_output=True, text=True)
    if done.returncode and any(word in done.stderr for word in ("not found", "offline mode", "build tools could not")):
        pytest.skip(f"the tools were not fetched (python android_demo/build_apk.py --fetch): {done.stderr[-300:]}")
    return done


@pytest.fixture(scope="module")
def assets(apps_fixtures: Path) -> Any:
    """A bundle among the app's assets, those that were there put back afterwards."""
    kept = PROJECT / "target" / "kept-bundles"  # not beside them: all that lies among the assets goes into the APK
    if ASSETS.exists() and not kept.exists():  # where it exists, an earlier run was cut off
        kept.parent.mkdir(exist_ok=True)
        ASSETS.rename(kept)
    shutil.rmtree(ASSETS, ignore_errors=True)
    try:
        bundle = apps_fixtures / "bundles" / "sudoku-4x4.fp32.onnx-step"
        command = [sys.executable, "-m", "trm_edge", "deploy", "android", str(bundle), "--app", str(PROJECT)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        yield ASSETS
    finally:
        shutil.rmtree(ASSETS, ignore_errors=True)
        if kept.exists():
            kept.rename(ASSETS)


@pytest.fixture(scope="module")
def aar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an archive of an engine looks like: a library of two processors, and classes."""
    folder = tmp_path_factory.mktemp("aar")
    path = folder / "engine.aar"
    with zipfile.ZipFile(folder / "classes.jar", "w"):
        pass
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("AndroidManifest.xml", "<manifest/>")
        archive.write(folder / "classes.jar", "classes.jar")
        archive.writestr("jni/arm64-v8a/libengine.so", b"\x7fELF" + bytes(50_000))
        archive.writestr("jni/x86_64/libengine.so", b"\x7fELF" + bytes(10))
    return path


@pytest.fixture(scope="module")
def apk(assets: Path, aar: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """The APK, what its builder found in it, and what it said."""
    folder = tmp_path_factory.mktemp("apk")
    out, found = folder / "app.apk", folder / "found.json"
    done = build("--out", out, "--json", found, "--aar", aar)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, json.loads(found.read_text()), done.stdout


def test_what_the_tools_found(apk: tuple[Path, dict[str, Any], str], assets: Path) -> None:
    _, found, said = apk
    assert found["package"] == "edge.trm.app"
    assert (found["min_sdk"], found["target_sdk"]) == ("26", "34")
    assert found["activity"] == "edge.trm.app.SolveActivity"
    assert found["permissions"] == []
    assert found["invoke_custom"] == 0
    assert found["alignment"] == 16384
    assert {"v2", "v3"} <= set(found["signature"])
    assert found["bundles"] == [json.loads((assets / "index.json").read_text())["bundles"][0]["name"]]
    assert "has not run on a phone" in said


def test_bundles_are_the_same_bytes(apk: tuple[Path, dict[str, Any], str], assets: Path) -> None:
    with zipfile.ZipFile(apk[0]) as archive:
        inside = {name for name in archive.namelist() if name.startswith("assets/bundles/")}
        outside = {
            f"assets/bundles/{path.relative_to(assets).as_posix()}" for path in assets.rglob("*") if path.is_file()
        }
        assert inside == outside
        for path in (path for path in assets.rglob("*") if path.is_file()):
            packed = archive.read(f"assets/bundles/{path.relative_to(assets).as_posix()}")
            assert hashlib.sha256(packed).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_what_is_mapped_is_stored_on_a_page(apk: tuple[Path, dict[str, Any], str]) -> None:
    with zipfile.ZipFile(apk[0]) as archive, apk[0].open("rb") as file:
        library = archive.getinfo("lib/arm64-v8a/libengine.so")
        assert [name for name in archive.namelist() if name.startswith("lib/")] == [library.filename]
        assert library.compress_type == zipfile.ZIP_STORED
        file.seek(library.header_offset + 26)
        names = int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little")
        assert (library.header_offset + 30 + names) % 16384 == 0


def test_classes_are_ours_and_the_engines_and_none_of_the_tests(apk: tuple[Path, dict[str, Any], str]) -> None:
    with zipfile.ZipFile(apk[0]) as archive:
        dex = archive.read("classes.dex")
    for name in (b"Ledge/trm/app/SolveActivity;", b"Ledge/trm/solve/Solver;", b"Lai/onnxruntime/OrtSession;"):
        assert name in dex
    for name in (b"Lorg/junit/", b"Lorg/robolectric/"):
        assert name not in dex


# -- what the check must notice -----------------------------------------------------------------


def verify(path: Path) -> str:
    """The one line that an APK is refused with."""
    done = subprocess.run([sys.executable, VERIFY, path], capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    return done.stderr


def changed(source: Path, target: Path, name: str, content: bytes) -> Path:
    """A copy with another content of one file, new or not; its signature no longer fits."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
        new.writestr(name, content)
    return target


def test_a_changed_file_is_noticed(apk: tuple[Path, dict[str, Any], str], tmp_path: Path) -> None:
    said = verify(changed(apk[0], tmp_path / "a.apk", "assets/extra.txt", b"extra"))
    assert re.search(r"apksigner|java failed", said), said


def test_what_the_parts_of_the_check_notice(apk: tuple[Path, dict[str, Any], str], tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(VERIFY.parent)!r})
from pathlib import Path
from tools import BuildError
import verify
for check, argument in [(verify._bundles, Path(sys.argv[1])), (verify._bundles, Path(sys.argv[2])),
                        (verify._permissions, "uses-permission: name='android.permission.INTERNET'"),
                        (verify._identity, "package: name='x'")]:
    try:
        check(argument)
    except BuildError as error:
        print(error)
    else:
        print("accepted")
"""
    with zipfile.ZipFile(apk[0]) as archive:
        (model,) = [name for name in archive.namelist() if name.endswith("/model.onnx")]
    other = changed(apk[0], tmp_path / "model.apk", model, b"another model")
    stray = changed(apk[0], tmp_path / "stray.apk", "assets/stray.txt", b"")
    done = subprocess.run([sys.executable, "-c", code, other, stray], capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert len(said) == 4, done.stderr
    assert "SHA-256" in said[0]
    assert "stray.txt" in said[1]
    assert "android.permission.INTERNET" in said[2]
    assert "no package" in said[3]


def test_lambdas_that_stayed_are_noticed(apk: tuple[Path, dict[str, Any], str], tmp_path: Path) -> None:
    """The trap itself: ONNX Runtime's jar by dx alone has invoke-custom in its dex, and the check refuses it."""
    code = f"""
import sys, zipfile
sys.path.insert(0, {str(VERIFY.parent)!r})
from pathlib import Path
import assemble, tools, verify
jars = assemble.fetched()
folder = Path(sys.argv[1])
with zipfile.ZipFile(jars.onnxruntime) as source, zipfile.ZipFile(folder / "plain.jar", "w") as target:
    for name in source.namelist():
        if name.startswith("ai/") and name.endswith(".class"):
            target.writestr(name, source.read(name))
dx = ["com.android.dx.command.Main", "--dex", "--min-sdk-version=26", f"--output={{folder / 'classes.dex'}}"]
tools.run([tools.java(), "-cp", jars.programs, *dx, str(folder / "plain.jar")])
with zipfile.ZipFile(folder / "a.apk", "w") as apk:
    apk.write(folder / "classes.dex", "classes.dex")
try:
    verify._invoke_custom(folder / "a.apk", tools.Tools())
except tools.BuildError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert re.search(r"the APK has [1-9]\d* invoke-custom", done.stdout), done.stdout + done.stderr


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--keystore", "none.p12"], "KS_PASS: set this variable"),
        (["--aar", "none.aar"], "none.aar: not readable as an archive"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_apk(
    assets: Path, arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KS_PASS", raising=False)
    out = tmp_path / "app.apk"
    done = build("--out", out, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")
    assert not list(tmp_path.iterdir())


def test_a_processor_that_an_archive_lacks_is_said(assets: Path, aar: Path, tmp_path: Path) -> None:
    done = build("--out", tmp_path / "app.apk", "--aar", aar, "--abi", "armeabi-v7a")
    assert done.returncode == 1
    assert "holds no libraries for armeabi-v7a" in done.stderr
