"""A session whose engine lives in another interpreter: an environment of its own, or an emulated processor.

The tensors go over pipes (:mod:`trm_edge.runtimes.frames`), so a call costs some microseconds and copies more than one
in this process; times measured through it include that.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from trm_edge import errors
from trm_edge.bundle import Bundle
from trm_edge.environments import environment
from trm_edge.errors import InvalidBundle, TrmEdgeError
from trm_edge.runtimes.base import Arrays, Session
from trm_edge.runtimes.frames import Ended, receive, send
from trm_edge.runtimes.placement import Placement

_PATIENCE = 10  #: seconds that a worker has to end by itself
_SAID = 300  #: characters of its last words that are shown


class WorkerSession(Session):
    """A graph in another interpreter; :meth:`open` makes one."""

    runtime = "worker"

    _program: subprocess.Popen[bytes] | None = None
    _said: Any = None  #: file that collects what the worker writes to stderr

    @classmethod
    def open(
        cls, bundle: Bundle, runtime: type[Session], place: str, *, threads: int | None, options: Mapping[str, Any]
    ) -> WorkerSession:
        """Open ``bundle`` with ``runtime`` in the environment ``place``; raises as ``Session.from_bundle`` does."""
        runtime.check_options(options)
        session = cls(bundle.manifest, threads=threads)
        session.runtime = runtime.runtime  # type: ignore[misc]  # what computes, not how it is reached
        session._start(bundle, place, options)
        return session

    def _start(self, bundle: Bundle, place: str, options: Mapping[str, Any]) -> None:
        where = environment(place)
        command = where.command("trm_edge.runtimes.serve")
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the session
        try:
            self._program = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=where.variables()
            )
            opening = {
                "do": "open",
                "bundle": str(bundle.folder),
                "runtime": self.runtime,
                "threads": self.threads,
                "options": dict(options),
            }
            self.provider = str(self._ask(opening)[0]["provider"])
        except BaseException:
            self.close()
            raise

    def placement(self) -> Placement | None:
        """Where the nodes of the graph run."""
        found = self._ask({"do": "placement"})[0]["placement"]
        return None if found is None else Placement.from_dict(found)

    def close(self) -> None:
        """End the worker."""
        super().close()
        program, self._program = self._program, None
        if program is not None:
            assert program.stdin is not None
            assert program.stdout is not None
            with contextlib.suppress(OSError):
                program.stdin.close()
            try:
                program.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            program.stdout.close()
        if self._said is not None:
            self._said.close()
            self._said = None

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        return self._ask({"do": "infer"}, inputs)[1]

    def _ask(
        self, header: Mapping[str, Any], arrays: Arrays | None = None
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        program = self._program
        assert program is not None
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            send(program.stdin, header, arrays)
            answer, found = receive(program.stdout)
        except (Ended, BrokenPipeError):
            raise InvalidBundle(f"The engine '{self.runtime}' ended by itself{self._last_words()}") from None
        if "error" in answer:
            kind = getattr(errors, answer["error"], TrmEdgeError)
            raise (kind if issubclass(kind, TrmEdgeError) else TrmEdgeError)(answer["message"])
        return answer, found

    def _last_words(self) -> str:
        assert self._program is not None
        code = self._program.wait()
        end = f" by signal {-code}" if code < 0 else f" with exit code {code}"
        self._said.seek(0)
        said = " ".join(self._said.read().decode(errors="replace").split())
        return f"{end}: {said[-_SAID:]}" if said else end
