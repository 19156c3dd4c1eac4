from __future__ import annotations

import errno
import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidConfig, InvalidInput, TrmEdgeError
from trm_edge.model.checkpoint import FORMAT, build_model, load_checkpoint, load_tensors, save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel

CONFIG = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, L_layers=1, puzzle_emb_ndim=12, num_puzzle_identifiers=3)
TASK = "sudoku-4x4"


@pytest.fixture
def model() -> RecursiveModel:
    torch.manual_seed(0)
    return RecursiveModel(CONFIG)


def write(path: Path, tensors: dict[str, Tensor], **metadata: str) -> Path:
    """A safetensors file with our header, save for what ``metadata`` says otherwise; an empty value leaves it out."""
    header = {"format": FORMAT, "config": json.dumps(CONFIG.to_dict()), "task": TASK, **metadata}
    save_file(tensors, path, {name: value for name, value in header.items() if value})
    return path


def refused(path: Path, error: type[Exception] = InvalidCheckpoint) -> str:
    with pytest.raises(error) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


# -- round trip -------------------------------------------------------------------------------


def test_round_trip(tmp_path: Path, model: RecursiveModel) -> None:
    path = tmp_path / "folder" / "tiny.safetensors"
    save_checkpoint(path, model, TASK)
    checkpoint = load_checkpoint(path)
    assert (checkpoint.task, checkpoint.model.config, checkpoint.model.training) == (TASK, CONFIG, False)
    assert checkpoint.model.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(checkpoint.model.state_dict()[name], tensor), name
    assert os.listdir(path.parent) == [path.name]


def test_narrow_weights_are_widened(tmp_path: Path, model: RecursiveModel) -> None:
    narrow = {name: tensor.bfloat16() for name, tensor in model.state_dict().items()}
    loaded = load_checkpoint(write(tmp_path / "narrow", narrow)).model.state_dict()
    assert {tensor.dtype for tensor in loaded.values()} == {torch.float32}
    assert torch.equal(loaded["lm_head.weight"], narrow["lm_head.weight"].float())


# -- what cannot be read ----------------------------------------------------------------------


def test_missing_file(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "nothing")


def test_a_folder(tmp_path: Path) -> None:
    assert str(tmp_path) in refused(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_truncated(tmp_path: Path, model: RecursiveModel, share: float) -> None:
    path = tmp_path / "cut.safetensors"
    save_checkpoint(path, model, TASK)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(path).startswith(f"Cannot read {path}: ")


def test_a_pickle_is_not_read(tmp_path: Path, model: RecursiveModel) -> None:
    path = tmp_path / "step_1"
    torch.save(model.state_dict(), path)
    assert refused(path).startswith(f"Cannot read {path}: ")


def test_another_safetensors_file(tmp_path: Path, model: RecursiveModel) -> None:
    message = refused(write(tmp_path / "other", model.state_dict(), format=""))
    assert "not a trm-edge checkpoint" in message
    assert "trm-edge import" in message


@pytest.mark.parametrize("text", ["", "{", "3", "null", "[1]", "[" * 100_000])
def test_header_without_a_readable_configuration(tmp_path: Path, model: RecursiveModel, text: str) -> None:
    assert "configuration cannot be read" in refused(write(tmp_path / "bad", model.state_dict(), config=text))


def test_header_without_a_task(tmp_path: Path, model: RecursiveModel) -> None:
    assert "'task'" in refused(write(tmp_path / "bad", model.state_dict(), task=""))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"hidden_size": 0}, "hidden_size = 0 is out of range"), ({"colour": 1}, "Unknown model setting 'colour'")],
)
def test_header_with_settings_out_of_range(
    tmp_path: Path, model: RecursiveModel, changes: dict[str, Any], words: str
) -> None:
    config = json.dumps({**CONFIG.to_dict(), **changes})
    assert words in refused(write(tmp_path / "bad", model.state_dict(), config=config), InvalidConfig)


# -- weights that do not fit ------------------------------------------------------------------


