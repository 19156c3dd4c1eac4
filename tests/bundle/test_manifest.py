"""The manifest; tests/test_vectors.py holds it to the refusals that every reader shares."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from trm_edge.bundle import CarrySpec, Manifest, graph_io
from trm_edge.bundle.manifest import dump_document
from trm_edge.errors import InvalidBundle
from trm_edge.specs import GraphVariant, TensorSpec


def test_newer_schema_names_both_versions() -> None:
    with pytest.raises(InvalidBundle, match=r"written by a newer trm-edge \(schema 2, this reads 1\): upgrade"):
        Manifest.from_dict({"schema_version": 2})


def test_round_trip(manifest: Manifest) -> None:
    measured = replace(manifest, parity={"max_abs": 1e-6}, latency=({"ms": 1.25},))
    again = Manifest.from_json(measured.to_json())
    assert again == measured
    assert json.loads(measured.to_json()) == measured.to_dict()


def test_what_json_cannot_hold_is_refused(manifest: Manifest) -> None:
    for bad in (float("nan"), {1, 2}):
        with pytest.raises(InvalidBundle, match="parity"):
            replace(manifest, parity={"error": bad}).to_json()


def test_one_line_a_field() -> None:
    assert dump_document({"a": [1, 2], "b": {}}) == '{\n  "a": [1, 2],\n  "b": {}\n}\n'


def test_an_incoherent_manifest_cannot_be_made(manifest: Manifest) -> None:
    with pytest.raises(InvalidBundle, match="tokens"):
        replace(manifest, seq_len=9)
    with pytest.raises(InvalidBundle, match="threshold"):
        replace(manifest, halting=replace(manifest.halting, threshold=float("nan")))
    with pytest.raises(InvalidBundle, match="z_H"):
        replace(manifest, carry=(replace(manifest.carry[0], init=(float("nan"), 0.0)), manifest.carry[1]))


def test_properties(manifest: Manifest) -> None:
    assert manifest.takes_puzzle_ids
    assert manifest.fixed_batch is None
    document = manifest.to_dict()
    for tensor in document["inputs"] + document["outputs"]:
        tensor["shape"][0] = 1
    assert Manifest.from_dict(document).fixed_batch == 1


def test_graph_io_of_each_variant() -> None:
    sizes: dict[str, Any] = {"seq_len": 4, "vocab_size": 3, "steps": 2}
    inputs, outputs = graph_io(GraphVariant.UNROLLED, **sizes)
    assert inputs == (TensorSpec("tokens", ("batch", 4), "int32"),)
    assert outputs[0].shape == (2, "batch", 4, 3)
    inputs, outputs = graph_io(GraphVariant.LOOP, **sizes, puzzle_ids=True, batch=8)
    assert [spec.name for spec in inputs] == ["tokens", "puzzle_ids", "budget", "threshold"]
    assert outputs[2] == TensorSpec("steps", (8,), "int64")
    carry = (CarrySpec("z", "z_next", (0.0, 1.0)),)
    inputs, outputs = graph_io(GraphVariant.STEP, **sizes, carry=carry, puzzle_prefix_len=5, carry_dtype="float16")
    assert inputs[1] == TensorSpec("z", ("batch", 9, 2), "float16")
    assert outputs[2].name == "z_next"
