from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("executorch")

from trm_edge.bundle import Bundle, CarrySpec, Halting, Manifest, graph_io, read_bundle, write_bundle
from trm_edge.errors import InvalidBundle, InvalidInput, Refused
from trm_edge.export.executorch import build_program
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes.executorch import ExecuTorchSession, load_executorch
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

SETTINGS: dict[str, dict[str, Any]] = {
    "trm": {"puzzle_emb_ndim": 40, "num_puzzle_identifiers": 5},
    "hrm": {"mlp_t": False, "num_heads": 2, "pos_encodings": "rope", "H_layers": 1, "no_ACT_continue": False},
}
KEPT: dict[str, tuple[int, ...]] = {"trm": (3, 0), "hrm": ()}
BATCH = 2
MakeBundle = Callable[..., Bundle]


@cache
def make_model(kind: str) -> RecursiveModel:
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=6, seq_len=9, hidden_size=32, L_layers=1, H_cycles=2, L_cycles=2, expansion=1.0, **SETTINGS[kind]
    )
    model = RecursiveModel(config).eval()
    torch.nn.init.normal_(model.q_head.weight)
    if model.puzzle_emb is not None:
        torch.nn.init.normal_(model.puzzle_emb.weight)
    return model


@cache
def make_data(kind: str) -> bytes:
    model = make_model(kind)
    return build_program(model, precision=Precision.FP32, backend="xnnpack", puzzles=KEPT[kind], batch=BATCH).data


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """Bundle a program; ``data`` replaces it, ``batch`` and ``stated`` change the manifest alone."""

    def make(
        kind: str = "trm", *, data: bytes | None = None, batch: int | str = BATCH, stated: dict[str, Any] | None = None
    ) -> Bundle:
        model = make_model(kind)
        config = model.config
        carry = tuple(
            CarrySpec(name, f"{name}_next", tuple(init.tolist()))
            for name, init in (("z_H", model.H_init), ("z_L", model.L_init))
        )
        settings: dict[str, Any] = {
            "seq_len": config.seq_len,
            "graph": GraphVariant.STEP,
            "format": Format.EXECUTORCH,
            "carry": carry,
            "model": config.to_dict(),
            **(stated or {}),
        }
        inputs, outputs = graph_io(
            settings["graph"],
            seq_len=settings["seq_len"],
            vocab_size=config.vocab_size,
            steps=4,
            carry=settings["carry"],
            puzzle_prefix_len=config.prefix_len,
            puzzle_ids=len(KEPT[kind]) > 1,
            batch=batch,
        )
        manifest = Manifest(
            name="tiny",
            task="fake",
            vocab_size=config.vocab_size,
            precision=Precision.FP32,
            target="cpu",
            steps=4,
            halting=Halting(policy="act", threshold=0.0, min_steps=1, max_steps=4),
            inputs=inputs,
            outputs=outputs,
            puzzles=KEPT[kind],
            puzzle_prefix_len=config.prefix_len,
            created="2026-11-24",
            evidence=Evidence.HARDWARE,
            model_file="model.pte",
            **settings,
        )
        files = {"model.pte": make_data(kind) if data is None else data}
        return read_bundle(write_bundle(tmp_path / "tiny", manifest, files, overwrite=True))

    return make


def first_step(session: ExecuTorchSession) -> dict[str, Any]:
    inputs = {"tokens": np.arange(BATCH * 9, dtype=np.int32).reshape(BATCH, 9) % 6, **session.initial_carry(BATCH)}
    if session.manifest.takes_puzzle_ids:
        inputs["puzzle_ids"] = np.array([1, 0], np.int32)
    return inputs


@pytest.mark.parametrize("kind", SETTINGS)
def test_steps_are_those_of_the_float_model(make_bundle: MakeBundle, kind: str) -> None:
    model = make_model(kind)
    with ExecuTorchSession.from_bundle(make_bundle(kind), threads=1) as session:
        inputs = first_step(session)
        tokens = torch.from_numpy(inputs["tokens"])
        puzzle_ids = torch.tensor([0, 3]) if kind == "trm" else None
        z_H, z_L = model.initial_carry(BATCH)
        for _ in range(2):
            outputs = session.infer(inputs)
            z_H, z_L, logits, q_halt = model.step(z_H, z_L, tokens, puzzle_ids)
            expected = {"z_H_next": z_H, "z_L_next": z_L, "logits": logits, "q_halt": q_halt}
            for name, tensor in expected.items():
                np.testing.assert_allclose(outputs[name], tensor.numpy(), rtol=1e-3, atol=1e-3)
            inputs |= {"z_H": outputs["z_H_next"], "z_L": outputs["z_L_next"]}


