"""The folder for a static host: what is in it, what is refused, and that it appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_bundle
from trm_edge.deploy import ort_web
from trm_edge.deploy.headers import POLICY, headers_file
from trm_edge.deploy.site import PAGE, build_site
from trm_edge.deploy.web import deploy_web
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, TrmEdgeError

PAGE_FILES = {
    "index.html",
    "style.css",
    "sw.js",
    "manifest.webmanifest",
    "app/main.js",
    "core/tasks/sudoku.js",
    "icons/icon.svg",
}


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def deploy(page: Path, ort: Path, tmp_path: Path) -> Any:
    def call(*bundles: Path, **options: Any) -> Path:
        deploy_web(bundles, tmp_path / "site", ort=ort, page=page, **options)
        return tmp_path / "site"

    return call


def test_what_is_in_it(deploy: Any, make_bundle: Any, ort: Path) -> None:
    first, second = make_bundle("a", name="A"), make_bundle("b.zip", name="B", target="webgpu")
    site = deploy(first, second)
    files = ("manifest.json", "model.onnx", "golden.json", "model-card.md")
    assert files_of(site) == {
        *PAGE_FILES,
        *(f"vendor/{name}" for name in ("ort.min.mjs", "ort-wasm.mjs", "ort-wasm.wasm")),
        *(f"bundles/{bundle}/{name}" for bundle in "AB" for name in files),
        "bundles/index.json",
        "files.json",
        "_headers",
    }
    for name in "AB":
        read_bundle(site / "bundles" / name)
    assert (site / "vendor/ort-wasm.wasm").read_bytes() == (ort / "ort-wasm.wasm").read_bytes()
    index = json.loads((site / "bundles/index.json").read_text())["bundles"]
    assert [one["path"] for one in index] == ["A", "B"]
    assert index[1]["title"].endswith(", for webgpu")


def test_the_list_of_files_is_true(deploy: Any, make_bundle: Any) -> None:
    site = deploy(make_bundle())
    listing = json.loads((site / "files.json").read_text())
    assert set(listing["files"]) == files_of(site) - {"files.json", "_headers"}
    for path, file in listing["files"].items():
        content = (site / path).read_bytes()
        assert file == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    lines = "".join(f"{file['sha256']}  {path}\n" for path, file in sorted(listing["files"].items()))
    assert listing["version"] == hashlib.sha256(lines.encode()).hexdigest()


def test_the_version_changes_with_a_file_and_only_then(deploy: Any, make_bundle: Any, page: Path) -> None:
    def version() -> str:
        site = deploy(bundle, overwrite=True)
        return str(json.loads((site / "files.json").read_text())["version"])

    bundle = make_bundle()
    first = version()
    assert version() == first
    (page / "style.css").write_text("body { margin: 1px }\n")
    assert version() != first


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "executorch"}, "holds an executorch program, a browser runs onnx graphs: export the model again"),
        ({"target": "qualcomm-npu"}, "was made for qualcomm-npu, a browser runs what was made for cpu or webgpu"),
        ({"target": "coreml"}, "--target cpu"),
        ({"target": "android"}, "--target cpu"),
    ],
)
def test_what_a_browser_cannot_run(deploy: Any, make_bundle: Any, changes: Any, reason: str, tmp_path: Path) -> None:
    from trm_edge.specs import Format

    if "format" in changes:
        changes = {"format": Format.EXECUTORCH}
    with pytest.raises(Refused) as raised:
        deploy(make_bundle("good"), make_bundle("bad", **changes))
    assert reason in str(raised.value)
    assert not (tmp_path / "site").exists()


def test_a_tampered_bundle(deploy: Any, make_bundle: Any, tmp_path: Path) -> None:
    bundle = make_bundle()
    (bundle / "model.onnx").write_bytes(bytes((bundle / "model.onnx").stat().st_size))
    with pytest.raises(InvalidBundle, match="does not match its SHA-256"):
        deploy(bundle)
    assert not (tmp_path / "site").exists()
    assert not list(tmp_path.glob(".site*"))


def test_what_is_there_is_replaced_if_asked(deploy: Any, make_bundle: Any) -> None:
    site = deploy(make_bundle("a", name="A"))
    with pytest.raises(InvalidInput, match="site exists"):
        deploy(make_bundle("b", name="B"))
    assert (site / "bundles/A").is_dir()
    deploy(make_bundle("c", name="C"), overwrite=True)
    assert [path.name for path in (site / "bundles").iterdir() if path.is_dir()] == ["C"]


def test_nobody_elses_folder_is_replaced(deploy: Any, make_bundle: Any, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/photo.jpg").write_bytes(b"dear")
    with pytest.raises(InvalidInput, match="is not overwritten: it is not a page that 'trm-edge deploy web' wrote"):
        deploy(make_bundle(), overwrite=True)
    assert (tmp_path / "site/photo.jpg").read_bytes() == b"dear"


def test_nor_a_link(deploy: Any, make_bundle: Any, tmp_path: Path) -> None:
    deploy(make_bundle("a")).rename(tmp_path / "elsewhere")
    (tmp_path / "site").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="is not overwritten: it is a link"):
        deploy(make_bundle("b"), overwrite=True)


def test_nor_what_somebody_added_to_ours(deploy: Any, make_bundle: Any) -> None:
    site = deploy(make_bundle("a"))
    (site / "bundles/CNAME").write_text("example.org\n")
    (site / ".DS_Store").write_text("")
    with pytest.raises(InvalidInput, match="it also holds 'bundles/CNAME', which would be deleted"):
        deploy(make_bundle("b"), overwrite=True)
    (site / "bundles/CNAME").unlink()
    deploy(make_bundle("c"), overwrite=True)


def test_a_full_disk_leaves_the_old_page(
    deploy: Any, make_bundle: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    site = deploy(make_bundle("a", name="A"))
    monkeypatch.setattr("trm_edge.deploy.web._copy", full)
    with pytest.raises(TrmEdgeError, match=r"Cannot write .*: No space left on device"):
        deploy(make_bundle("b", name="B"), overwrite=True)
    assert (site / "bundles/A").is_dir()
    assert not list(tmp_path.glob(".site*"))


def test_a_file_that_changes_meanwhile(deploy: Any, make_bundle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def changing(*arguments: Any, **options: Any) -> Any:
        site = build_site(*arguments, **options)
        source = site["style.css"].source
        assert source is not None
        source.write_text("body { margin: 9 }\n")
        return site

    monkeypatch.setattr("trm_edge.deploy.web.build_site", changing)
    with pytest.raises(InvalidInput, match=r"style\.css' changed while it was copied"):
        deploy(make_bundle())


def test_there_is_no_page(deploy: Any, make_bundle: Any, page: Path) -> None:
    (page / "index.html").unlink()
    with pytest.raises(InvalidInput, match="There is no page at"):
        deploy(make_bundle())


# -- the page of this project -------------------------------------------------------------------


def test_our_page_is_found_and_needs_nothing_of_its_developers() -> None:
    vendor = ort_web.wanted(PAGE).files
    site = build_site([], dict.fromkeys(vendor, PAGE / "package.json"))
    assert {"index.html", "sw.js", "worker.js"} <= set(site)
    assert not [path for path in site if "test" in path or "node_modules" in path or path == "package.json"]
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    for path in re.findall(r'(?:src|href)="([^#"]+)"', html):
        assert path in site, path


def test_one_policy_in_three_places() -> None:
    """The page's own, the service worker's, and that of servers."""
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    (own,) = re.findall(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', html)
    assert f"{own.rstrip('; ')}; frame-ancestors 'none'" == POLICY
    worker = re.sub(r'"\s*\+\s*"', "", (PAGE / "sw.js").read_text(encoding="utf-8"))
    assert f'"{POLICY}"' in worker
    assert "unsafe-inline" not in POLICY
    assert f"Content-Security-Policy: {POLICY}\n" in headers_file()
