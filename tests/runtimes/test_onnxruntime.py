from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import Bundle, Manifest
from trm_edge.errors import InvalidBundle, InvalidInput, MissingDependency, Refused
from trm_edge.runtimes import Session, open_session
from trm_edge.runtimes import onnxruntime as module

pytest.importorskip("onnxruntime")

BuildBundle = Callable[..., Bundle]


def first_step(session: Session, batch: int = 2) -> dict[str, Any]:
    tokens = np.tile(np.arange(16, dtype=np.int32) % 6, (batch, 1))
    inputs = {"tokens": tokens, "puzzle_ids": np.arange(batch, dtype=np.int32) % 2}
    return session.infer({**inputs, **session.initial_carry(batch)})


def test_values(build_bundle: BuildBundle) -> None:
    with open_session(build_bundle(), threads=1) as session:
        outputs = first_step(session)
        assert session.provider == "CPUExecutionProvider"
    assert (outputs["logits"].argmax(-1) == np.arange(16) % 6).all()
    np.testing.assert_allclose(outputs["q_halt"], [-1.5, -0.5])  # mean of [0.5, -0.5] + 1 - 2.5 + row
    np.testing.assert_allclose(outputs["z_L_next"][1, 5], [1.25, 1.0])


def test_half_precision_states(build_bundle: BuildBundle) -> None:
    with open_session(build_bundle(dtype="float16")) as session:
        assert session.initial_carry(1)["z_H"].dtype == np.float16
        assert first_step(session)["z_H_next"].dtype == np.float16


def test_a_batch_built_into_the_graph(build_bundle: BuildBundle) -> None:
    with open_session(build_bundle(batch=2)) as session:
        first_step(session, 2)
        with pytest.raises(InvalidInput, match="exactly 2"):
            first_step(session, 1)


def test_nan_weights(build_bundle: BuildBundle) -> None:
    with (
        open_session(build_bundle(scale=float("nan"))) as session,
        pytest.raises(InvalidBundle, match="NaN in 'logits'"),
    ):
        first_step(session)


def test_telemetry_is_off_before_the_library_is_loaded(
    build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    seen = []

    def spy(name: str, *, extra: str) -> ModuleType:
        seen.append((name, os.environ.get("ORT_DISABLE_TELEMETRY")))
        raise MissingDependency(name)

    monkeypatch.setattr(module, "require", spy)
    with pytest.raises(MissingDependency):
        open_session(build_bundle())
    assert seen == [("onnxruntime", "1")]


def test_threads_reach_the_library(build_bundle: BuildBundle) -> None:
    session = open_session(build_bundle(), threads=1)
    assert isinstance(session, module.OnnxRuntimeSession)
    assert session._graph.get_session_options().intra_op_num_threads == 1


def test_unavailable_provider_lists_the_others(build_bundle: BuildBundle) -> None:
    with pytest.raises(InvalidInput, match=r"Unknown execution provider 'Abacus'\. Allowed: .*CPUExecutionProvider"):
        open_session(build_bundle(), providers=["Abacus"])


def test_a_provider_that_does_not_start_is_not_silently_replaced(
    build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda self: [])
    with pytest.raises(Refused, match="could not be started"):
        open_session(build_bundle())


def test_not_a_graph(build_bundle: BuildBundle) -> None:
    with pytest.raises(InvalidBundle, match="onnxruntime cannot load") as error:
        open_session(build_bundle(graph=b"this is no protobuf"))
    assert "\n" not in str(error.value)


def _other_prefix(manifest: Manifest) -> dict[str, Any]:
    """The fields of a manifest whose states are one position longer."""
    longer = [replace(s, shape=(s.shape[0], 18, 2)) if s.name.startswith("z_") else s for s in manifest.inputs]
    outputs = [replace(s, shape=(s.shape[0], 18, 2)) if s.name.startswith("z_") else s for s in manifest.outputs]
    return {"inputs": tuple(longer), "outputs": tuple(outputs), "puzzle_prefix_len": 2}


def test_graph_and_manifest_disagree(build_bundle: BuildBundle, tmp_path: Any) -> None:
    manifest = build_bundle().manifest
    model = (tmp_path / "tiny" / "model.onnx").read_bytes()
    (tmp_path / "tiny").rename(tmp_path / "first")
    with pytest.raises(InvalidBundle, match=r"input 'z_H' is float32 \['batch', 17, 2\], its manifest says float32"):
        open_session(build_bundle(graph=model, stated=_other_prefix(manifest)))
    (tmp_path / "tiny").rename(tmp_path / "second")
    without = tuple(spec for spec in manifest.inputs if spec.name != "puzzle_ids")
    with pytest.raises(InvalidBundle, match=r"inputs are .*puzzle_ids"):
        open_session(build_bundle(graph=model, stated={"puzzles": (3,), "inputs": without}))


def test_a_failing_call_is_one_line(build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_session(build_bundle())
    assert isinstance(session, module.OnnxRuntimeSession)

    class Broken:
        def run(self, *args: object) -> None:
            raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(session, "_graph", Broken())
    with pytest.raises(InvalidBundle, match="out of memory"):
        first_step(session)
