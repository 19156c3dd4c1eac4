"""A worker: opens one bundle with one runtime and computes what it is told over its standard streams.

Run by :class:`trm_edge.runtimes.worker.WorkerSession` in another interpreter; needs numpy and the engine, nothing else.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from trm_edge.bundle import read_bundle
from trm_edge.errors import TrmEdgeError
from trm_edge.runtimes import load_runtime
from trm_edge.runtimes.base import Session
from trm_edge.runtimes.frames import Ended, receive, send


def main() -> None:
    """Answer messages until the other side closes its end."""
    # engines print: their words must not get between our messages
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with ExitStack() as stack:
        serve(sys.stdin.buffer, answers, stack)


def serve(requests: IO[bytes], answers: IO[bytes], stack: ExitStack) -> None:
    """The same on any pair of streams; ``stack`` closes what was opened."""
    session: Session | None = None
    while True:
        try:
            header, arrays = receive(requests)
        except Ended:
            return
        try:
            if header["do"] == "open":
                session = _open(stack, header)
                send(answers, {"provider": session.provider})
            elif session is None:
                raise TrmEdgeError("Nothing is open.")
            elif header["do"] == "infer":
                send(answers, {}, session._infer(arrays))
            else:
                placed = session.placement()
                send(answers, {"placement": None if placed is None else placed.to_dict()})
        except TrmEdgeError as error:
            send(answers, {"error": type(error).__name__, "message": str(error)})
        except Exception as error:  # an engine's own: it must reach the user as one line, not end the worker
            send(
                answers,
                {"error": "InvalidBundle", "message": " ".join(f"{type(error).__name__}: {error}".split())[:500]},
            )


def _open(stack: ExitStack, header: dict[str, Any]) -> Session:
    bundle = stack.enter_context(read_bundle(Path(header["bundle"])))
    kind = load_runtime(header["runtime"])
    return stack.enter_context(kind.from_bundle(bundle, threads=header["threads"], **header["options"]))


if __name__ == "__main__":
    main()
