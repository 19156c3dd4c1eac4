"""Damaged and hostile bundles, archives and folders, and odd ones that are whole: ``hostile.json`` and what it names.

Knows bundles and archives; nothing here is ever run, so the graph is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from archives import DEFLATED, ENCRYPTED, STREAMED, UTF8, Entry, archive_of

from trm_edge.bundle import GOLDEN, MANIFEST, MODEL_CARD, Manifest, read_bundle, write_bundle
from trm_edge.bundle.reader import MAX_GOLDEN_BYTES, MAX_MANIFEST_BYTES
from trm_edge.errors import InvalidBundle

VECTORS = Path(__file__).parent
MODEL = "model.onnx"
FILES_ON_DISK = {"only": ["python", "java"], "reason": "a page is handed names and bytes, and never sees a file system"}

Files = dict[str, bytes]
Cases = Iterator[tuple[str, bytes, str]]


def whole() -> Files:
    """The files of a bundle that is accepted, the manifest first."""
    base = json.loads((VECTORS / "refusals.json").read_text())["base"]
    golden = json.dumps(json.loads((VECTORS / "golden_refusals.json").read_text())["base"])
    files = {MODEL: b"not a graph " * 1000, GOLDEN: golden.encode(), MODEL_CARD: b"# tiny\n"}
    return {MANIFEST: listing(base, files), **files}


def listing(document: dict[str, Any], files: Files) -> bytes:
    """The manifest of these files."""
    entries = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in files.items()}
    return json.dumps({**document, "files": entries}).encode()


def relisted(files: Files, **changes: Any) -> Files:
    """The same files with a manifest that lists them as they are, and has other fields changed."""
    document = json.loads(files[MANIFEST])
    rest = {name: data for name, data in files.items() if name != MANIFEST}
    return {MANIFEST: listing({**document, **changes}, rest), **rest}


def entries_of(files: Files, method: int = 0) -> list[Entry]:
    """One honest entry a file."""
    return [Entry(name, data, method) for name, data in files.items()]


def zip_folder(folder: Path, path: Path) -> None:
    """A bundle's folder as an archive, deflated, as a file manager would make it."""
    path.write_bytes(
        archive_of(entries_of({file.name: file.read_bytes() for file in sorted(folder.iterdir())}, DEFLATED))
    )


# -- archives that are refused ------------------------------------------------------------------


def added_entries() -> Cases:
    """A whole bundle and one entry more: name of the case, bytes, complaint."""
    good = entries_of(whole())
    unsafe = "unsafe name"
    kinds = {"a link": stat.S_IFLNK, "a pipe": stat.S_IFIFO, "a device": stat.S_IFCHR, "a socket": stat.S_IFSOCK}
    names = {
        "a parent folder": "../evil",
        "an absolute path": "/etc/evil",
        "a drive": "C:evil",
        "a folder": "sub/model.onnx",
        "a way out of a folder": "tiny/../../evil",
        "a backslash": "..\\evil",
        "a folder of Windows": "sub\\evil",
        "a letter that is not ASCII": "évil",
        "a hidden file": ".evil",
        "a space": "an evil",
        "a long name": "x" * 101,
        "no name": "",
        "the manifest in capitals": "MANIFEST.json",
        "a manifest above it": "../manifest.json",
    }
    for name, entry_name in names.items():
        yield name, archive_of([*good, Entry(entry_name, b"x")]), unsafe
    yield "a zero byte in a name", archive_of([*good, Entry("evil\0.md", b"x")]), "evil"
    for name, kind in kinds.items():
        yield name, archive_of([*good, Entry("evil", b"/etc/passwd", mode=kind | 0o777)]), "not a regular file"
    link = [replace(entry, mode=stat.S_IFLNK | 0o777) if entry.name == MODEL else entry for entry in good]
    yield "a listed file is a link", archive_of(link), "not a regular file"
    yield "a file twice", archive_of([*good, Entry(MODEL, b"x")]), "twice"
    yield "the manifest twice", archive_of([*good, Entry(MANIFEST, b"{}")]), "twice"
    yield "an unlisted file", archive_of([*good, Entry("weights.bin", b"")]), "'weights.bin', which its manifest does"
    yield (
        "names that differ in case",
        archive_of([*good, Entry("Model.onnx", b"x")]),
        "'Model.onnx', which its manifest",
    )
    yield "too many files", archive_of([*good, *(Entry(f"f{i}", b"") for i in range(100))]), "at most 65 are allowed"


