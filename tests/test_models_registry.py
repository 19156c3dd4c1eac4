from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trm_edge import models_registry as registry
from trm_edge.errors import InvalidCheckpoint, InvalidInput


def write_model(folder: Path, *, metadata: dict[str, str] | None = None, results: str | None = None) -> Path:
    """A checkpoint of 6 + 4 numbers, 4 of which are an initial state."""
    header = {
        "__metadata__": {"format": "trm-edge", "task": "sudoku-4x4", "config": '{"hidden_size": 4}'},
        "lm_head.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "H_init": {"dtype": "F32", "shape": [4], "data_offsets": [24, 40]},
    }
    if metadata is not None:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    folder.mkdir(parents=True)
    path = folder / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(40))
    if results is not None:
        (folder / "results.json").write_text(results)
    return path


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setattr(registry, "MODELS_DIR", folder)
    write_model(folder / "a-4x4", results='{"exact": 0.97}')
    write_model(folder / registry.DEFAULT)
    (folder / "empty").mkdir()
    return folder


def test_names_begin_with_the_default(models: Path) -> None:
    assert registry.model_names() == [registry.DEFAULT, "a-4x4"]


def test_a_name_a_file_and_a_folder_are_resolved(models: Path, tmp_path: Path) -> None:
    assert registry.resolve(None) == models / registry.DEFAULT / "model.safetensors"
    assert registry.resolve("a-4x4") == models / "a-4x4" / "model.safetensors"
    own = write_model(tmp_path / "own")
    assert registry.resolve(str(own)) == own
    assert registry.resolve(str(own.parent)) == own


def test_an_unknown_name_gets_the_list_and_a_guess(models: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Unknown model 'sudoku-9x8'.*a-4x4.*Did you mean 'sudoku-9x9'\?"):
        registry.resolve("sudoku-9x8")


def test_the_default_is_missed_where_nothing_is_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODELS_DIR", tmp_path)
    assert registry.model_names() == []
    with pytest.raises(InvalidInput, match=registry.DEFAULT):
        registry.resolve(None)


def test_a_header_says_what_the_model_is(models: Path) -> None:
    info = registry.model_info(models / "a-4x4" / "model.safetensors")
    assert (info.name, info.task, info.config) == ("a-4x4", "sudoku-4x4", {"hidden_size": 4})
    assert info.parameters == 6, "an initial state is not trained"
    assert info.size == info.path.stat().st_size
    assert info.results == {"exact": 0.97}
    assert json.loads(json.dumps(registry.to_dict(info)))["path"] == str(info.path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file"),
        (b"PK\x03\x04" + bytes(100), "not a safetensors file"),
        ((1 << 40).to_bytes(8, "little"), "a header of"),
        ((9).to_bytes(8, "little") + b"{not json", "not JSON"),
        ((2).to_bytes(8, "little") + b"[]", "not an object"),
        ((2).to_bytes(8, "little") + b"{}", "not a trm-edge checkpoint"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match=message):
        registry.model_info(path)


@pytest.mark.parametrize("metadata", [{}, {"task": "sudoku-4x4"}, {"task": "sudoku-4x4", "config": "{"}])
def test_a_foreign_header_is_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    with pytest.raises(InvalidCheckpoint, match="not a trm-edge checkpoint"):
        registry.model_info(write_model(tmp_path / "m", metadata=metadata))


@pytest.mark.parametrize("results", ["{", "[1]"])
def test_unreadable_results_are_refused(tmp_path: Path, results: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=r"results\.json"):
        registry.model_info(write_model(tmp_path / "m", results=results))


def test_an_absent_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="Cannot read"):
        registry.read_header(tmp_path / "absent")


def test_the_header_of_a_real_checkpoint_is_read(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from trm_edge.model.checkpoint import save_checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=8))
    path = tmp_path / "tiny" / "model.safetensors"
    save_checkpoint(path, model, "sudoku-4x4")
    info = registry.model_info(path)
    assert info.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert info.config == model.config.to_dict()


def test_it_needs_the_standard_library_only() -> None:
    code = "import sys, trm_edge.models_registry; print('numpy' in sys.modules or 'torch' in sys.modules)"
    root = Path(__file__).parents[1]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert found.stdout == "False\n"