def test_results_belong_to_the_caller(make_bundle: MakeBundle) -> None:
    with ExecuTorchSession.from_bundle(make_bundle()) as session:
        inputs = first_step(session)
        for array in inputs.values():
            array.setflags(write=False)
        first = session.infer(inputs)
        kept = {name: array.copy() for name, array in first.items()}
        session.infer({**inputs, "z_H": first["z_H_next"], "z_L": first["z_L_next"]})
        for name, array in kept.items():
            np.testing.assert_array_equal(first[name], array)
            assert first[name].flags.writeable
        again = session.infer(inputs)
        np.testing.assert_array_equal(again["z_H_next"], kept["z_H_next"])
    with pytest.raises(InvalidInput, match="closed"):
        session.infer(inputs)


def test_the_batch_is_built_in(make_bundle: MakeBundle) -> None:
    with ExecuTorchSession.from_bundle(make_bundle()) as session, pytest.raises(InvalidInput, match="exactly 2"):
        session.infer({name: array[:1] for name, array in first_step(session).items()})


def test_threads_reach_the_library(make_bundle: MakeBundle) -> None:
    bundle = make_bundle()
    for threads in (2, 1):
        with ExecuTorchSession.from_bundle(bundle, threads=threads):
            assert load_executorch()._threadpool_get_thread_count() == threads


def test_nothing_is_said_on_the_way(make_bundle: MakeBundle, capfd: pytest.CaptureFixture[str]) -> None:
    with ExecuTorchSession.from_bundle(make_bundle(), threads=1) as session:
        session.infer(first_step(session))
    with pytest.raises(InvalidBundle):
        ExecuTorchSession.from_bundle(make_bundle(data=b"no program"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "cannot load"),
        (lambda data: b"this is no program, by any means" * 4, "identifier"),
        (lambda data: data[: len(data) // 2], "too small"),
    ],
)
def test_damaged_programs_are_refused_in_a_line(
    make_bundle: MakeBundle, damage: Callable[[bytes], bytes], reason: str
) -> None:
    with pytest.raises(InvalidBundle, match=reason) as error:
        ExecuTorchSession.from_bundle(make_bundle(data=damage(make_data("trm"))))
    assert "\n" not in str(error.value)


def test_program_and_manifest_disagree(make_bundle: MakeBundle) -> None:
    with pytest.raises(InvalidBundle, match=r"methods are .*its manifest asks for .*network_H"):
        ExecuTorchSession.from_bundle(make_bundle("hrm", data=make_data("trm")))
    config = {**make_model("trm").config.to_dict(), "seq_len": 8}
    with pytest.raises(InvalidBundle, match=r"'embed' is int32 \[2, 9\].* its manifest says int32 \[2, 8\]"):
        ExecuTorchSession.from_bundle(make_bundle(stated={"seq_len": 8, "model": config}))
    with pytest.raises(InvalidBundle, match="leave the batch open"):
        ExecuTorchSession.from_bundle(make_bundle(batch="batch"))
    with pytest.raises(InvalidBundle, match=r"how often to call .* lacks 'vocab_size'"):
        ExecuTorchSession.from_bundle(make_bundle(stated={"model": {}}))


def test_other_formats_and_graphs_are_refused(make_bundle: MakeBundle) -> None:
    with pytest.raises(Refused, match="holds onnx"):
        ExecuTorchSession.from_bundle(make_bundle(stated={"format": Format.ONNX}))
    with pytest.raises(Refused, match="export it as a step"):
        ExecuTorchSession.from_bundle(make_bundle(stated={"graph": GraphVariant.LOOP, "carry": ()}))


def test_a_failing_call_is_one_line(make_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def call(self, *args: object) -> None:
            raise RuntimeError("out of\nmemory")

    with ExecuTorchSession.from_bundle(make_bundle()) as session:
        program = session._program
        assert program is not None
        monkeypatch.setattr(program, "_program", type("Fake", (), {"load_method": lambda *_: Broken()})())
        session._heads = program.load("heads")
        with pytest.raises(InvalidBundle, match="could not run 'heads': out of memory"):
            session.infer(first_step(session))


def test_a_device_does_not_load_the_exporter(make_bundle: MakeBundle) -> None:
    path = make_bundle().model_path
    script = (
        "import sys; from pathlib import Path; from trm_edge.runtimes.executorch import Program;"
        f"Program(Path({str(path)!r})).load('embed');"
        "assert not [name for name in sys.modules if name.startswith(('executorch.exir', 'torchao', 'onnx'))]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
