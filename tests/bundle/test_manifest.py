"""The manifest, and the refusals every reader of bundles shares."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import CarrySpec, Manifest, graph_io
from trm_edge.bundle.manifest import dump_document, unsafe_name
from trm_edge.errors import InvalidBundle
from trm_edge.specs import GraphVariant, TensorSpec

REFUSALS = json.loads((Path(__file__).parent.parent / "vectors" / "refusals.json").read_text())


def mutated(case: dict[str, Any]) -> Any:
    document = copy.deepcopy(REFUSALS["base"])
    for pointer, value in case.get("set", {}).items():
        parent, key = _resolve(document, pointer)
        parent[key] = value
    for pointer in case.get("remove", []):
        parent, key = _resolve(document, pointer)
        del parent[key]
    return document


def _resolve(document: Any, pointer: str) -> tuple[Any, Any]:
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for part in path:
        document = document[int(part) if isinstance(document, list) else part]
    return document, int(last) if isinstance(document, list) else last


@pytest.mark.parametrize("case", REFUSALS["refused"], ids=lambda case: case["name"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidBundle) as error:
        Manifest.from_dict(mutated(case))
    assert case["says"] in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("case", REFUSALS["accepted"], ids=lambda case: case["name"])
def test_accepted(case: dict[str, Any]) -> None:
    Manifest.from_dict(mutated(case))


@pytest.mark.parametrize("text", REFUSALS["not_json"])
def test_not_a_manifest(text: str) -> None:
    with pytest.raises(InvalidBundle, match=r"manifest\.json"):
        Manifest.from_json(text)


def test_deeply_nested_json_is_one_line_not_a_crash() -> None:
    with pytest.raises(InvalidBundle, match="not valid JSON"):
        Manifest.from_json("[" * 200_000)


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
    fixed = Manifest.from_dict(mutated(next(c for c in REFUSALS["accepted"] if "batch" in c["name"])))
    assert fixed.fixed_batch == 1


@pytest.mark.parametrize("name", ["model.onnx", "model-card.md", "a_b.C1", "x" * 100])
def test_safe_names(name: str) -> None:
    assert unsafe_name(name) is None


@pytest.mark.parametrize("name", ["x" * 101, "", ".", "..", "a.", "-rf", "a b", "é", "MANIFEST.json", "a\n"])
def test_unsafe_names(name: str) -> None:
    assert unsafe_name(name)


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