def changed_entries() -> Cases:
    """A whole bundle with one entry changed."""
    files = whole()
    good = {entry.name: entry for entry in entries_of(files)}

    def changed(name: str = MODEL, **fields: Any) -> bytes:
        return archive_of((good | {name: replace(good[name], **fields)}).values())

    zeros = b"\0" * 20_000_000
    size = len(files[MODEL])
    other = b"N" + files[MODEL][1:]
    padded = files[MANIFEST] + b" " * MAX_MANIFEST_BYTES
    huge = relisted(files | {GOLDEN: b" " * (MAX_GOLDEN_BYTES + 1)})
    yield "an encrypted file", changed(flags=UTF8 | ENCRYPTED), "encrypted"
    yield "an encrypted manifest", changed(MANIFEST, flags=UTF8 | ENCRYPTED), "encrypted"
    yield "an unknown compression", changed(method=99), "not a readable zip"
    yield "two names of one entry", changed(local_name="golden.jso"), "not a readable zip"
    yield "a bomb", changed(data=zeros, method=DEFLATED), "20000000 bytes, its manifest says 12000"
    yield "a bomb that lies about its size", changed(data=zeros, method=DEFLATED, size=size), MODEL
    yield "a size of 4 GiB", changed(size=2**32 - 2), "bytes, its manifest says"
    yield "less than it says", changed(data=files[MODEL][:-9], method=DEFLATED, size=size), MODEL
    yield "a byte too few", changed(data=files[MODEL][:-1]), "11999 bytes, its manifest says 12000"
    yield "another byte", changed(data=other), "does not match its SHA-256"
    yield "another byte in the model card", changed(MODEL_CARD, data=b"# tinY\n"), "does not match its SHA-256"
    yield "golden vectors above 64 MiB", archive_of(entries_of(huge, DEFLATED)), "at most 67108864"
    yield "a manifest above 4 MiB", changed(MANIFEST, data=padded, method=DEFLATED), "larger than 4194304 bytes"
    for name, data, says in manifests():
        yield name, changed(MANIFEST, data=data), says


