"""What every runtime of the table must do: one session of each, all with the sizes of the tiny graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.bundle import Bundle, read_bundle, write_bundle
from trm_edge.bundle.carry import to_stored
from trm_edge.errors import InvalidBundle, InvalidInput
from trm_edge.runtimes import BY_FORMAT, RUNTIMES, Session, load_runtime
from trm_edge.runtimes.worker import WorkerSession
from trm_edge.specs import Format, Precision

SEQ, VOCAB = 16, 6
TOKENS = np.random.default_rng(0).integers(0, VOCAB, (3, SEQ)).astype(np.int32)
ROWS = np.array([0, 1, 0], np.int32)


def open_onnxruntime(build_bundle: Callable[[], Bundle]) -> Session:
    pytest.importorskip("onnxruntime")
    from trm_edge.runtimes import open_session

    return open_session(build_bundle(), threads=1)


def tiny_model(*, puzzles: int) -> Any:
    """A float model with the sizes of the tiny graph and ``puzzles`` puzzle embeddings."""
    import torch

    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=VOCAB,
        seq_len=SEQ,
        hidden_size=8,
        L_layers=1,
        H_cycles=1,
        L_cycles=1,
        num_puzzle_identifiers=puzzles,
        puzzle_emb_ndim=8,
        halt_max_steps=4,
    )
    return RecursiveModel(config).eval()


def open_torch_eager(build_bundle: Callable[[], Bundle]) -> Session:
    pytest.importorskip("torch")
    from trm_edge.runtimes.torch_eager import TorchEagerSession

    return TorchEagerSession.from_model(tiny_model(puzzles=2), "fake", threads=1)


def open_executorch(build_bundle: Callable[[], Bundle]) -> Session:
    pytest.importorskip("torch")
    pytest.importorskip("executorch")
    from trm_edge.export.executorch import build_program
    from trm_edge.runtimes.executorch import ExecuTorchSession

    model = tiny_model(puzzles=8)
    template = build_bundle()
    program = build_program(model, precision=Precision.FP32, backend="portable", puzzles=(3, 7), batch=len(TOKENS))
    init = {"z_H": model.H_init, "z_L": model.L_init}
    manifest = replace(
        template.manifest,
        format=Format.EXECUTORCH,
        inputs=program.inputs,
        outputs=program.outputs,
        carry=tuple(replace(state, init=tuple(init[state.input].tolist())) for state in template.manifest.carry),
        model=model.config.to_dict(),
        model_file="model.pte",
        files={},
    )
    path = write_bundle(template.model_path.with_name("program"), manifest, {"model.pte": program.data})
    return ExecuTorchSession.from_bundle(read_bundle(path), threads=1)


def open_ethos_u(build_bundle: Callable[[], Bundle]) -> Session:
    pytest.skip("its programs are made in the environment 'ethos-u': see test_ethos_u.py")


def open_arm64(build_bundle: Callable[[], Bundle]) -> Session:
    from trm_edge.environments import environment
    from trm_edge.runtimes import open_session

    if not environment("arm64").installed():
        pytest.skip(environment("arm64").install_line())
    return open_session(build_bundle(), "arm64", threads=1)


def open_webgpu(build_bundle: Callable[[], Bundle]) -> Session:
    from trm_edge.environments import environment
    from trm_edge.environments.vulkan import adapter
    from trm_edge.runtimes import open_session

    if not environment("webgpu").installed() or adapter() is None:
        pytest.skip(f"{environment('webgpu').install_line()}, and a GPU or SwiftShader")
    return open_session(build_bundle(), "webgpu", threads=1)


def open_openvino(build_bundle: Callable[[], Bundle]) -> Session:
    pytest.importorskip("onnx")
    if find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    from trm_edge.runtimes import open_session

    return open_session(build_bundle(), "openvino", threads=1)


def open_cuda(build_bundle: Callable[[], Bundle]) -> Session:
    from trm_edge.environments import environment
    from trm_edge.environments.nvidia import gpus
    from trm_edge.runtimes import open_session

    if not environment("cuda").installed() or not gpus():
        pytest.skip(f"{environment('cuda').install_line()}, and an NVIDIA GPU")
    return open_session(build_bundle(), "cuda", threads=1)


def open_qnn(build_bundle: Callable[[], Bundle]) -> Session:
    pytest.importorskip("torch")
    if find_spec("onnxruntime_qnn") is None:
        pytest.skip("onnxruntime-qnn is not installed")
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.export.planning import QuantizationOptions
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.runtimes import open_session

    options = ExportOptions(
        target="qualcomm-npu",
        precision=Precision.W8A16,
        puzzles=(3, 7),
        batch=len(TOKENS),
        steps=4,
        golden=1,
        quantization=QuantizationOptions(calibration=CalibrationOptions(samples=2)),
    )
    out = build_bundle().model_path.with_name("integers")
    checkpoint = Checkpoint(tiny_model(puzzles=8), "sudoku-4x4")
    return open_session(read_bundle(export_bundle(checkpoint, options, out, name="tiny")))


def open_fake(build_bundle: Callable[[], Bundle]) -> Session:
    from trm_edge.runtimes.fake import FakeSession

    rng = np.random.default_rng(1)
    answers = rng.integers(0, VOCAB, (4, 3, SEQ))
    return FakeSession.scripted(TOKENS, rng.normal(size=(4, 3)), answers, vocab_size=VOCAB, puzzles=(3, 7))


OPEN = {
    "onnxruntime": open_onnxruntime,
    "executorch": open_executorch,
    "torch-eager": open_torch_eager,
    "arm64": open_arm64,
    "ethos-u": open_ethos_u,
    "webgpu": open_webgpu,
    "openvino": open_openvino,
    "qnn": open_qnn,
    "cuda": open_cuda,
    "fake": open_fake,
}


@pytest.fixture(params=sorted(RUNTIMES))
def session(request: pytest.FixtureRequest, build_bundle: Callable[[], Bundle]) -> Iterator[Session]:
    with OPEN[request.param](build_bundle) as opened:  # or an engine in a process of its own would stay
        yield opened


def step_inputs(session: Session, tokens: NDArray[np.int32] = TOKENS) -> dict[str, NDArray[Any]]:
    batch = len(tokens)
    return {"tokens": tokens.copy(), "puzzle_ids": ROWS[:batch].copy(), **session.initial_carry(batch)}


def after_step(session: Session, outputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The inputs of the next step."""
    carry = {state.input: outputs[state.output] for state in session.manifest.carry}
    return {**step_inputs(session, TOKENS[: len(outputs["q_halt"])]), **carry}


