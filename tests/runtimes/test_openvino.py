from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidBundle, InvalidInput, Refused
from trm_edge.runtimes import Session, open_session
from trm_edge.runtimes.openvino import OpenVinoSession
from trm_edge.specs import Format

BuildBundle = Callable[..., Bundle]
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")
pytestmark = needs_openvino


def opened(bundle: Bundle, **options: Any) -> OpenVinoSession:
    session = open_session(bundle, "openvino", threads=1, **options)
    assert isinstance(session, OpenVinoSession)
    return session


def first_step(session: Session, batch: int = 2) -> dict[str, Any]:
    tokens = np.tile(np.arange(16, dtype=np.int32) % 6, (batch, 1))
    inputs = {"tokens": tokens, "puzzle_ids": np.arange(batch, dtype=np.int32) % 2}
    return session.infer({**inputs, **session.initial_carry(batch)})


def test_values(build_bundle: BuildBundle) -> None:
    with opened(build_bundle()) as session:
        outputs = first_step(session)
        assert session.provider.startswith("CPU, ")
    assert (outputs["logits"].argmax(-1) == np.arange(16) % 6).all()
    np.testing.assert_allclose(outputs["q_halt"], [-1.5, -0.5])  # mean of [0.5, -0.5] + 1 - 2.5 + row
    np.testing.assert_allclose(outputs["z_L_next"][1, 5], [1.25, 1.0])


def test_half_precision_states(build_bundle: BuildBundle) -> None:
    with opened(build_bundle(dtype="float16")) as session:
        assert first_step(session)["z_H_next"].dtype == np.float16


def test_a_batch_built_into_the_graph(build_bundle: BuildBundle) -> None:
    with opened(build_bundle(batch=2)) as session:
        first_step(session)


def test_the_whole_graph_is_on_the_device(build_bundle: BuildBundle) -> None:
    with opened(build_bundle()) as session:
        placement = session.placement()
    assert placement.whole
    assert placement.placed >= 8  # the nodes of the tiny graph


def with_a_product(path: Path, *, quantized: bool) -> bytes:
    """The tiny graph at ``path`` with a product by the identity behind its logits."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    model = onnx.load(path)
    graph = model.graph
    assert graph.node[0].output[0] == "logits"
    graph.node[0].output[0] = "gathered"
    scale, identity = np.array(1 / 127, np.float32), np.eye(6)
    x, weight = "gathered", "weight"
    if quantized:
        constants = {"scale": scale, "zero": np.array(0, np.uint8), "integers": (identity * 127).astype(np.int8)}
        graph.node.extend(
            [
                helper.make_node("QuantizeLinear", [x, "scale", "zero"], ["q"]),
                helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["x"]),
                helper.make_node("DequantizeLinear", ["integers", "scale"], ["weight"]),
            ]
        )
        x = "x"
    else:
        constants = {"weight": identity.astype(np.float32)}
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    graph.node.append(helper.make_node("MatMul", [x, weight], ["logits"]))
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize(("quantized", "format"), [(True, "u8"), (False, "f32")])
def test_it_tells_integer_products_from_others(
    build_bundle: BuildBundle, tmp_path: Path, quantized: bool, format: str
) -> None:
    graph = with_a_product(build_bundle().model_path, quantized=quantized)
    (tmp_path / "tiny").rename(tmp_path / "plain")
    with opened(build_bundle(graph=graph)) as session:
        assert session.products() == {format: 1}
        assert (first_step(session)["logits"].argmax(-1) == np.arange(16) % 6).all()


def test_threads_reach_the_library(build_bundle: BuildBundle) -> None:
    with opened(build_bundle()) as session:
        assert session._compiled.get_property("INFERENCE_NUM_THREADS") == 1


def test_accuracy_is_not_traded_for_speed(build_bundle: BuildBundle) -> None:
    """Left to itself it computes in bfloat16 where the processor can, and w8 graphs with int8 activations."""
    with opened(build_bundle()) as session:
        assert str(session._compiled.get_property("EXECUTION_MODE_HINT")).endswith("ACCURACY")
        assert session._compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE") == 0


def test_nothing_is_cached_unless_asked(build_bundle: BuildBundle, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = build_bundle()
    before = set(tmp_path.rglob("*"))
    with opened(bundle):
        assert set(tmp_path.rglob("*")) == before
    with opened(bundle, cache=tmp_path / "cache"):
        assert list((tmp_path / "cache").iterdir())


def test_devices(build_bundle: BuildBundle) -> None:
    bundle = build_bundle()
    with pytest.raises(InvalidInput, match=r"Unknown device of openvino 'TPU'\. Allowed: CPU, GPU, NPU, AUTO"):
        opened(bundle, device="TPU")
    with pytest.raises(Refused, match=r"finds no GPU\.7 on this machine, only .*CPU"):
        opened(bundle, device="gpu.7")
    with opened(bundle, device="auto") as session:
        assert session.placement().whole


def test_not_a_graph(build_bundle: BuildBundle) -> None:
    with pytest.raises(InvalidBundle, match="openvino cannot load") as error:
        opened(build_bundle(graph=b"this is no protobuf"))
    assert "\n" not in str(error.value)


def test_a_program_is_not_a_graph(build_bundle: BuildBundle) -> None:
    with pytest.raises(Refused, match="openvino opens onnx graphs, this bundle holds executorch"):
        opened(build_bundle(stated={"format": Format.EXECUTORCH}))


def test_graph_and_manifest_disagree(build_bundle: BuildBundle, tmp_path: Path) -> None:
    half = (build_bundle(dtype="float16").model_path).read_bytes()
    (tmp_path / "tiny").rename(tmp_path / "other")
    with pytest.raises(InvalidBundle, match=r"input 'z_H' is float16 .*, its manifest says float32"):
        opened(build_bundle(graph=half))


def test_nothing_is_reported_and_nothing_written(tmp_path: Path) -> None:
    """Importing OpenVINO reports to Google Analytics and makes ``~/intel`` unless it is kept from it."""
    code = (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'os.fork'): print(event, args)\n"
        "sys.addaudithook(hook)\n"
        "from trm_edge.runtimes.openvino import load_openvino\n"
        "ov = load_openvino()\n"
        "ov.Core().available_devices\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])\n"
    )
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": "/usr/bin:/bin"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=home, check=True)
    assert found.stdout == "[]\n"
    assert not list(tmp_path.iterdir())
