"""Finding ONNX Runtime for browsers: a named folder, the page's own packages, the cache, npm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from trm_edge.deploy.ort_web import find, wanted
from trm_edge.errors import InvalidInput, MissingDependency, TrmEdgeError

NAMES = ["ort.min.mjs", "ort-wasm.mjs", "ort-wasm.wasm"]

NPM = """\
#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
while [ "$1" != --prefix ]; do shift; done
cmp -s "$2/package-lock.json" "{lock}" || exit 1
mkdir -p "$2/node_modules"
cp -r "{package}" "$2/node_modules/onnxruntime-web"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, and no npm."""
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:/usr/bin-of-nobody")
    return tmp_path / "cache"


@pytest.fixture
def npm(tmp_path: Path, page: Path, ort: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in that installs the package at a place that it is told."""
    npm = tmp_path / "programs" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM.format(lock=page / "package-lock.json", package=ort.parent))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    return npm


def test_a_folder_that_is_named(page: Path, ort: Path) -> None:
    for folder in (ort, ort.parent):
        found = find(page, folder)
        assert list(found) == NAMES
        assert all(path.parent == ort for path in found.values())


def test_a_named_folder_that_does_not_have_them(page: Path, ort: Path) -> None:
    (ort / "ort-wasm.wasm").unlink()
    with pytest.raises(InvalidInput, match=r"--ort .* has no ort-wasm\.wasm\. The page needs onnxruntime-web 1\.2\.3"):
        find(page, ort)


def test_a_named_folder_of_another_version(page: Path, ort: Path) -> None:
    banner = ort / "ort.min.mjs"
    banner.write_text(banner.read_text().replace("1.2.3", "1.2.30"))
    with pytest.raises(InvalidInput, match=r"holds version 1\.2\.30\. The page needs onnxruntime-web 1\.2\.3,"):
        find(page, ort)
    banner.write_text("export {};\n")
    with pytest.raises(InvalidInput, match="holds version unknown"):
        find(page, ort)


def test_what_npm_put_beside_the_page(page: Path, ort: Path) -> None:
    own = page / "node_modules" / "onnxruntime-web"
    shutil.copytree(ort.parent, own)
    assert find(page, None)["ort.min.mjs"] == own / "dist" / "ort.min.mjs"


def test_npm_is_asked_once(page: Path, npm: Path, cache: Path) -> None:
    said: list[str] = []
    found = find(page, None, said.append)
    assert {path.parent for path in found.values()} == {cache / "web" / "onnxruntime-web-1.2.3"}
    assert sorted(path.name for path in found["ort.min.mjs"].parent.iterdir()) == sorted(NAMES)
    assert said[0] == "npm fetches onnxruntime-web 1.2.3, once"
    assert find(page, None) == found
    (call,) = (npm.parent / "calls").read_text().splitlines()
    assert call.startswith("ci --prefix ")
    assert "--ignore-scripts" in call
    assert not Path(call.split()[2]).exists()


def test_half_a_cache_is_filled_again(page: Path, npm: Path, cache: Path) -> None:
    find(page, None)["ort-wasm.wasm"].unlink()
    assert find(page, None)["ort-wasm.wasm"].is_file()
    assert len((npm.parent / "calls").read_text().splitlines()) == 2
    assert [path.name for path in (cache / "web").iterdir()] == ["onnxruntime-web-1.2.3"]


def test_npm_fails(page: Path, npm: Path, cache: Path) -> None:
    npm.write_text("#!/bin/sh\necho 'npm error network ENOTFOUND' >&2\nexit 1\n")
    with pytest.raises(TrmEdgeError, match=r"Cannot fetch onnxruntime-web 1\.2\.3 with npm: npm error network"):
        find(page, None)
    assert not (cache / "web").exists()


def test_npm_brings_another_version(page: Path, npm: Path, ort: Path, cache: Path) -> None:
    (ort / "ort.min.mjs").write_text("/* ONNX Runtime Web v9.9.9 */\n")
    with pytest.raises(InvalidInput, match=r"that npm fetched holds version 9\.9\.9"):
        find(page, None)
    assert not (cache / "web").exists()


def test_no_npm(page: Path) -> None:
    with pytest.raises(MissingDependency, match=r"npm, which fetches it, is not installed\. Install Node\.js .* --ort"):
        find(page, None)


@pytest.mark.parametrize("files", [[], ["../ort.mjs"], [1], "ort.mjs"])
def test_a_page_that_asks_for_nonsense(page: Path, files: object) -> None:
    (page / "vendor.json").write_text(json.dumps({"onnxruntime-web": files}))
    with pytest.raises(InvalidInput, match="field 'onnxruntime-web' must be an array"):
        wanted(page)
