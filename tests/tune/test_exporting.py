from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trm_edge.bundle import read_bundle, read_manifest
from trm_edge.errors import Refused
from trm_edge.export.options import ExportOptions
from trm_edge.export.pipeline import export_bundle
from trm_edge.export.targets import get_target, target_ids
from trm_edge.export.targets.base import Choice
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tune import exporting
from trm_edge.tune.exporting import Model, export_all, fingerprint, golden_under, options_for
from trm_edge.tune.walk import choices

FP32 = ExportOptions(steps=2, golden=1)
FP16 = replace(FP32, precision=Precision.FP16)


def test_what_lies_there_whole_is_not_written_again(model: Model, tmp_path: Path) -> None:
    said: list[str] = []
    first = export_all(model, [FP32], tmp_path / "made", say=said.append)
    more = export_all(model, [FP32, FP16], tmp_path / "made", say=said.append)
    assert said == ["tiny.fp32.onnx-step", "tiny.fp16.onnx-step"]
    assert set(first.bundles) < set(more.bundles)
    assert list(more.bundles.values()) == [FP32, FP16]
    assert more.remarks == ()


@pytest.mark.parametrize("damage", [lambda path: (path / "model.onnx").write_bytes(b"cut"), lambda path: None])
def test_a_damaged_bundle_is_written_again(model: Model, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    (path,) = export_all(model, [FP32], tmp_path).bundles
    written = damage(path) is not None
    said: list[str] = []
    export_all(model, [FP32], tmp_path, say=said.append)
    assert bool(said) is written
    with read_bundle(path):
        pass


def test_an_interrupted_export_leaves_nothing_that_passes_for_a_bundle(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "export_bundle", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export_all(model, [FP32], tmp_path / "made")
    monkeypatch.undo()
    said: list[str] = []
    export_all(model, [FP32], tmp_path / "made", say=said.append)
    assert said == ["tiny.fp32.onnx-step"]


def test_other_weights_or_options_are_another_bundle() -> None:
    assert fingerprint("a", FP32) == fingerprint("a", replace(FP32))
    assert len({fingerprint("a", FP32), fingerprint("b", FP32), fingerprint("a", FP16)}) == 3


def test_what_cannot_be_made_is_a_remark_unless_nothing_can(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export_bundle

    def export(checkpoint: object, options: ExportOptions, *arguments: object, **more: object) -> object:
        if options.precision is Precision.FP16:
            raise Refused("no halves here")
        return real(checkpoint, options, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "export_bundle", export)
    made = export_all(model, [FP16, FP32], tmp_path)
    assert list(made.bundles.values()) == [FP32]
    assert made.remarks == ("tiny.fp16.onnx-step was not made: no halves here",)
    with pytest.raises(Refused, match=r"tiny\.fp16\.onnx-step was not made: no halves here"):
        export_all(model, [FP16], tmp_path)


def test_the_integer_rules_of_the_processor_are_for_formats_that_know_them() -> None:
    cpu = get_target("cpu")
    onnx, program = (Choice(format, GraphVariant.STEP, Precision.W8A8) for format in Format)
    rules = [
        options_for(cpu, one, steps=3, optimize_for="arm64", puzzles=None).quantization.optimize_for
        for one in (onnx, program)
    ]
    assert rules == ["arm64", "x86-64"]


@pytest.mark.parametrize("id", target_ids())
def test_everything_worth_trying_on_a_target_has_options(id: str) -> None:
    target = get_target(id)
    for choice in choices(target):
        assert options_for(target, choice, steps=3, optimize_for=None, puzzles=None).target == id


def test_golden_vectors_under_another_policy(model: Model) -> None:
    fixed = golden_under(model, FP32, "fixed:3", 3)
    assert fixed.halting_steps.tolist() == [3]
    np.testing.assert_array_equal(fixed.answers, fixed.last_answers)
    assert golden_under(model, FP32, "act:threshold=-4.0", 3).halting_steps.tolist() in ([1], [2], [3])


def test_the_bundles_are_for_the_target_and_budget(model: Model, tmp_path: Path) -> None:
    choice = Choice(Format.ONNX, GraphVariant.STEP, Precision.FP32)
    options = options_for(get_target("cpu"), choice, steps=3, optimize_for=None, puzzles=None)
    (path,) = export_all(model, [options], tmp_path).bundles
    manifest = read_manifest(path)
    assert (manifest.target, manifest.halting.max_steps, manifest.name) == ("cpu", 3, "tiny.fp32.onnx-step")
