"""Programs for Ethos-U: what is refused here, and what comes out of the environment that has Arm's compilers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.environments import environment
from trm_edge.errors import InvalidConfig, MissingDependency, Refused
from trm_edge.export.options import ExportOptions
from trm_edge.export.write_ethos_u import prepare
from trm_edge.model.checkpoint import save_checkpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Format, Precision

BuildModel = Callable[..., RecursiveModel]
Export = Callable[..., tuple[int, str, Path]]


def options(**changes: Any) -> ExportOptions:
    settings = {"format": Format.EXECUTORCH, "precision": Precision.W8A16, "target": "ethos-u", **changes}
    return ExportOptions(**settings)


def test_an_unknown_accelerator() -> None:
    with pytest.raises(Refused, match=r"Unknown Ethos-U accelerator 'ethos-u55-129'.*Did you mean 'ethos-u55-12"):
        prepare(options(backend="ethos-u55-129"))


def test_one_puzzle_a_call() -> None:
    with pytest.raises(InvalidConfig, match="one puzzle a call"):
        prepare(options(batch=2))


def test_no_float_test_cases() -> None:
    with pytest.raises(InvalidConfig, match="bundled-io"):
        prepare(options(bundled_io=True))


def test_without_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tosa_serializer", None)
    with pytest.raises(MissingDependency, match="tosa_serializer"):
        prepare(options(backend="ethos-u85-256"))


@pytest.fixture
def export(build_model: BuildModel, tmp_path: Path) -> Export:
    """Run ``trm-edge export`` of a tiny model in the environment."""
    place = environment("ethos-u")
    if not place.installed():
        pytest.skip(place.install_line())

    def run(*arguments: str, **changes: Any) -> tuple[int, str, Path]:
        checkpoint, out = tmp_path / "tiny.safetensors", tmp_path / "out"
        save_checkpoint(checkpoint, build_model(L_layers=1, **changes), "sudoku-4x4")
        command = place.command(
            *("trm_edge", "export", str(checkpoint), "--target", "ethos-u", "--format", "executorch"),
            *("--calibration-samples", "4", "--steps", "2", "--golden", "2", "--out", str(out), *arguments),
        )
        done = subprocess.run(command, env=place.variables(), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr, out

    return run


@pytest.mark.targets
def test_everything_but_the_embedding_is_one_piece_of_integers_stored_once(export: Export) -> None:
    code, said, out = export("--precision", "w8a16")
    assert code == 0, said
    assert "WARNING" not in said
    stats = json.loads((out / "manifest.json").read_text())["graph_stats"]
    assert stats["backend"] == "ethos-u55-128"
    assert {name: method["delegates"] for name, method in stats["methods"].items()} == {
        "embed": 0,
        "network_L": 1,
        "heads": 1,
    }
    assert stats["methods"]["embed"]["undelegated"] == {"aten.embedding.default": 1}
    # twelve matrices, whose rows are padded to what Vela encodes; an unrolled step would hold them six times
    assert 1 <= stats["flash_bytes"] / stats["unique_weight_bytes"] < 2
    vela = stats["vela"]
    assert vela["step"]["calls"] == {"network_L": 6, "heads": 1}
    assert vela["step"]["cycles"] == 6 * vela["network_L"]["cycles"] + vela["heads"]["cycles"]
    assert vela["network_L"]["cpu_operators"] == 0
    assert str(out.parent).encode() not in (out / "model.pte").read_bytes()
    assert b"debug_artifact_path" not in (out / "model.pte").read_bytes()


@pytest.mark.targets
def test_attention_two_networks_and_8_bits_on_another_accelerator(export: Export) -> None:
    changes = {"mlp_t": False, "pos_encodings": "rope", "H_layers": 1, "no_ACT_continue": False}
    code, said, out = export("--precision", "w8a8", "--backend", "ethos-u65-256", **changes)
    assert code == 0, said
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["graph_stats"]["vela"]["network_H"]["accelerator"] == "Ethos_U65_256"
    assert {"network_L.tosa", "network_H.tosa", "heads.tosa"} <= set(manifest["files"])
    assert {spec["dtype"] for spec in manifest["inputs"]} == {"int32", "uint16"}


@pytest.mark.targets
def test_what_it_cannot_do_is_one_line(export: Export) -> None:
    code, said, out = export("--precision", "w8a16", "--batch", "2")
    assert (code, out.exists()) == (2, False)
    assert "one puzzle a call" in said
    assert "Traceback" not in said
