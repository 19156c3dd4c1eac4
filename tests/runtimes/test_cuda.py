"""The CUDA runtime as far as it goes without a GPU: what it asks ONNX Runtime for, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidInput, MissingDependency, Refused
from trm_edge.runtimes import cuda as module
from trm_edge.runtimes.cuda import CudaSession

BuildBundle = Callable[..., Bundle]
GPUS = ["NVIDIA H100 PCIe", "NVIDIA T4"]


class FakeOnnxRuntime:
    """A release that was built with CUDA, or without."""

    def __init__(self, *providers: str) -> None:
        self.providers = providers
        self.preloaded = 0

    def get_available_providers(self) -> list[str]:
        return list(self.providers)

    def preload_dlls(self) -> None:
        self.preloaded += 1


@pytest.fixture
def session(build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch) -> CudaSession:
    monkeypatch.setattr(module, "gpus", lambda: GPUS)
    return CudaSession(build_bundle().manifest)


WITH_CUDA = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


@pytest.mark.parametrize(("options", "device"), [({}, "0"), ({"device": 1}, "1")])
def test_what_it_asks_for(session: CudaSession, options: dict[str, Any], device: str) -> None:
    ort = FakeOnnxRuntime(*WITH_CUDA)
    first, second = session._provide(ort, None, options)["providers"]
    assert first == ("CUDAExecutionProvider", {"device_id": device, "use_tf32": "0"})
    assert second == "CPUExecutionProvider"
    assert session.provider == "CUDAExecutionProvider"
    assert ort.preloaded == 1


def test_an_onnxruntime_without_cuda(session: CudaSession) -> None:
    with pytest.raises(MissingDependency, match="trm-edge targets install cuda"):
        session._provide(FakeOnnxRuntime("CPUExecutionProvider"), None, {})


def test_no_gpu(session: CudaSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpus", list)
    with pytest.raises(Refused, match="nvidia-smi lists none"):
        session._provide(FakeOnnxRuntime(*WITH_CUDA), None, {})


@pytest.mark.parametrize("device", [2, -1, "0"])
def test_no_such_gpu(session: CudaSession, device: Any) -> None:
    with pytest.raises(InvalidInput, match=r"no CUDA device .*Allowed: 0 \(NVIDIA H100 PCIe\), 1 \(NVIDIA T4\)"):
        session._provide(FakeOnnxRuntime(*WITH_CUDA), None, {"device": device})


def test_a_provider_that_does_not_start(build_bundle: BuildBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime falls back to the CPU without a word where the driver and its CUDA do not fit."""
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(module, "gpus", lambda: GPUS)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(WITH_CUDA))
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    start = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *given, providers: start(*given, providers=["CPUExecutionProvider"])
    )
    with pytest.raises(Refused, match="CUDAExecutionProvider could not be started"):
        CudaSession.from_bundle(build_bundle())


@pytest.mark.targets
def test_in_its_environment_without_a_gpu(build_bundle: BuildBundle) -> None:
    from trm_edge.environments import environment
    from trm_edge.environments.nvidia import gpus
    from trm_edge.runtimes import open_session

    if not environment("cuda").installed() or gpus():
        pytest.skip(f"{environment('cuda').install_line()}, on a machine without a GPU")
    with pytest.raises(Refused, match="nvidia-smi lists none"):
        open_session(build_bundle(), "cuda")