def manifests() -> Cases:
    """Manifests that are refused as bytes; ``refusals.json`` holds those that are refused as texts."""
    good = whole()[MANIFEST]
    no_text, no_json = "not UTF-8 text", "not valid JSON"
    yield "a manifest of no bytes", b"", no_json
    yield "a manifest in UTF-16", good.decode().encode("utf-16"), no_text
    yield "a manifest in Latin-1", good.replace(b"tiny step", b"t\xefny step"), no_text
    yield "half a surrogate pair in UTF-8", good.replace(b"tiny step", b"t\xed\xa0\x80ny"), no_text
    yield "a slash in two bytes", good.replace(b"tiny step", b"t\xc0\xafny"), no_text
    yield "a manifest that is cut within a character", good + b"\xe2\x82", no_text
    yield "a manifest with a byte order mark", b"\xef\xbb\xbf" + good, no_json
    yield "a manifest of half its length", good[: len(good) // 2], no_json
    yield "arrays nested too deeply", b"[" * 200_000, no_json
    yield "objects nested too deeply", b'{"a":' * 200_000, no_json
    yield "a newer schema", good.replace(b'"schema_version": 1', b'"schema_version": 2'), "upgrade"


def broken_archives() -> Cases:
    """What is no archive of a bundle at all."""
    files = whole()
    good = archive_of(entries_of(files))
    where = good.rindex(b"PK\5\6")
    no_zip = "not a readable zip"
    yield "no bytes", b"", no_zip
    yield "no archive", b"not an archive " * 100, no_zip
    yield "an archive that is cut", good[: len(good) // 2], no_zip
    yield "an archive without its last byte", good[:-1], no_zip
    start = int.from_bytes(good[where + 16 : where + 20], "little")
    moved = good[: where + 16] + (start - 5).to_bytes(4, "little") + good[where + 20 :]
    yield "a directory that is not where it should be", moved, no_zip
    beyond = good[: where + 16] + (2**32 - 2).to_bytes(4, "little") + good[where + 20 :]
    yield "a directory beyond the end", beyond, no_zip
    yield "no files", archive_of([]), "has no manifest.json"
    no_manifest = {name: data for name, data in files.items() if name != MANIFEST}
    yield "no manifest", archive_of(entries_of(no_manifest)), "has no manifest.json"
    no_golden = {name: data for name, data in files.items() if name != GOLDEN}
    yield "a missing file", archive_of(entries_of(no_golden)), "lacks 'golden.json'"
    nested = [replace(entry, name=f"a/b/{entry.name}") for entry in entries_of(files)]
    yield "folders in folders", archive_of(nested), "unsafe name"
    halves = [replace(entry, name=f"{'ab'[i % 2]}/{entry.name}") for i, entry in enumerate(entries_of(files))]
    yield "two folders", archive_of(halves), "unsafe name"


# -- folders that are refused -------------------------------------------------------------------


def folders() -> Iterator[tuple[str, Callable[[Path], object], str, dict[str, Any]]]:
    """What is done to a whole bundle's folder, and the complaint."""
    seen_by_all: dict[str, Any] = {}
    listed = {"only": ["python", "java"], "reason": "a page loads the files that the manifest lists and sees no others"}
    flipped = b"N" + whole()[MODEL][1:]
    yield "another byte", lambda path: (path / MODEL).write_bytes(flipped), "does not match its SHA-256", seen_by_all
    yield "a byte too few", lambda path: os.truncate(path / MODEL, 11999), "11999 bytes, its manifest says", seen_by_all
    yield "a byte too many", lambda path: os.truncate(path / MODEL, 12001), "12001 bytes, its manifest", seen_by_all
    yield "a missing file", lambda path: (path / GOLDEN).unlink(), GOLDEN, seen_by_all
    yield "no manifest", lambda path: (path / MANIFEST).unlink(), MANIFEST, seen_by_all
    for name, data, says in manifests():
        yield name, lambda path, data=data: (path / MANIFEST).write_bytes(data), says, seen_by_all  # type: ignore[misc]
    large = MAX_MANIFEST_BYTES + 1
    yield "a manifest above 4 MiB", lambda path: os.truncate(path / MANIFEST, large), "larger than 4194304", seen_by_all
    yield "an unlisted file", lambda path: (path / "weights.bin").touch(), "'weights.bin'", listed
    yield "an unlisted folder", lambda path: (path / "more").mkdir(), "'more'", listed
    yield "a link out of the bundle", lambda path: link(path / MODEL), "not a regular file", FILES_ON_DISK
    yield "a link within the bundle", lambda path: link(path / MODEL, within=True), "not a regular file", FILES_ON_DISK
    yield "the manifest is a link", lambda path: link(path / MANIFEST), "not a regular file", FILES_ON_DISK
    yield "a pipe", lambda path: pipe(path / MODEL), "not a regular file", FILES_ON_DISK
    yield "a file that is a folder", lambda path: folder(path / MODEL), "not a regular file", FILES_ON_DISK


def link(path: Path, *, within: bool = False) -> None:
    """Put a link in place of a file, to its bytes elsewhere."""
    target = path.with_name(f"._{path.name}") if within else path.parent.parent / f"{path.parent.name}.bytes"
    path.rename(target)
    path.symlink_to(os.path.relpath(target, path.parent))


def pipe(path: Path) -> None:
    """Put a pipe in place of a file."""
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    """Put a folder in place of a file."""
    path.unlink()
    path.mkdir()


# -- bundles that are accepted ------------------------------------------------------------------


def accepted_archives() -> Iterator[tuple[str, bytes]]:
    """Odd, but whole."""
    files = whole()
    good = entries_of(files)
    apple = [Entry("__MACOSX/tiny/._model.onnx", b"x"), Entry("tiny/.DS_Store", b"x")]
    yield "stored", archive_of(good)
    yield "deflated", archive_of(entries_of(files, DEFLATED))
    yield "the manifest last", archive_of(good[::-1])
    yield "a folder around it", archive_of(replace(entry, name=f"tiny/{entry.name}") for entry in good)
    made_by_hand = [Entry("tiny/", b"", mode=stat.S_IFDIR | 0o755)]
    made_by_hand += [replace(entry, name=f"tiny/{entry.name}", method=DEFLATED) for entry in good]
    yield "as macOS makes it", archive_of([*made_by_hand, *apple])
    yield "as MS-DOS makes it", archive_of(replace(entry, mode=0, flags=0) for entry in good)
    yield "sizes behind the data", archive_of(replace(e, method=DEFLATED, flags=UTF8 | STREAMED) for e in good)
    yield "a comment", archive_of(good, comment=b"a bundle for everybody")
    yield "litter", archive_of([*good, Entry("Thumbs.db", b"x"), Entry("DESKTOP.INI", b"x"), Entry("._x", b"x")])


# -- writing ------------------------------------------------------------------------------------


def make(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Write everything into ``out/hostile`` and return the sections of ``hostile.json``."""
    place = out / "hostile"
    place.mkdir()
    cases: list[dict[str, Any]] = []
    accepted: list[dict[str, Any]] = []
    for make_cases in (added_entries, changed_entries, broken_archives):
        for name, data, says in make_cases():
            path = place / f"{len(cases):03}.zip"
            path.write_bytes(data)
            cases.append({"name": f"zip: {name}", "path": f"hostile/{path.name}", "says": says})
    for name, change, says, more in folders():
        path = whole_folder(place / f"{len(cases):03}")
        change(path)
        cases.append({"name": f"folder: {name}", "path": f"hostile/{path.name}", "says": says, **more})
    for name, data in accepted_archives():
        path = place / f"accepted-{len(accepted):02}.zip"
        path.write_bytes(data)
        accepted.append({"name": f"zip: {name}", "path": f"hostile/{path.name}"})
    path = whole_folder(place / f"accepted-{len(accepted):02}")
    for litter in (".DS_Store", "Thumbs.db", "._model.onnx"):
        (path / litter).write_bytes(b"x")
    accepted.append({"name": "folder: litter", "path": f"hostile/{path.name}"})
    check(out, cases, accepted)
    return {"cases": cases, "accepted": accepted}


def whole_folder(path: Path) -> Path:
    """A bundle that is accepted, in a folder."""
    files = whole()
    manifest = Manifest.from_json(files.pop(MANIFEST).decode())
    return write_bundle(path, manifest, {**files})


def check(out: Path, cases: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> None:
    """See that Python refuses and accepts them so."""
    for case in cases:
        try:
            read_bundle(out / case["path"]).close()
        except InvalidBundle as error:
            if case["says"] not in str(error) or "\n" in str(error):
                raise SystemExit(f"'{case['name']}' is refused, but says: {error}") from None
        else:
            raise SystemExit(f"'{case['name']}' is not refused")
    for case in accepted:
        read_bundle(out / case["path"]).close()
