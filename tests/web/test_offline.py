"""The service worker: use without a network, isolation on plain hosts, new versions, hosts that lack a file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.conftest import Host, Tab

pytestmark = pytest.mark.apps

OFFLINE = "Works offline."


@pytest.fixture
def copy(site: Path, tmp_path: Path) -> Path:
    """A deployed folder that may be changed."""
    return Path(shutil.copytree(site, tmp_path / "copy"))


def _change(folder: Path, name: str, content: bytes) -> None:
    """Change a file and deploy it: files.json names the new one."""
    (folder / name).write_bytes(content)
    listing = json.loads((folder / "files.json").read_text())
    listing["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    lines = "".join(f"{file['sha256']}  {path}\n" for path, file in sorted(listing["files"].items()))
    listing["version"] = hashlib.sha256(lines.encode()).hexdigest()
    (folder / "files.json").write_text(json.dumps(listing))


def test_it_works_with_the_host_gone(new_tab: Callable[..., Tab], host: Host) -> None:
    tab = new_tab()
    tab.open(host.url)
    tab.wait_text("#offline", OFFLINE)
    host.stop()
    tab.page.reload()
    tab.ready()
    tab.solve()
    assert tab.text("#result").startswith("Solved")
    assert tab.page.evaluate("crossOriginIsolated"), "threads work offline, too"
    tab.choose("sudoku-4x4.fp32.onnx-loop")  # every bundle was kept, not only the one that was open
    tab.solve()
    assert tab.text("#result").startswith("Solved")
    assert "Offline use is not possible" not in tab.text("#offline"), "it is in use"
    host.start()
    tab.errors[:] = [line for line in tab.errors if "ERR_CONNECTION_REFUSED" not in line]  # files.json was asked for


def test_a_plain_host_is_isolated_by_the_service_worker(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host]
) -> None:
    tab = new_tab()
    tab.open(hosted(headers={}).url)
    tab.wait("crossOriginIsolated")
    tab.ready()
    assert "not isolated" not in tab.text("#engine-note")
    tab.page.select_option("#threads", "2")
    tab.solve()
    assert "2 threads" in tab.text("#engine-note")


def test_without_service_workers_it_says_what_is_not_possible(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host]
) -> None:
    tab = new_tab(service_workers="block")
    tab.open(hosted(headers={}).url)
    assert "One thread: the page is not isolated" in tab.text("#engine-note")
    tab.wait_text("#offline", "Offline use is not possible")
    tab.solve()
    assert tab.text("#result").startswith("Solved")
    assert "1 thread" in tab.text("#engine-note")


def test_a_new_version_is_there_at_the_next_visit(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host], copy: Path
) -> None:
    host, tab = hosted(copy), new_tab()
    tab.open(host.url)
    tab.wait_text("#offline", OFFLINE)
    page = (copy / "index.html").read_bytes()
    _change(copy, "index.html", page.replace(b"Watch a tiny model think", b"Watch a newer page"))
    tab.page.reload()
    tab.ready()
    assert tab.text("h1") == "Watch a newer page"
    tab.wait_text("#offline", OFFLINE)
    assert len(tab.page.evaluate("caches.keys()")) == 2, "the version before is gone, the state is there"
    host.stop()
    tab.page.reload()
    tab.ready()
    assert tab.text("h1") == "Watch a newer page"
    host.start()
    tab.errors[:] = [line for line in tab.errors if "ERR_CONNECTION_REFUSED" not in line]


def test_only_what_changed_is_fetched_again(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host], copy: Path
) -> None:
    host, tab = hosted(copy), new_tab()
    tab.open(host.url)
    tab.wait_text("#offline", OFFLINE)
    tab.kept.clear()
    _change(copy, "style.css", (copy / "style.css").read_bytes() + b"\n/* newer */\n")
    tab.page.reload()
    tab.ready()
    tab.wait_text("#offline", OFFLINE)
    assert not [url for url in tab.kept if url.endswith(".wasm")]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("vendor/ort.webgpu.min.mjs", None, "vendor/ort.webgpu.min.mjs could not be fetched (404)"),
        ("icons/icon.svg", "<svg/>", "icons/icon.svg is not the file that files.json lists"),
        ("files.json", None, "files.json could not be fetched (404): deploy with trm-edge deploy web"),
        ("files.json", "{}", "files.json is not a list of files: deploy again"),
    ],
    ids=["a file is missing", "a file is another", "no list", "a list that is none"],
)
def test_a_host_that_lacks_something_is_used_online(
    new_tab: Callable[..., Tab], hosted: Callable[..., Host], copy: Path, name: str, content: str | None, says: str
) -> None:
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_text(content)
    tab = new_tab()
    tab.open(hosted(copy).url)
    assert says in tab.wait_text("#offline", "Offline use is not possible")
    tab.solve()
    assert tab.text("#result").startswith("Solved")
    tab.errors[:] = [line for line in tab.errors if "404" not in line]


def test_it_can_be_installed(tab: Tab, site: Path) -> None:
    manifest = json.loads((site / "manifest.webmanifest").read_text())
    for icon in manifest["icons"]:
        assert (site / icon["src"]).is_file()
    session = tab.context.new_cdp_session(tab.page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    assert json.loads(found["data"])["name"] == manifest["name"]
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )
