"""Qualcomm's plug-in on its own simulator; everything here is skipped where it is not installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import Bundle, read_bundle
from trm_edge.bundle.carry import to_real, to_stored
from trm_edge.errors import InvalidInput, MissingDependency, Refused
from trm_edge.runtimes import open_session
from trm_edge.runtimes.qnn import ARCHITECTURES, QnnSession
from trm_edge.specs import Precision

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("onnxruntime_qnn") is None, reason="onnxruntime-qnn is not installed")

TOKENS = np.random.default_rng(0).integers(0, 6, (1, 16)).astype(np.int32)


def tiny_model(**changes: Any) -> Any:
    """A model whose recursion contracts, so that what is compared is not rounding alone."""
    import torch

    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    torch.manual_seed(0)
    settings: dict[str, Any] = {"hidden_size": 16, "num_heads": 2, "L_layers": 1, "H_cycles": 1, "L_cycles": 2}
    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, **{**settings, **changes})).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "_level." in name:
                parameter.mul_(0.5)
    return model


def export(model: Any, out: Path, **changes: Any) -> Path:
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.options import ExportOptions
    from trm_edge.export.pipeline import export_bundle
    from trm_edge.export.planning import QuantizationOptions
    from trm_edge.model.checkpoint import Checkpoint

    settings: dict[str, Any] = {
        **{"target": "qualcomm-npu", "precision": Precision.W8A16, "steps": 2, "golden": 1},
        **{"quantization": QuantizationOptions(calibration=CalibrationOptions(samples=4)), **changes},
    }
    return export_bundle(Checkpoint(model, "sudoku-4x4"), ExportOptions(**settings), out, name="tiny")


@pytest.fixture(scope="module")
def mlp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_model(), tmp_path_factory.mktemp("mlp") / "bundle")


def cosine(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
    return float((ours * theirs).sum() / np.sqrt((ours**2).sum() * (theirs**2).sum()))


def steps(bundle: Bundle, session: Any, count: int) -> list[dict[str, Any]]:
    carry = session.initial_carry(1)
    found = []
    for _ in range(count):
        outputs = session.infer({"tokens": TOKENS, **carry})
        carry = {state.input: outputs[state.output] for state in bundle.manifest.carry}
        found.append(outputs | {s.input: to_real(s, outputs[s.output]) for s in bundle.manifest.carry})
    return found


KINDS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "rope": {"mlp_t": False, "pos_encodings": "rope"},
    "learned": {"mlp_t": False, "pos_encodings": "learned"},
    "puzzles": {"num_puzzle_identifiers": 4, "puzzle_emb_ndim": 16},
    "hrm": {"H_layers": 1, "mlp_t": False, "pos_encodings": "rope"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_is_placed_wholly_and_follows_the_float_model(kind: str, tmp_path: Path) -> None:
    import torch

    model = tiny_model(**KINDS[kind])
    path = export(model, tmp_path / "bundle", puzzles=(2,) if kind == "puzzles" else None)
    with read_bundle(path) as bundle, open_session(bundle) as session:
        placed = session.placement()
        found = steps(bundle, session, 3)
    assert placed is not None
    assert placed.whole, str(placed)
    z_H, z_L = model.initial_carry(1)
    for outputs in found:
        z_H, z_L, logits, _ = model.step(
            z_H, z_L, torch.from_numpy(TOKENS), torch.tensor([2 if kind == "puzzles" else 0])
        )
        assert outputs["z_H_next"].dtype == np.uint16
        assert cosine(outputs["z_H"], z_H.numpy()) > 0.999
        assert cosine(outputs["logits"], logits.numpy()) > 0.998


def test_bytes(tmp_path: Path) -> None:
    path = export(tiny_model(), tmp_path / "bundle", precision=Precision.W8A8)
    with read_bundle(path) as bundle, open_session(bundle) as session:
        placed = session.placement()
        assert steps(bundle, session, 1)[0]["z_L_next"].dtype == np.uint8
    assert placed is not None
    assert placed.whole


def test_it_says_that_it_is_a_simulator_and_which(mlp: Path) -> None:
    with read_bundle(mlp) as bundle:
        with open_session(bundle) as session:
            assert session.provider == "QNNExecutionProvider, HTP simulator v73"
        with open_session(bundle, htp_arch=75) as session:
            assert session.provider.endswith("v75")


def test_the_carry_starts_where_the_manifest_says(mlp: Path) -> None:
    with read_bundle(mlp) as bundle, open_session(bundle) as session:
        for state in bundle.manifest.carry:
            carry = session.initial_carry(1)[state.input]
            assert carry.dtype == np.uint16
            expected = to_stored(state, np.array(state.init, np.float32), "uint16")
            np.testing.assert_array_equal(carry[0, 3], expected)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"htp_arch": "v7"}, "HTP architecture"),
        ({"performance_mode": "fast"}, "performance mode.*burst"),
        ({"context": "v99"}, "HTP architecture"),
        ({"contxt": "v75"}, "option of qnn"),
    ],
)
def test_unusable_options(mlp: Path, options: dict[str, Any], says: str) -> None:
    with read_bundle(mlp) as bundle, pytest.raises(InvalidInput, match=says):
        open_session(bundle, **options)


def test_a_context_that_is_not_there(mlp: Path) -> None:
    with read_bundle(mlp) as bundle, pytest.raises(Refused, match="holds no context for the HTP v79"):
        open_session(bundle, context="v79")


def test_refused_nodes_are_named(tmp_path: Path) -> None:
    path = export(tiny_model(), tmp_path / "bundle", target="cpu", precision=Precision.W8A8)
    with read_bundle(path) as bundle:
        with pytest.raises(
            Refused, match=r"does not take \d+ of the graph's \d+ nodes: .*--target qualcomm-npu"
        ) as error:
            QnnSession.from_bundle(bundle)
        assert "\n" not in str(error.value)
        with QnnSession.from_bundle(bundle, allow_cpu=True) as session:
            placed = session.placement()
    assert placed is not None
    assert placed.left_out


def test_without_the_package(mlp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_qnn", None)
    with read_bundle(mlp) as bundle, pytest.raises(MissingDependency, match=r"trm-edge\[qnn\]"):
        open_session(bundle)


def test_without_a_device(mlp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_ep_devices", list)
    with read_bundle(mlp) as bundle, pytest.raises(Refused, match="finds no device"):
        open_session(bundle)


def test_the_simulator_prints_nothing_on_stdout(mlp: Path) -> None:
    """It has something to say once a process, where answers are read by programs."""
    code = (
        "import sys; from pathlib import Path; from trm_edge.bundle import read_bundle\n"
        "from trm_edge.runtimes import open_session\n"
        "with read_bundle(Path(sys.argv[1])) as bundle, open_session(bundle) as session:\n"
        "    print(session.manifest.target)\n"
    )
    found = subprocess.run([sys.executable, "-c", code, str(mlp)], capture_output=True, text=True, check=True)
    assert found.stdout == "qualcomm-npu\n"


def test_compiling_for_every_architecture_that_keeps_16_bits(mlp: Path, tmp_path: Path) -> None:
    with read_bundle(mlp) as bundle:
        for architecture in ARCHITECTURES[-2:]:
            folder = tmp_path / architecture
            folder.mkdir()
            wrapper, binary = QnnSession.compile_context(bundle, folder, architecture)
            assert wrapper.name == f"context-{architecture}.onnx"
            assert binary.stat().st_size > wrapper.stat().st_size
        with pytest.raises(InvalidInput, match="HTP architecture"):
            QnnSession.compile_context(bundle, tmp_path, "v1")