def test_every_format_has_a_runtime() -> None:
    assert set(BY_FORMAT) == set(Format)
    assert set(BY_FORMAT.values()) <= set(RUNTIMES)


def test_it_is_what_the_table_says(session: Session) -> None:
    kind = load_runtime(session.runtime)
    assert type(session) is (kind if kind.environment is None else WorkerSession)
    assert session.provider
    assert session.manifest.seq_len == SEQ


def test_outputs_are_those_of_the_manifest(session: Session) -> None:
    outputs = session.infer(step_inputs(session))
    assert outputs.keys() == {spec.name for spec in session.manifest.outputs}
    assert outputs["logits"].shape == (3, SEQ, VOCAB)
    assert all(array.flags.writeable and array.flags.c_contiguous for array in outputs.values())


def test_initial_carry_is_the_vector_of_the_manifest_everywhere(session: Session) -> None:
    carry = session.initial_carry(2)
    for state in session.manifest.carry:
        first = to_stored(state, np.array(state.init, np.float32), str(carry[state.input].dtype))
        assert (carry[state.input] == first).all()
        assert carry[state.input].flags.writeable


def test_a_call_keeps_no_state(session: Session) -> None:
    inputs = step_inputs(session)
    before = {name: array.copy() for name, array in inputs.items()}
    first = session.infer(inputs)
    kept = {name: array.copy() for name, array in first.items()}
    for array in session.infer(after_step(session, first)).values():
        array[...] = 0  # the caller owns it
    again = session.infer(inputs)
    for name in inputs:
        np.testing.assert_array_equal(inputs[name], before[name])
    for name in kept:
        np.testing.assert_array_equal(first[name], kept[name])
        np.testing.assert_allclose(again[name], kept[name], atol=1e-6)


