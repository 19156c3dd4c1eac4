"""The runtime of Ethos-U bundles: with stand-ins for Arm's reference model, and with the model itself where it is."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.bundle import Bundle, CarrySpec, Halting, Manifest, graph_io, read_bundle, write_bundle
from trm_edge.environments import environment
from trm_edge.errors import InvalidBundle, MissingDependency, Refused
from trm_edge.runtimes import executorch as executorch_module
from trm_edge.runtimes import open_session
from trm_edge.runtimes.ethos_u import EthosUSession
from trm_edge.runtimes.executorch import Signature
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

SEQ, VOCAB, HIDDEN, SCALE = 4, 6, 2, 0.001
STATE = ("int16", (1, SEQ, HIDDEN))
STATS: dict[str, Any] = {
    "backend": "ethos-u55-128",
    "scales": {"logits": 0.5, "q_halt": 0.25},
    "methods": {
        "embed": {"delegates": 0, "undelegated": {"aten.embedding.default": 1}},
        "network_L": {"delegates": 1, "undelegated": {}},
        "heads": {"delegates": 1, "undelegated": {}},
    },
    "vela": {
        "network_L": {"npu_operators": 7, "cpu_operators": 0},
        "heads": {"npu_operators": 3, "cpu_operators": 0},
    },
}
MODEL = {"vocab_size": VOCAB, "seq_len": SEQ, "hidden_size": HIDDEN, "H_cycles": 2, "L_cycles": 3, "num_heads": 1}
Arrays = list[NDArray[Any]]


def manifest(**changes: Any) -> Manifest:
    carry = tuple(CarrySpec(name, f"{name}_next", (0.1, -0.2), SCALE, 32768) for name in ("z_H", "z_L"))
    inputs, outputs = graph_io(
        GraphVariant.STEP, seq_len=SEQ, vocab_size=VOCAB, steps=2, carry=carry, batch=1, carry_dtype="uint16"
    )
    settings: dict[str, Any] = {
        "name": "tiny",
        "task": "fake",
        "seq_len": SEQ,
        "vocab_size": VOCAB,
        "format": Format.EXECUTORCH,
        "graph": GraphVariant.STEP,
        "precision": Precision.W8A16,
        "target": "ethos-u",
        "steps": 2,
        "halting": Halting(policy="act", threshold=0.0, min_steps=1, max_steps=2),
        "inputs": inputs,
        "outputs": outputs,
        "carry": carry,
        "model": MODEL,
        "graph_stats": STATS,
        "created": "2026-11-24",
        "evidence": Evidence.SIMULATOR,
        "model_file": "model.pte",
    }
    return Manifest(**settings | changes)


FILES = {"model.pte": b"program", "network_L.tosa": b"network_L", "heads.tosa": b"heads", "golden.json": b"{}"}


@pytest.fixture
def bundled(tmp_path: Path) -> Callable[..., Bundle]:
    def make(files: dict[str, bytes] = FILES, **changes: Any) -> Bundle:
        path = write_bundle(tmp_path / "bundle", manifest(**changes), dict(files))
        return read_bundle(path)

    return make


class ReferenceModel(SimpleNamespace):
    """Stands in for ``tosa_reference_model``: ``z = z + injected + 1``, heads that tell the sum of the state."""

    GraphStatus = SimpleNamespace(TOSA_VALID=SimpleNamespace(name="TOSA_VALID"))

    def __init__(self) -> None:
        super().__init__(calls=[], status=self.GraphStatus.TOSA_VALID)

    def run(self, graph: bytes, inputs: Arrays) -> tuple[Arrays, Any]:
        ctypes.CDLL(None).printf(b"WARNING: versions differ\n")  # C keeps it in a buffer of its own
        self.calls.append(graph.decode())
        assert all(array.dtype == np.int16 for array in inputs)
        if graph == b"network_L":
            return [inputs[0] + inputs[1] + np.int16(1)], self.status
        logits = np.full((1, SEQ, VOCAB), inputs[0].sum(), np.int16)
        return [logits, np.array([-8], np.int16)], self.status


class Program:
    """Stands in for an ExecuTorch program: the embedding is the number of the token."""

    def __init__(self, path: Path) -> None:
        network = Signature((STATE, STATE), (STATE,))
        logits, q_halt = ("int16", (1, SEQ, VOCAB)), ("int16", (1,))
        self.methods = {
            "embed": Signature((("int32", (1, SEQ)),), (STATE,)),
            "network_L": network,
            "heads": Signature((STATE,), (logits, q_halt)),
        }

    def load(self, name: str) -> Callable[..., Arrays]:
        assert name == "embed", "the others are the reference model's"
        return lambda tokens: [np.repeat(np.asarray(tokens)[..., None], HIDDEN, 2).astype(np.int16)]


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ReferenceModel:
    pytest.importorskip("torch")
    model = ReferenceModel()
    monkeypatch.setitem(sys.modules, "tosa_reference_model", model)
    monkeypatch.setattr(executorch_module, "Program", Program)
    return model


def test_states_stay_integers_from_pass_to_pass(
    bundled: Callable[..., Bundle], reference: ReferenceModel, capfd: pytest.CaptureFixture[str]
) -> None:
    with bundled() as bundle, EthosUSession.from_bundle(bundle) as session:
        assert session.provider == "ethos-u55-128 in the TOSA reference model"
        carry = session.initial_carry(1)
        assert carry["z_H"].dtype == np.uint16
        assert carry["z_H"][0, 0].tolist() == [32768 + 100, 32768 - 200]
        tokens = np.arange(SEQ, dtype=np.int32)[None]
        outputs = session.infer({"tokens": tokens, **carry})
        z_H = z_L = np.tile(np.array([100, -200], np.int16), (1, SEQ, 1))
        for _ in range(2):
            for _ in range(3):
                z_L = z_L + z_H + tokens[..., None].astype(np.int16) + np.int16(1)
            z_H = z_H + z_L + np.int16(1)
        assert np.array_equal(outputs["z_H_next"], z_H.astype(np.int32) + 32768)
        assert np.array_equal(outputs["z_L_next"], z_L.astype(np.int32) + 32768)
        assert outputs["logits"][0, 0, 0] == np.float32(0.5) * z_H.sum(dtype=np.int16)
        assert outputs["q_halt"].tolist() == [-2.0]
        assert reference.calls == [*["network_L"] * 8, "heads"]
    assert "WARNING" not in capfd.readouterr().out


def test_placement_counts_the_look_up_as_the_cpus(bundled: Callable[..., Bundle], reference: ReferenceModel) -> None:
    with bundled() as bundle, EthosUSession.from_bundle(bundle) as session:
        placement = session.placement()
        assert placement is not None
        assert (placement.accelerator, placement.placed) == ("ethos-u55-128", 10)
        assert placement.elsewhere == {"aten.embedding.default": 1}
        assert not placement.whole


def test_a_bundle_for_another_target(bundled: Callable[..., Bundle]) -> None:
    with bundled(target="cpu") as bundle, pytest.raises(Refused, match=r"this one is for 'cpu'.*--target ethos-u"):
        EthosUSession.from_bundle(bundle)


def test_a_graph_is_missing(bundled: Callable[..., Bundle], reference: ReferenceModel) -> None:
    files = {name: data for name, data in FILES.items() if name != "heads.tosa"}
    with bundled(files) as bundle, pytest.raises(InvalidBundle, match=r"no 'heads\.tosa'"):
        EthosUSession.from_bundle(bundle)


@pytest.mark.parametrize("scales", [None, {}, {"logits": "1", "q_halt": 1.0}])
def test_a_manifest_without_scales(bundled: Callable[..., Bundle], reference: ReferenceModel, scales: Any) -> None:
    stats = {**STATS, "scales": scales}
    with bundled(graph_stats=stats) as bundle, pytest.raises(InvalidBundle, match=r"number at scales\.logits"):
        EthosUSession.from_bundle(bundle)


def test_the_reference_model_refuses_a_graph(bundled: Callable[..., Bundle], reference: ReferenceModel) -> None:
    reference.status = SimpleNamespace(name="TOSA_UNPREDICTABLE")
    with bundled() as bundle, EthosUSession.from_bundle(bundle) as session:
        inputs = {"tokens": np.zeros((1, SEQ), np.int32), **session.initial_carry(1)}
        with pytest.raises(InvalidBundle, match=r"'network_L\.tosa' not valid: TOSA_UNPREDICTABLE"):
            session.infer(inputs)


def test_without_its_environment(
    bundled: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path))
    with bundled() as bundle, pytest.raises(MissingDependency, match="trm-edge targets install ethos-u"):
        open_session(bundle)


@pytest.mark.targets
def test_the_reference_model_agrees_with_the_float_model(tmp_path: Path) -> None:
    """From our interpreter: the export and the session run in the environment, the float model here."""
    torch = pytest.importorskip("torch")
    place = environment("ethos-u")
    if not place.installed():
        pytest.skip(place.install_line())
    from trm_edge.model.checkpoint import save_checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=16, L_layers=1, H_cycles=1, L_cycles=2)
    model = RecursiveModel(config).eval()
    torch.nn.init.normal_(model.q_head.weight)
    with torch.no_grad():  # a recursion that contracts: untrained ones enlarge every error
        for name, parameter in model.named_parameters():
            if "_level." in name:
                parameter.mul_(0.5)
    save_checkpoint(tmp_path / "tiny.safetensors", model, "sudoku-4x4")
    out = tmp_path / "tiny"
    command = place.command(
        *("trm_edge", "export", str(tmp_path / "tiny.safetensors"), "--target", "ethos-u", "--no-verify"),
        *("--calibration-samples", "4", "--steps", "2", "--golden", "1", "--out", str(out)),
    )
    done = subprocess.run(command, env=place.variables(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with read_bundle(out) as bundle, open_session(bundle) as session:
        assert session.runtime == "ethos-u"
        placement = session.placement()
        assert placement is not None
        assert placement.elsewhere == {"aten.embedding.default": 1}
        tokens = np.random.default_rng(0).integers(1, 6, (1, 16)).astype(np.int32)
        found = session.infer({"tokens": tokens, **session.initial_carry(1)})
        with torch.no_grad():
            z_H, _, logits, q_halt = model.step(*model.initial_carry(1), torch.from_numpy(tokens))
        state = bundle.manifest.carry[0]
        assert state.scale is not None
        z_H_found = (found["z_H_next"].astype(np.float32) - 32768) * state.scale
        assert np.corrcoef(z_H_found.ravel(), z_H.numpy().ravel())[0, 1] > 0.999
        assert np.abs(found["logits"] - logits.numpy()).max() < 0.05 * np.abs(logits.numpy()).max()
        assert float(found["q_halt"][0]) == pytest.approx(float(q_halt[0]), abs=0.1)
