from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from trm_edge.bundle import read_manifest, update_manifest

Cli = Callable[..., Any]


def test_people_read_what_the_bundle_is(cli: Cli, scripted: Callable[..., Any]) -> None:
    path = scripted().path
    stats = {"nodes": {"MatMul": 5, "Add": 2}, "node_count": 7, "file_bytes": 5000, "unique_weight_bytes": 4000}
    update_manifest(path, graph_stats=stats, parity={"passed": True, "answers": 1.0, "steps": [1, 2]})
    outcome = cli("inspect", path)
    assert outcome.code == 0
    lines = {line.partition("  ")[0]: line for line in outcome.out.splitlines()}
    for label, part in {
        "task": "sudoku-4x4: 16 tokens of 6 values",
        "graph": "onnx, step, 4 steps",
        "halting": "act, threshold 0, from step 1, at most 4 steps",
        "inputs": "tokens  int32 [batch, 16]",
        "outputs": "logits  float32 [batch, 16, 6]",
        "nodes": "7: MatMul 5, Add 2",
        "size": "5,000 bytes, of which 4,000 are weights",
        "parity": "passed True, answers 1.0",
        "files": "model.onnx",
    }.items():
        assert part in lines[label]
    assert "all 1 files are there, sizes and hashes agree" in outcome.out


def test_programs_read_the_manifest(cli: Cli, scripted: Callable[..., Any]) -> None:
    path = scripted().path
    assert json.loads(cli("inspect", path, "--json").out) == read_manifest(path).to_dict()


def test_a_damaged_bundle_is_refused(cli: Cli, scripted: Callable[..., Any]) -> None:
    path = scripted().path
    (path / "model.onnx").write_bytes(b"THE script stands in")
    cli("inspect", path).refused("model.onnx", "SHA-256")
    cli("inspect", path / "absent").refused("No bundle at")