def test_the_carry_matters(session: Session) -> None:
    first = session.infer(step_inputs(session))
    second = session.infer(after_step(session, first))
    assert not np.array_equal(first["z_H_next"], second["z_H_next"]) or session.runtime == "fake"
    assert not np.array_equal(first["z_L_next"], second["z_L_next"])


def test_rows_do_not_see_each_other(session: Session) -> None:
    together = session.infer(step_inputs(session))
    elsewhere = session.infer(step_inputs(session, TOKENS[[0, 2, 1]]))  # a batch size may be built in
    for name in together:
        np.testing.assert_allclose(together[name][:1], elsewhere[name][:1], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tokens": TOKENS.astype(np.int64)}, r"'tokens' must be int32 \[3, 16\], not int64"),
        ({"tokens": TOKENS[:, :-1]}, "'tokens'"),
        ({"tokens": TOKENS[0]}, "'tokens'"),
        ({"tokens": TOKENS[:0]}, "at least 1|exactly 3"),
        ({"tokens": TOKENS.tolist()}, "'tokens'"),
        ({"tokens": np.full_like(TOKENS, VOCAB)}, r"0\.\.5, it holds 6\.\.6"),
        ({"tokens": np.full_like(TOKENS, -1)}, r"0\.\.5"),
        ({"puzzle_ids": np.array([0, 2, 0], np.int32)}, r"'puzzle_ids' must lie in 0\.\.1"),
        ({"puzzle_ids": ROWS[:2]}, r"'puzzle_ids' must be int32 \[3\]"),
        ({"z_H": None}, "takes exactly tokens, puzzle_ids, z_H, z_L"),
        ({"budget": np.array(1)}, "takes exactly"),
        ({"z_L": np.zeros((3, SEQ, 1), np.float32)}, "'z_L'"),
    ],
)
def test_invalid_inputs(session: Session, change: dict[str, Any], says: str) -> None:
    inputs = {name: array for name, array in (step_inputs(session) | change).items() if array is not None}
    with pytest.raises(InvalidInput, match=says) as error:
        session.infer(inputs)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["logits", "q_halt"])
def test_nan_is_an_error(session: Session, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    compute = session._infer

    def poisoned(inputs: Any) -> dict[str, NDArray[Any]]:
        outputs = compute(inputs)
        outputs[name].reshape(-1)[-1] = np.nan
        return outputs

    monkeypatch.setattr(session, "_infer", poisoned)
    with pytest.raises(InvalidBundle, match=f"NaN in '{name}'"):
        session.infer(step_inputs(session))


def test_an_output_of_another_shape_is_an_error(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = session._infer
    monkeypatch.setattr(session, "_infer", lambda inputs: compute(inputs) | {"q_halt": np.zeros(2, np.float32)})
    with pytest.raises(InvalidBundle, match=r"'q_halt' is float32 \[2\], its manifest says float32 \[3\]"):
        session.infer(step_inputs(session))


def test_puzzle_rows(session: Session) -> None:
    kept = session.manifest.puzzles
    assert [session.puzzle_row(puzzle_id) for puzzle_id in kept] == [0, 1]
    with pytest.raises(InvalidInput, match=f"Puzzle id 99 .* Kept: {kept[0]}, {kept[1]}"):
        session.puzzle_row(99)


def test_closing(session: Session) -> None:
    with session as opened:
        opened.infer(step_inputs(session))
    session.close()
    with pytest.raises(InvalidInput, match="closed"):
        session.infer(step_inputs(session))
