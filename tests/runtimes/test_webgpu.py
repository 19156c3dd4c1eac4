"""The WebGPU runtime, on ONNX Runtime's CPU provider where its own environment is not needed to tell."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import Bundle
from trm_edge.environments import environment
from trm_edge.environments.vulkan import Adapter, adapter
from trm_edge.errors import InvalidBundle, MissingDependency, Refused
from trm_edge.runtimes import Session, open_session
from trm_edge.runtimes import webgpu as module
from trm_edge.runtimes.onnxruntime import OnnxRuntimeSession
from trm_edge.runtimes.webgpu import WebGpuSession, count_nodes

BuildBundle = Callable[..., Bundle]
pytestmark = pytest.mark.filterwarnings("ignore:Duplicate provider")  # the CPU plays both parts here


def first_step(session: Session) -> dict[str, Any]:
    tokens = np.tile(np.arange(16, dtype=np.int32) % 6, (2, 1))
    inputs = {"tokens": tokens, "puzzle_ids": np.array([0, 1], np.int32)}
    return session.infer({**inputs, **session.initial_carry(2)})


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ONNX Runtime's CPU provider play the part of the GPU, alone."""
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(module, "PROVIDER", "CPUExecutionProvider")
    monkeypatch.setattr(module, "adapter", lambda: Adapter("GPU of a test", 2))


def test_no_adapter(build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "adapter", lambda: None)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(Refused, match=r"no Vulkan adapter.*SwiftShader"):
        WebGpuSession.from_bundle(build_bundle())


def test_other_systems_need_no_vulkan(
    on_the_cpu: None, build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = build_bundle()
    monkeypatch.setattr(module, "adapter", lambda: None)
    monkeypatch.setattr(sys, "platform", "darwin")
    with WebGpuSession.from_bundle(bundle) as session:
        assert session.provider == "WebGPU on the adapter of this system"


def test_an_onnxruntime_without_it(build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(module, "PROVIDER", "NoSuchProvider")
    monkeypatch.setattr(module, "adapter", lambda: Adapter("GPU of a test", 2))
    with pytest.raises(MissingDependency, match="trm-edge targets install webgpu"):
        WebGpuSession.from_bundle(build_bundle())


def test_the_provider_says_what_computes(on_the_cpu: None, build_bundle: BuildBundle) -> None:
    with WebGpuSession.from_bundle(build_bundle()) as session:
        assert session.provider == "WebGPU on GPU of a test"
        first_step(session)


@pytest.mark.parametrize("batch", ["batch", 2])
def test_placement_comes_from_a_trace(on_the_cpu: None, build_bundle: BuildBundle, batch: int | str) -> None:
    with WebGpuSession.from_bundle(build_bundle(batch=batch)) as session:
        placement = session.placement()
    assert placement.whole
    assert 0 < placement.placed <= 8  # the tiny graph has eight nodes; ONNX Runtime merges some
    assert placement.accelerator == "WebGPU on GPU of a test"


def event(name: str, kind: str, provider: str) -> dict[str, Any]:
    return {"name": f"{name}_kernel_time", "args": {"op_name": kind, "provider": provider}}


def test_nodes_are_counted_once_by_provider() -> None:
    events = [
        {"name": "session_initialization", "args": {}},
        {"name": "a_fence_before", "args": {"op_name": "MatMul"}},
        *[event("a", "MatMul", "GPU"), event("b", "MatMul", "GPU")] * 2,  # the body of a loop
        event("loop", "Loop", "CPU"),
        event("c", "Concat", "CPU"),
        event("d", "Concat", "CPU"),
    ]
    placement = count_nodes(events, "GPU", "a card")
    assert (placement.placed, placement.elsewhere) == (2, {"Concat": 2, "Loop": 1})
    assert str(placement) == "2 of 5 nodes on a card; not 2 Concat, 1 Loop"


def test_an_adapter_without_half_precision(
    on_the_cpu: None, build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Program Gather requires f16 but the device does not support it."

    def fail(self: OnnxRuntimeSession, inputs: Any) -> None:
        raise InvalidBundle(f"onnxruntime could not run the graph: {said}")

    with WebGpuSession.from_bundle(build_bundle(dtype="float16")) as session:
        monkeypatch.setattr(OnnxRuntimeSession, "_infer", fail)
        with pytest.raises(Refused, match=r"GPU of a test does not compute in 16 bits.*--precision fp32"):
            first_step(session)
        said = "out of memory"
        with pytest.raises(InvalidBundle, match="out of memory"):
            first_step(session)


@pytest.mark.targets
def test_in_its_environment(build_bundle: BuildBundle) -> None:
    if not environment("webgpu").installed() or adapter() is None:
        pytest.skip(f"{environment('webgpu').install_line()}, and a GPU or SwiftShader")
    with open_session(build_bundle(), "webgpu", threads=1) as session:
        assert session.provider == f"WebGPU on {adapter()}"
        placement = session.placement()
        assert placement is not None
        assert placement.whole, placement
        found = first_step(session)
    np.testing.assert_allclose(found["q_halt"], [-1.5, -0.5])
