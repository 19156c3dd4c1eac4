"""ONNX Runtime's arm64 kernels, emulated: the same answers as here, and integers where the file has integers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.bundle import Bundle, read_bundle
from trm_edge.environments import environment
from trm_edge.errors import InvalidInput
from trm_edge.runtimes import open_session

pytest.importorskip("onnxruntime")
pytestmark = [
    pytest.mark.arm64,
    pytest.mark.skipif(not environment("arm64").installed(), reason=environment("arm64").install_line()),
]


def inputs(bundle: Bundle, carry: dict[str, NDArray[Any]], batch: int) -> dict[str, NDArray[Any]]:
    manifest = bundle.manifest
    tokens = np.random.default_rng(0).integers(0, manifest.vocab_size, (batch, manifest.seq_len), dtype=np.int32)
    ids = {"puzzle_ids": np.zeros(batch, np.int32)} if manifest.takes_puzzle_ids else {}
    return {"tokens": tokens, **ids, **carry}


def test_it_answers_as_this_processor_does(build_bundle: Callable[[], Bundle]) -> None:
    bundle = build_bundle()
    with open_session(bundle, "arm64", threads=1) as there, open_session(bundle, threads=1) as here:
        assert there.runtime == "arm64"
        given = inputs(bundle, here.initial_carry(3), 3)
        found, expected = there.infer(given), here.infer(given)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-6)


def test_options_are_those_of_onnx_runtime(build_bundle: Callable[[], Bundle]) -> None:
    with pytest.raises(InvalidInput, match="Unknown option of arm64 'profil'"):
        open_session(build_bundle(), "arm64", profil="x")


@pytest.fixture(scope="module")
def integers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The 4x4 model with integer products in the format of arm64."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.export.planning import QuantizationOptions
    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.models_registry import resolve
    from trm_edge.specs import Precision

    folder, checkpoint = tmp_path_factory.mktemp("bundles"), load_checkpoint(resolve("sudoku-4x4"))
    quantization = QuantizationOptions(optimize_for="arm64", calibration=CalibrationOptions(samples=8))
    return {
        precision: export_bundle(
            checkpoint,
            ExportOptions(precision=Precision(precision), steps=4, quantization=quantization),
            folder / precision,
            name="sudoku-4x4",
        )
        for precision in ("w8a8", "w8a8-dynamic")
    }


@pytest.mark.parametrize("precision", ["w8a8", "w8a8-dynamic"])
@pytest.mark.parametrize(
    "processor",
    ["cortex-a53", "neoverse-n1", "max,sme=off"],  # no integer dot products; dot products; matrix products
)
def test_integer_products_run_in_integer_kernels(
    integers: dict[str, Path], monkeypatch: pytest.MonkeyPatch, processor: str, precision: str
) -> None:
    """Static ones, in arm64's own format, have no integer kernels on other processors."""
    from trm_edge.profile.kernels import prove_kernels
    from trm_edge.verify.golden import check_golden

    monkeypatch.setenv("QEMU_CPU", processor)
    with read_bundle(integers[precision]) as bundle:
        line = prove_kernels(bundle, "arm64")
        assert line == "48 of 48 integer products of a supervision step ran in integer kernels"
        with open_session(bundle, "arm64") as session:
            report = check_golden(session, bundle.golden())
    assert report.answers == report.puzzles
