"""The server, asked over sockets: what it gives, to whom, and what cannot be got out of it."""

from __future__ import annotations

import errno
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from trm_edge.deploy import ort_web
from trm_edge.deploy.headers import HEADERS
from trm_edge.deploy.placing import opened
from trm_edge.deploy.server import SiteServer
from trm_edge.deploy.site import Site, build_site
from trm_edge.errors import InvalidInput


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def site(make_bundle: Any, page: Path, ort: Path) -> Site:
    with opened([make_bundle(name="M")]) as bundles:
        return build_site(bundles, ort_web.find(page, ort), page=page)


@pytest.fixture
def server(site: Site) -> Iterator[SiteServer]:
    with SiteServer(site, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: SiteServer, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        found: HTTPResponse = connection.getresponse()
        return Answer(found.status, dict(found.getheaders()), found.read())
    finally:
        connection.close()


def raw(server: SiteServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_every_file_of_the_site(server: SiteServer, site: Site) -> None:
    for path, file in site.items():
        found = ask(server, f"/{path}")
        assert found.status == 200, path
        assert hashlib.sha256(found.body).hexdigest() == file.sha256
        assert int(found.headers["Content-Length"]) == file.size
    assert ask(server, "/").body == ask(server, "/index.html").body
    assert ask(server, "/?a=1#b").status == 200
    assert ask(server, "/%69ndex.html?x=/../").status == 200


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/app/main.js", "text/javascript; charset=utf-8"),
        ("/vendor/ort.min.mjs", "text/javascript; charset=utf-8"),
        ("/vendor/ort-wasm.wasm", "application/wasm"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/bundles/M/model.onnx", "application/octet-stream"),
        ("/bundles/M/manifest.json", "application/json"),
        ("/icons/icon.svg", "image/svg+xml"),
    ],
)
def test_media_types(server: SiteServer, path: str, type: str) -> None:
    assert ask(server, path).headers["Content-Type"] == type


@pytest.mark.parametrize(
    ("path", "method"), [("/", "GET"), ("/", "HEAD"), ("/none", "GET"), ("/", "POST"), ("/sw.js", "GET")]
)
def test_every_answer_has_the_headers(server: SiteServer, path: str, method: str) -> None:
    found = ask(server, path, method)
    assert {name: found.headers.get(name) for name in HEADERS} == HEADERS
    assert HEADERS["Cross-Origin-Opener-Policy"] == "same-origin"
    assert HEADERS["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Server"] == "trm-edge"


ESCAPES = [
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/bundles/../../secret.txt",
    "/bundles/M/..%5c..%5csecret.txt",
    "//secret.txt",
    "/./index.html",
    "/link.js",
    "/package.json",
    "/.npmrc",
    "/node_modules/package/index.js",
    "/etc/passwd",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/index.html%00.js",
    "/INDEX.HTML",
    "/%ff",
]


@pytest.mark.parametrize("path", ["/bundles/", "/bundles", "/app", "/vendor/", "/bundles/M/", *ESCAPES])
def test_there_is_nothing_else(server: SiteServer, page: Path, path: str) -> None:
    secret = page.parent / "secret.txt"
    secret.write_text("secret")
    (page / "link.js").symlink_to(secret)
    found = ask(server, path)
    assert (found.status, found.body) == (404, b"There is no such file.\n")


def test_targets_that_are_no_paths(server: SiteServer) -> None:
    port = server.server_port
    for target in (b"index.html", b"*", b"http://evil.example/index.html"):
        answer = raw(server, b"GET " + target + b" HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port)
        assert answer.startswith(b"HTTP/1.1 404 ")


def test_a_path_that_is_very_long(server: SiteServer) -> None:
    assert raw(server, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n").split(b" ")[1] == b"414"


def test_a_link_in_the_page_that_leads_out_is_not_followed(page: Path, ort: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text("secret")
    (page / "app/link.js").symlink_to(tmp_path / "secret.js")
    assert "app/link.js" not in build_site([], ort_web.find(page, ort), page=page)


def test_head_is_get_without_a_body(server: SiteServer) -> None:
    for path in ("/", "/none"):
        head, get = ask(server, path, "HEAD"), ask(server, path)
        assert head.body == b""
        assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}
        assert raw(server, b"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_sent(server: SiteServer, method: str) -> None:
    found = ask(server, "/", method)
    assert (found.status, found.headers["Allow"], found.headers["Connection"]) == (405, "GET, HEAD", "close")


def test_what_a_browser_has_is_not_sent_again(server: SiteServer) -> None:
    tag = ask(server, "/sw.js").headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        found = ask(server, "/sw.js", If_None_Match=known)
        assert (found.status, found.body, found.headers["ETag"]) == (304, b"", tag)
    assert ask(server, "/sw.js", If_None_Match='"other"').status == 200
    assert ask(server, "/style.css").headers["ETag"] != tag


def test_one_connection_carries_many_requests(server: SiteServer) -> None:
    request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answers = raw(server, request % b"sw.js" + request % b"style.css" + request % b"none")
    assert answers.count(b"HTTP/1.1 200 ") == 2
    assert answers.count(b"HTTP/1.1 404 ") == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST:9000"])
def test_names_of_this_machine(server: SiteServer, host: str) -> None:
    assert ask(server, "/", Host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[", "a@localhost.x", ""]
)
def test_a_name_that_leads_here_from_elsewhere(server: SiteServer, host: str) -> None:
    found = ask(server, "/bundles/M/model.onnx", Host=host)
    assert (found.status, found.body) == (403, b"This server answers to localhost and 127.0.0.1 only.\n")


def test_whoever_serves_everybody_answers_to_any_name(site: Site) -> None:
    with SiteServer(site, "0.0.0.0", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert not server.loopback
            assert server.url == f"http://localhost:{server.server_port}/"
            assert ask(server, "/", Host="board.local").status == 200
        finally:
            server.shutdown()
            thread.join()


def test_a_file_that_changed_is_not_given_out(server: SiteServer, page: Path) -> None:
    time.sleep(0.02)  # the clock of some file systems is coarse
    (page / "style.css").write_text("body { margin: 9 }\n")
    found = ask(server, "/style.css")
    assert (found.status, found.body) == (503, b"This file has changed: start 'trm-edge serve' again.\n")
    (page / "sw.js").unlink()
    assert ask(server, "/sw.js").status == 503


def test_a_browser_that_goes_away_is_nothing_to_speak_of(
    server: SiteServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends in a reset
            connection.sendall(b"GET /vendor/ort-wasm.wasm HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert ask(server, "/").status == 200
    assert capsys.readouterr().err == ""


def test_requests_are_printed_if_asked(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with SiteServer(site, port=0, verbose=True) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        ask(server, "/sw.js")
        raw(server, b"GET /\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")
        server.shutdown()
        thread.join()
    said = capsys.readouterr().err
    assert '"GET /sw.js HTTP/1.1" 200' in said
    assert "\x1b" not in said


# -- listening ----------------------------------------------------------------------------------


def test_a_port_that_is_taken(site: Site) -> None:
    with SiteServer(site, port=0) as server:
        with pytest.raises(InvalidInput) as raised:
            SiteServer(site, port=server.server_port)
        words = str(raised.value).split()
        assert words[:4] == ["Port", str(server.server_port), "is", "taken."]
        free = int(words[words.index("--port") + 1].rstrip(","))
        SiteServer(site, port=free).server_close()


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [
        ("127.0.0.1", 65536, "A port is a number from 0"),
        ("127.0.0.1", -1, "A port is a number from 0"),
        ("no such host", 0, "'no such host' is no address of this machine"),
        ("198.51.100.7", 0, "Cannot listen at 198.51.100.7, port 0: "),
    ],
)
def test_where_nobody_can_listen(site: Site, host: str, port: int, reason: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        SiteServer(site, host, port)
    assert reason in str(raised.value)


def test_a_port_of_the_system(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(SiteServer, "server_bind", forbidden)
    with pytest.raises(InvalidInput, match=r"Port 80 is for the system's own services\. Use --port 8000"):
        SiteServer(site, port=80)


def test_the_newer_protocol(site: Site) -> None:
    try:
        server = SiteServer(site, "::1", 0)
    except InvalidInput:
        pytest.skip("no IPv6 here")
    with server:
        assert server.loopback
        assert server.url == f"http://[::1]:{server.server_port}/"
