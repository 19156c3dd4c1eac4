"""A session whose engine is another process: the same answers, the same errors, no process left behind."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import Bundle, read_bundle, write_bundle
from trm_edge.environments import ENVIRONMENTS, Environment
from trm_edge.environments.base import Say
from trm_edge.errors import InvalidBundle, InvalidInput, MissingDependency, TrmEdgeError
from trm_edge.runtimes import RUNTIMES, open_session
from trm_edge.runtimes.frames import Ended, receive, send
from trm_edge.runtimes.onnxruntime import OnnxRuntimeSession
from trm_edge.runtimes.placement import Placement
from trm_edge.runtimes.worker import WorkerSession

BuildBundle = Callable[..., Bundle]


@dataclass(frozen=True, kw_only=True)
class Ours(Environment):
    """This very interpreter, in the part of another one."""

    def _fill(self, say: Say) -> None:
        pass

    def _interpreter(self) -> list[str]:
        return [sys.executable]


class Elsewhere(OnnxRuntimeSession):
    """ONNX Runtime, said to live in an environment of its own."""

    environment = "ours"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path / "cache"))
    ours = Ours(name="ours", purpose="testing", requirements=(), gigabytes=0.1)
    monkeypatch.setitem(ENVIRONMENTS, "ours", ours)
    ours.install()
    return ours


def opened(bundle: Bundle, **options: Any) -> WorkerSession:
    return WorkerSession.open(bundle, OnnxRuntimeSession, "ours", threads=1, options=options)


def pid_of(session: WorkerSession) -> int:
    assert session._program is not None
    return session._program.pid


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_answers_as_the_engine_does_here(place: Environment, build_bundle: BuildBundle) -> None:
    bundle = build_bundle()
    tokens = np.arange(32, dtype=np.int32).reshape(2, 16) % 6
    with opened(bundle) as there, open_session(bundle, "onnxruntime", threads=1) as here:
        inputs = {"tokens": tokens, "puzzle_ids": np.array([0, 1], np.int32), **here.initial_carry(2)}
        for _ in range(3):
            expected, found = here.infer(inputs), there.infer(inputs)
            assert found.keys() == expected.keys()
            for name, array in expected.items():
                np.testing.assert_array_equal(found[name], array)
                assert found[name].flags.writeable
            inputs |= {"z_H": found["z_H_next"], "z_L": found["z_L_next"]}
        assert (there.runtime, there.provider, there.placement()) == (here.runtime, here.provider, None)


def test_the_worker_ends_with_the_session(place: Environment, build_bundle: BuildBundle) -> None:
    session = opened(build_bundle())
    pid = pid_of(session)
    assert alive(pid)
    session.close()
    session.close()
    assert not alive(pid)


def test_an_environment_of_its_own_is_used_by_itself(
    place: Environment, build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNTIMES, "onnxruntime", f"{__name__}:Elsewhere")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    bundle = build_bundle()
    with open_session(bundle) as session:
        assert isinstance(session, WorkerSession)
    monkeypatch.setenv("TRM_EDGE_ENVIRONMENT", "ours")
    with open_session(bundle) as session:
        assert isinstance(session, Elsewhere)
    monkeypatch.delenv("TRM_EDGE_ENVIRONMENT")
    place.remove()
    with pytest.raises(MissingDependency, match="trm-edge targets install ours"):
        open_session(bundle)


def test_errors_of_the_engine_come_back_as_what_they_are(place: Environment, build_bundle: BuildBundle) -> None:
    bundle = build_bundle()
    with pytest.raises(InvalidInput, match="Unknown execution provider 'XPU'"):
        opened(bundle, providers=["XPU"])
    with pytest.raises(InvalidInput, match="Unknown option of onnxruntime 'provders'"):
        opened(bundle, provders=["XPU"])


def test_a_graph_that_cannot_be_loaded(place: Environment, build_bundle: BuildBundle, tmp_path: Path) -> None:
    broken = write_bundle(tmp_path / "broken", build_bundle().manifest, {"model.onnx": b"nothing"})
    with read_bundle(broken) as bundle, pytest.raises(InvalidBundle, match="cannot load"):
        opened(bundle)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_worker_that_dies_is_said_in_one_line(place: Environment, build_bundle: BuildBundle) -> None:
    with opened(build_bundle()) as session:
        inputs = {"tokens": np.zeros((1, 16), np.int32), "puzzle_ids": np.zeros(1, np.int32)}
        inputs |= session.initial_carry(1)
        os.kill(pid_of(session), signal.SIGKILL)
        with pytest.raises(InvalidBundle, match="'onnxruntime' ended by itself by signal 9") as caught:
            session.infer(inputs)
        assert "\n" not in str(caught.value)


def test_what_an_engine_prints_does_not_get_between_the_messages(
    place: Environment, build_bundle: BuildBundle, tmp_path: Path
) -> None:
    """Libraries write straight to the file descriptor; here one does when it is loaded."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, sys\n"
        "class Noise:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'onnxruntime': os.write(1, b'loading the engine')\n"
        "sys.meta_path.insert(0, Noise())\n"
    )
    variables = place.variables() | {"PYTHONPATH": str(site)}
    object.__setattr__(place, "variables", lambda: variables)
    with opened(build_bundle()) as session:
        assert session.infer(
            {
                "tokens": np.zeros((1, 16), np.int32),
                "puzzle_ids": np.zeros(1, np.int32),
                **session.initial_carry(1),
            }
        )


# -- messages -----------------------------------------------------------------------------------


def test_a_message_comes_back_as_it_was() -> None:
    stream = io.BytesIO()
    arrays = {
        "a": np.arange(6, dtype=np.float16).reshape(2, 3),
        "b": np.array(3, np.int64),
        "c": np.zeros((0, 4), bool),
    }
    send(stream, {"do": "infer", "text": "ü"}, arrays)
    stream.seek(0)
    header, found = receive(stream)
    assert header == {"do": "infer", "text": "ü"}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("cut", [0, 4, 8, 12, -1])
def test_a_stream_that_ends_early(cut: int) -> None:
    stream = io.BytesIO()
    send(stream, {"do": "infer"}, {"a": np.zeros(3, np.int32)})
    with pytest.raises(Ended):
        receive(io.BytesIO(stream.getvalue()[:cut]))


@pytest.mark.parametrize(
    "data",
    [
        b"a warning that was printed\n",
        (20).to_bytes(8, "little") + b'{"arrays": [["a", "o',
        (35).to_bytes(8, "little") + b'{"arrays": [["a", "object", [1]]]}  ' + b"x" * 8,
        (35).to_bytes(8, "little") + b'{"arrays": [["a", "int8", [9e9999]]]}',
        (37).to_bytes(8, "little") + b'{"arrays": [["a", "int32", [-3, 2]]]}',
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(TrmEdgeError):
        receive(io.BytesIO(data))


def test_a_placement_survives_the_road() -> None:
    placed = Placement("QNN", 3, {"Cast": 1}, "nodes")
    assert Placement.from_dict(placed.to_dict()) == placed
    assert not placed.whole
    assert str(placed) == "3 of 4 nodes on QNN; not 1 Cast"
    assert str(Placement("QNN", 3)) == "all 3 nodes on QNN"
