"""HTTP headers of the web app: what `trm-edge serve` sends, and static hosts are told to send by a ``_headers`` file.

The first two isolate the page, which is what browsers ask for before WebAssembly may have threads. The policy is that
of the page itself; its workers go by the header alone.
"""

from __future__ import annotations

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # keep, but ask: a page must not go on with half of an older deployment
}
HEADERS_FILE = "_headers"  #: understood by Netlify, Cloudflare Pages and others

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""Suffix -> media type; models and everything else are bytes. Not the system's table: that is anybody's guess."""
OTHER_TYPE = "application/octet-stream"


def media_type(name: str) -> str:
    """The media type of a file."""
    dot = name.rfind(".")
    return OTHER_TYPE if dot < 0 else TYPES.get(name[dot:].lower(), OTHER_TYPE)


def headers_file() -> str:
    """``_headers``."""
    return "/*\n" + "".join(f"  {name}: {value}\n" for name, value in HEADERS.items())
