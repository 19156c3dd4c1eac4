"""Bundles of no model, a page of a few lines, a runtime that is a banner, and a phone behind a stand-in for adb."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import Manifest, write_bundle

TESTS = Path(__file__).parents[1]
VERSION = "1.2.3"

MakeBundle = Callable[..., Path]


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """Writes a bundle whose manifest differs by ``changes``; the graph is never opened here."""
    base = Manifest.from_dict(json.loads((TESTS / "vectors" / "refusals.json").read_text(encoding="utf-8"))["base"])

    def make(place: str = "tiny", *, graph: bytes = b"not a graph " * 1000, **changes: Any) -> Path:
        files: dict[str, bytes | Path] = {"model.onnx": graph, "golden.json": b"{}", "model-card.md": b"# tiny\n"}
        if changes.get("format") == "executorch":
            files["model.pte"] = files.pop("model.onnx")
            changes["model_file"] = "model.pte"
        return write_bundle(tmp_path / place, replace(base, **changes), files)

    return make


@pytest.fixture
def ort(tmp_path: Path) -> Path:
    """What npm's package onnxruntime-web is, as far as the page asks for it."""
    dist = tmp_path / "onnxruntime-web" / "dist"
    dist.mkdir(parents=True)
    (dist / "ort.min.mjs").write_text(f"/*!\n * ONNX Runtime Web v{VERSION}\n */\nexport {{}};\n")
    (dist / "ort-wasm.mjs").write_text("export default 1;\n")
    (dist / "ort-wasm.wasm").write_bytes(b"\0asm" * 1000)
    (dist / "ort.all.js").write_text("not asked for\n")
    return dist


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The sources of a page, with what only its developers need."""
    page = tmp_path / "web"
    for name, text in {
        "index.html": "<!doctype html><title>page</title>\n",
        "style.css": "body { margin: 0 }\n",
        "sw.js": "// worker\n",
        "manifest.webmanifest": "{}\n",
        "app/main.js": "export {};\n",
        "core/tasks/sudoku.js": "export {};\n",
        "icons/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
        "package.json": json.dumps({"dependencies": {"onnxruntime-web": VERSION}}),
        "package-lock.json": "{}\n",
        "vendor.json": json.dumps({"onnxruntime-web": ["ort.min.mjs", "ort-wasm.mjs", "ort-wasm.wasm"]}),
        "README.md": "for developers\n",
        ".npmrc": "for npm\n",
        "eslint.config.js": "for developers\n",
        "test/core.test.js": "for developers\n",
        "node_modules/package/index.js": "for developers\n",
        "vendor/ort.min.mjs": "an older one\n",
        "bundles/index.json": "an older one\n",
        "scripts/icons.js": "for developers\n",
    }.items():
        (page / name).parent.mkdir(parents=True, exist_ok=True)
        (page / name).write_text(text)
    return page


@dataclass(frozen=True)
class Phone:
    """A phone with the serial number ``8A1X``, and the app on it.

    Attributes:
        folder: of the stand-in for adb.
    """

    folder: Path

    @property
    def files(self) -> Path:
        """The app's folder."""
        return self.folder / "root/sdcard/Android/data/edge.trm.app/files"

    def calls(self) -> list[list[str]]:
        """What adb was told to do."""
        return [json.loads(line)[1:] for line in (self.folder / "calls").read_text().splitlines()]

    def program(self, name: str, script: str) -> None:
        """Put a program on it."""
        path = self.folder / "root/system/bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def phone(fake_adb: Path) -> Phone:
    """Plugged in, with the app on it."""
    phone = Phone(fake_adb)
    phone.files.mkdir(parents=True)
    phone.program("pm", 'if [ "$*" = "path edge.trm.app" ]; then echo package:/data/app/base.apk; else exit 1; fi')
    return phone
