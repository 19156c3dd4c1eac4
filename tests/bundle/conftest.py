from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trm_edge.bundle import GOLDEN, MODEL_CARD, GoldenVectors, Manifest, write_bundle

VECTORS = Path(__file__).parent.parent / "vectors"


@pytest.fixture
def manifest() -> Manifest:
    return Manifest.from_dict(json.loads((VECTORS / "refusals.json").read_text())["base"])


@pytest.fixture
def golden() -> GoldenVectors:
    rng = np.random.default_rng(0)
    return GoldenVectors(
        tokens=rng.integers(0, 6, (2, 16), dtype=np.int32),
        puzzle_ids=np.array([3, 7], np.int32),
        answers=rng.integers(0, 6, (2, 16), dtype=np.int32),
        last_answers=rng.integers(0, 6, (2, 16), dtype=np.int32),
        halting_steps=np.array([1, 4], np.int32),
        q_halt=rng.normal(size=(4, 2)).astype(np.float32),
    )


@pytest.fixture
def files(golden: GoldenVectors) -> dict[str, bytes]:
    return {"model.onnx": b"not a graph " * 1000, GOLDEN: golden.to_json().encode(), MODEL_CARD: b"# tiny\n"}


@pytest.fixture(params=["folder", "zip"])
def bundle_path(request: pytest.FixtureRequest, tmp_path: Path, manifest: Manifest, files: dict[str, bytes]) -> Path:
    name = "tiny.zip" if request.param == "zip" else "tiny"
    return write_bundle(tmp_path / name, manifest, dict(files))
