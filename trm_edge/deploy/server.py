"""A web server for one site: paths of a table, GET and HEAD, and the headers that the page needs.

A path is looked up in the table and nowhere else, so that there is nothing to list and nothing to escape to. Knows
HTTP; not where the files come from.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from ipaddress import ip_address
from socketserver import TCPServer
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from trm_edge.deploy.headers import HEADERS, media_type
from trm_edge.deploy.site import File, Site
from trm_edge.errors import InvalidInput

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_NEARBY = 50  #: ports tried for a free one to suggest


class SiteServer(ThreadingHTTPServer):
    """Serves a site; bound when it is made.

    Args:
        site: what there is.
        host: name or address to listen at; a loopback one answers only requests that name this machine so.
        port: 0 for any free one.
        verbose: print requests on standard error.

    Raises:
        InvalidInput: that address and port cannot be listened at; names a free port where that helps.
    """

    allow_reuse_address = os.name != "nt"  # Windows would let two programs share the port
    daemon_threads = True

    def __init__(self, site: Site, host: str = "127.0.0.1", port: int = 8000, *, verbose: bool = False) -> None:
        if not 0 <= port <= 65535:
            raise InvalidInput(f"A port is a number from 0 (any free one) to 65535, not {port}")
        self.site = site
        self.verbose = verbose
        self.address_family, address = _resolve(host)
        self.loopback = ip_address(address).is_loopback
        self.host = host
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            raise InvalidInput(_refused(host, address, port, self.address_family, error)) from None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "localhost" if ip_address(str(self.server_address[0])).is_unspecified else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind; without the look-up of our own name that the standard library makes, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nothing to speak of; anything else is one line."""
        error = sys.exception()
        if self.verbose or not isinstance(error, (ConnectionError, TimeoutError)):
            print(f"error while answering: {type(error).__name__}: {error}", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    server: SiteServer
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a silent connection is kept

    def version_string(self) -> str:
        return "trm-edge"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _not_allowed(self) -> None:
        self._fail(HTTPStatus.METHOD_NOT_ALLOWED, "There is nothing to send here: GET and HEAD only.")

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _not_allowed

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        if self.server.verbose:
            super().log_message(format, *arguments)

    def _answer(self) -> None:
        if not self._names_us():
            self._fail(HTTPStatus.FORBIDDEN, "This server answers to localhost and 127.0.0.1 only.")
            return
        path = _path(self.path)
        file = None if path is None else self.server.site.get(path)
        if path is None or file is None:
            self._fail(HTTPStatus.NOT_FOUND, "There is no such file.")
            return
        tag = f'"{file.sha256[:32]}"'
        if _matches(self.headers.get("If-None-Match", ""), tag):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        with _opened(file) as content:
            if content is None:
                self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "This file has changed: start 'trm-edge serve' again.")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", media_type(path))
            self.send_header("Content-Length", str(file.size))
            self.send_header("ETag", tag)
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(content, self.wfile, 1 << 20)

    def _names_us(self) -> bool:
        """Whether a loopback server is asked under a name of its own.

        A page of another site can have a name that it owns lead to 127.0.0.1 (DNS rebinding), and would then read
        what is here as its own. The port is free: a tunnel has another one at its other end.
        """
        if not self.server.loopback:
            return True
        given = self.headers.get("Host", "")
        try:
            name = urlsplit(f"//{given}").hostname
        except ValueError:
            return False
        return name in (*_OWN_NAMES, self.server.host.lower())

    def _fail(self, status: HTTPStatus, line: str) -> None:
        """A refusal: one line of text, and the connection ends, as an unread body may follow."""
        content = f"{line}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _path(target: str) -> str | None:
    """A request's target as a path of the table; None where it cannot be one."""
    path = target.partition("#")[0].partition("?")[0]
    if not path.startswith("/"):
        return None
    try:
        return unquote(path[1:], errors="strict") or "index.html"
    except UnicodeDecodeError:
        return None


def _matches(given: str, tag: str) -> bool:
    """Whether a browser has that very content already."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))


@contextmanager
def _opened(file: File) -> Iterator[IO[bytes] | None]:
    """Its content; None where it is no longer what was hashed."""
    if file.source is None:
        yield BytesIO(file.content)
        return
    try:
        source = open(file.source, "rb")  # noqa: SIM115
    except OSError:
        yield None
        return
    with source:
        found = os.fstat(source.fileno())
        yield source if (found.st_size, found.st_mtime_ns) == (file.size, file.stamp) else None


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    """Family and numeric address of a host."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise InvalidInput(
            f"'{host}' is no address of this machine. Allowed: 127.0.0.1 (this machine alone), 0.0.0.0 (everybody)"
        ) from None
    return family, str(address[0])


def _refused(host: str, address: str, port: int, family: socket.AddressFamily, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        free = next((near for near in range(port + 1, port + _NEARBY) if _free(family, address, near)), 0)
        return f"Port {port} is taken. Use --port {free}, which is free" + ("" if free else " (any that is free)")
    if error.errno == errno.EACCES:
        return f"Port {port} is for the system's own services. Use --port 8000"
    return f"Cannot listen at {host}, port {port}: {error.strerror or error}"


def _free(family: socket.AddressFamily, address: str, port: int) -> bool:
    if port > 65535:
        return False
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
