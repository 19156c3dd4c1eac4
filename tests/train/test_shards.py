from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidInput, TrmEdgeError
from trm_edge.train import shards
from trm_edge.train.shards import read_shards, write_shards

LIMIT = 100_000


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "large": torch.randn(3, 37, 500),
        "bits": torch.arange(10) % 2 == 0,
        "none": torch.empty(0, 4),
        "scalar": torch.tensor(7, dtype=torch.int64),
        "half": torch.randn(20_000).bfloat16(),
    }


def test_what_is_written_comes_back_in_small_files(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    write_shards(tmp_path / "s", tensors, {"step": 3, "recipe": {"lr": 1e-3}}, limit=LIMIT)
    sizes = [path.stat().st_size for path in (tmp_path / "s").iterdir()]
    assert max(sizes) <= LIMIT
    assert len(sizes) > 4
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    found, metadata = read_shards(tmp_path / "s")
    assert metadata == {"step": 3, "recipe": {"lr": 1e-3}}
    assert found.keys() == tensors.keys()
    for name, value in tensors.items():
        assert found[name].dtype is value.dtype
        assert torch.equal(found[name], value), name


def test_nothing_is_replaced(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    (tmp_path / "s").mkdir()
    with pytest.raises(InvalidInput, match="exists; nothing is replaced"):
        write_shards(tmp_path / "s", tensors, {})


def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, tensors: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = shards._write

    def full(path: Path, content: bytes) -> None:
        if path.name == "part-001.safetensors":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(shards, "_write", full)
    with pytest.raises(TrmEdgeError, match="No space left on device"):
        write_shards(tmp_path / "s", tensors, {}, limit=LIMIT)
    assert list(tmp_path.iterdir()) == []


def damage(folder: Path, how: str) -> None:
    part, index = folder / "part-001.safetensors", folder / "index.json"
    content = json.loads(index.read_text())
    if how == "flipped bit":
        raw = bytearray(part.read_bytes())
        raw[-1] ^= 1
        part.write_bytes(raw)
    elif how == "cut":
        part.write_bytes(part.read_bytes()[:-1])
    elif how == "missing":
        part.unlink()
    elif how == "no index":
        index.unlink()
    elif how == "no json":
        index.write_text("{")
    elif how == "a list":
        index.write_text("[]")
    elif how == "outside":
        content["files"][1]["name"] = "../part-001.safetensors"
    elif how == "no such piece":
        content["tensors"]["large"]["pieces"][0][1] = "else"
    elif how == "another shape":
        content["tensors"]["large"]["shape"] = [5]
    elif how == "another type":
        content["tensors"]["large"]["dtype"] = "os"
    if how in ("outside", "no such piece", "another shape", "another type"):
        index.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "how",
    [
        "flipped bit",
        "cut",
        "missing",
        "no index",
        "no json",
        "a list",
        "outside",
        "no such piece",
        "another shape",
        "another type",
    ],
)
def test_damage_is_found_and_named(tmp_path: Path, tensors: dict[str, Tensor], how: str) -> None:
    write_shards(tmp_path / "s", tensors, {}, limit=LIMIT)
    damage(tmp_path / "s", how)
    with pytest.raises(InvalidCheckpoint, match=str(tmp_path / "s")) as raised:
        read_shards(tmp_path / "s")
    assert "\n" not in str(raised.value)
