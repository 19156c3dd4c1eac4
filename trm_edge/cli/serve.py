"""``trm-edge serve``: the web app with bundles of one's own, on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

TERMINATED = 128 + 15  #: as a shell reports a program that SIGTERM ended


def serve(
    bundles: Annotated[list[Path], typer.Argument(help="Bundles, folders or .zip files; the first is opened first.")],
    port: Annotated[int, typer.Option(help="Where to listen; 0: any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen at; others than this machine get in only if asked.")] = (
        "127.0.0.1"
    ),
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    ort: Annotated[
        Path | None, typer.Option(help="Folder with onnxruntime-web's files; default: found, or fetched once by npm.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every request.")] = False,
) -> None:
    """Serve the web app on this machine, until Ctrl-C: puzzles are solved in the browser, step by step."""
    import signal

    from trm_edge.cli.progress import saying
    from trm_edge.deploy.ort_web import find
    from trm_edge.deploy.placing import opened
    from trm_edge.deploy.server import SiteServer
    from trm_edge.deploy.site import PAGE, build_site

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # unpacked archives are removed then, too
    with opened(bundles) as found:
        with saying("serve") as say:
            site = build_site(found, find(PAGE, ort, say))
        with SiteServer(site, host, port, verbose=verbose) as server:
            if not server.loopback:
                print(
                    "warning: everybody who reaches this machine can read the page and these bundles. Browsers run it "
                    "on localhost or over https only: put a proxy with TLS in front",
                    file=sys.stderr,
                )
            print(f"{server.url}  (Ctrl-C ends it)", flush=True)
            if open_:
                import webbrowser

                webbrowser.open(server.url)
            server.serve_forever()