def test_a_missing_tensor_is_named_with_its_shape(tmp_path: Path, model: RecursiveModel) -> None:
    tensors = model.state_dict()
    del tensors["lm_head.weight"]
    message = refused(write(tmp_path / "bad", tensors))
    assert "tensor 'lm_head.weight' is missing; expected shape (6, 8)." in message


def test_an_extra_tensor_is_named(tmp_path: Path, model: RecursiveModel) -> None:
    message = refused(write(tmp_path / "bad", {**model.state_dict(), "extra.weight": torch.zeros(2)}))
    assert "tensor 'extra.weight' has no place in a trm of this shape." in message


def test_a_misshaped_tensor_is_named_with_both_shapes(tmp_path: Path, model: RecursiveModel) -> None:
    message = refused(write(tmp_path / "bad", {**model.state_dict(), "puzzle_emb.weight": torch.zeros(2, 12)}))
    assert message.endswith("tensor 'puzzle_emb.weight' has shape (2, 12), expected (3, 12).")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite(tmp_path: Path, model: RecursiveModel, value: float) -> None:
    tensors = model.state_dict()
    tensors["q_head.bias"][1] = value
    assert "tensor 'q_head.bias' holds NaN or infinite values." in refused(write(tmp_path / "bad", tensors))


def test_numbers_that_only_float64_holds(tmp_path: Path, model: RecursiveModel) -> None:
    tensors = {**model.state_dict(), "q_head.bias": torch.tensor([0.0, 1e300], dtype=torch.float64)}
    assert "tensor 'q_head.bias' holds NaN or infinite values." in refused(write(tmp_path / "bad", tensors))


@pytest.mark.parametrize(
    "change",
    [Tensor.to_sparse, Tensor.int, lambda tensor: tensor + 0j, lambda tensor: tensor.to("meta")],
    ids=["sparse", "int", "complex", "meta"],
)
def test_tensors_that_are_no_plain_floats(model: RecursiveModel, change: Callable[[Tensor], Tensor]) -> None:
    tensors = model.state_dict()
    tensors["lm_head.weight"] = change(tensors["lm_head.weight"])
    with pytest.raises(
        InvalidCheckpoint, match=r"^here: tensor 'lm_head.weight' is .* plain floating-point numbers\.$"
    ):
        build_model(CONFIG, tensors, source="here")


def test_a_huge_configuration_does_not_allocate(tmp_path: Path, model: RecursiveModel) -> None:
    huge = {**CONFIG.to_dict(), "hidden_size": 1 << 16, "seq_len": 1 << 20, "num_puzzle_identifiers": 1 << 31}
    assert "expected (65536,)" in refused(write(tmp_path / "bad", model.state_dict(), config=json.dumps(huge)))


# -- writing ----------------------------------------------------------------------------------


def test_nothing_is_overwritten_unasked(tmp_path: Path, model: RecursiveModel) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(b"precious")
    with pytest.raises(InvalidInput, match=r"exists\. Choose another name, or pass --overwrite"):
        save_checkpoint(path, model, TASK)
    assert path.read_bytes() == b"precious"
    save_checkpoint(path, model, TASK, overwrite=True)
    assert load_checkpoint(path).task == TASK


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, model: RecursiveModel, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, model, TASK)
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(type(error)):
        save_checkpoint(path, model, "sudoku-9x9", overwrite=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes: the operating system's own refusal, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path: Path, model: RecursiveModel) -> None:
    path = tmp_path / "tiny.safetensors"
    with file_size_limit(4096), pytest.raises(TrmEdgeError, match=r"Cannot write .*File too large"):
        save_checkpoint(path, model, TASK)
    assert os.listdir(tmp_path) == []


def test_load_tensors_gives_the_metadata(tmp_path: Path, model: RecursiveModel) -> None:
    tensors, metadata = load_tensors(write(tmp_path / "any", model.state_dict(), note="hello"))
    assert metadata["note"] == "hello"
    assert tensors.keys() == model.state_dict().keys()
