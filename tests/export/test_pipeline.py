from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trm_edge import __version__
from trm_edge.bundle import GOLDEN, MANIFEST, MODEL_CARD, read_bundle, read_manifest
from trm_edge.errors import InvalidCheckpoint, InvalidConfig, InvalidInput, Refused, TrmEdgeError
from trm_edge.export import pipeline, write_onnx
from trm_edge.export.golden import golden_puzzles
from trm_edge.export.pipeline import MODEL_FILES, ExportOptions, bundle_name, export_bundle, kept_puzzles
from trm_edge.export.planning import QuantizationOptions
from trm_edge.export.targets import TARGETS
from trm_edge.export.targets.cpu import CpuTarget
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes import open_session
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tasks import get_task
from trm_edge.verify.golden import check_golden

BuildModel = Callable[..., RecursiveModel]

STEPS, COUNT = 3, 3
QUICK = ExportOptions(steps=STEPS, golden=COUNT)


def options(**changes: Any) -> ExportOptions:
    return ExportOptions(**{"steps": STEPS, "golden": COUNT, **changes})


def export(checkpoint: Checkpoint, out: Path, chosen: ExportOptions = QUICK, **more: Any) -> Path:
    return export_bundle(checkpoint, chosen, out, name="tiny", **more)


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- what is written --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
@pytest.mark.parametrize("precision", [one for one in Precision if one is not Precision.W8A16])  # for NPUs
@pytest.mark.parametrize("graph", GraphVariant)
def test_the_bundle_replays_its_golden_vectors(
    puzzle_checkpoint: Checkpoint, tmp_path: Path, graph: GraphVariant, precision: Precision, name: str
) -> None:
    chosen = options(graph=graph, precision=precision, puzzles=(7, 2))
    assert export(puzzle_checkpoint, tmp_path / name, chosen) == tmp_path / name
    assert os.listdir(tmp_path) == [name]
    with read_bundle(tmp_path / name) as bundle, open_session(bundle, threads=1) as session:
        vectors = bundle.golden()
        vectors.check(bundle.manifest)
        report = check_golden(session, vectors)
    assert (report.puzzles, len(report.q_halt_error)) == (COUNT, STEPS)
    assert set(vectors.puzzle_ids.tolist()) == {7, 2}
    assert max(report.q_halt_error) < {Precision.FP32: 1e-4, Precision.FP16: 3e-2}.get(precision, 0.2)
    if precision is Precision.FP32:
        assert report.answers == report.last_answers == report.halting_steps == COUNT


@pytest.mark.parametrize("graph", GraphVariant)
def test_the_manifest_is_complete(puzzle_checkpoint: Checkpoint, tmp_path: Path, graph: GraphVariant) -> None:
    path = export(puzzle_checkpoint, tmp_path / "b", options(graph=graph, puzzles=(7, 2), opset=21))
    manifest, config = read_manifest(path), puzzle_checkpoint.model.config
    assert (manifest.name, manifest.task) == (f"tiny.fp32.onnx-{graph}", "sudoku-4x4")
    assert (manifest.format, manifest.graph, manifest.precision, manifest.target) == (
        *(Format.ONNX, graph, Precision.FP32, "cpu"),
    )
    assert (manifest.seq_len, manifest.vocab_size, manifest.puzzle_prefix_len) == (16, 6, 1)
    assert (manifest.puzzles, manifest.takes_puzzle_ids) == ((7, 2), True)
    assert ModelConfig.from_dict(manifest.model) == config
    halting = manifest.halting
    assert (halting.policy, halting.threshold, halting.min_steps, halting.max_steps) == ("act", 0.0, 1, STEPS)
    assert manifest.steps == STEPS
    assert set(manifest.files) == {MODEL_FILES[Format.ONNX], GOLDEN, MODEL_CARD}
    assert set(os.listdir(path)) == {*manifest.files, MANIFEST}
    assert manifest.tools["trm-edge"] == __version__
    assert manifest.tools.keys() == {"trm-edge", "python", "torch", "onnx", "numpy"}
    assert manifest.evidence is CpuTarget().evidence
    assert manifest.graph_stats["opset"] == 21
    assert manifest.graph_stats["file_bytes"] == (path / MODEL_FILES[Format.ONNX]).stat().st_size
    for name, entry in manifest.files.items():
        data = (path / name).read_bytes()
        assert (entry.sha256, entry.size) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("precision", [one for one in Precision if one is not Precision.W8A16])  # for NPUs
def test_a_step_graph_says_where_its_states_start(checkpoint: Checkpoint, tmp_path: Path, precision: Precision) -> None:
    manifest = read_manifest(export(checkpoint, tmp_path / "b", options(precision=precision)))
    assert [(state.input, state.output) for state in manifest.carry] == [("z_H", "z_H_next"), ("z_L", "z_L_next")]
    for state, init in zip(manifest.carry, (checkpoint.model.H_init, checkpoint.model.L_init), strict=True):
        rounded = init.half().float() if precision is Precision.FP16 else init
        np.testing.assert_array_equal(np.array(state.init, np.float32), rounded.numpy())
    for graph in (GraphVariant.UNROLLED, GraphVariant.LOOP):
        assert not read_manifest(export(checkpoint, tmp_path / graph, options(graph=graph))).carry


def test_fp16_is_half_the_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    sizes = [
        (export(checkpoint, tmp_path / precision, options(precision=precision)) / MODEL_FILES[Format.ONNX])
        .stat()
        .st_size
        for precision in (Precision.FP32, Precision.FP16)
    ]
    assert 0.4 < sizes[1] / sizes[0] < 0.6


def test_golden_puzzles_may_be_given(checkpoint: Checkpoint, tmp_path: Path) -> None:
    task = get_task("sudoku-4x4")
    puzzles = golden_puzzles(task, 7)[5:]
    with read_bundle(export(checkpoint, tmp_path / "b", puzzles=puzzles)) as bundle:
        np.testing.assert_array_equal(bundle.golden().tokens, [task.encode(puzzle.question) for puzzle in puzzles])


def test_the_card(checkpoint: Checkpoint, tmp_path: Path) -> None:
    written = (export(checkpoint, tmp_path / "a") / MODEL_CARD).read_text()
    count = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    assert f"TRM for `sudoku-4x4`: {count:,} weights" in written
    given = "# Mine\n\nÄ card.\n"
    assert (export(checkpoint, tmp_path / "b", model_card=given) / MODEL_CARD).read_text(encoding="utf-8") == given


@pytest.mark.parametrize("graph", GraphVariant)
def test_exporting_twice_gives_the_same_bytes(checkpoint: Checkpoint, tmp_path: Path, graph: GraphVariant) -> None:
    one, other = (snapshot(export(checkpoint, tmp_path / name, options(graph=graph))) for name in "ab")
    for name in (MODEL_FILES[Format.ONNX], GOLDEN, MODEL_CARD):
        assert one[name] == other[name]
    documents = [json.loads(files[MANIFEST]) for files in (one, other)]
    assert documents[0].keys() == documents[1].keys()
    assert {name for name in documents[0] if documents[0][name] != documents[1][name]} <= {"created"}


def test_a_model_that_attends_and_halts_as_hrm_does(build_model: BuildModel, tmp_path: Path) -> None:
    model = build_model(
        vocab_size=12, seq_len=100, mlp_t=False, pos_encodings="rope", H_layers=1, no_ACT_continue=False
    )
    path = export(Checkpoint(model, "arc-10x10"), tmp_path / "arc")
    with read_bundle(path) as bundle, open_session(bundle, threads=1) as session:
        assert max(check_golden(session, bundle.golden()).q_halt_error) < 1e-4


# -- which puzzle embeddings ------------------------------------------------------------------

WITH_TABLE = ModelConfig(vocab_size=6, seq_len=16, hidden_size=16, num_puzzle_identifiers=20, puzzle_emb_ndim=16)
ONE_ROW = ModelConfig(vocab_size=6, seq_len=16, hidden_size=16, puzzle_emb_ndim=16)
NO_TABLE = ModelConfig(vocab_size=6, seq_len=16, hidden_size=16)


@pytest.mark.parametrize(
    ("config", "asked", "kept"),
    [
        (WITH_TABLE, (0,), (0,)),
        (WITH_TABLE, (19, 3), (19, 3)),
        (ONE_ROW, None, (0,)),
        (ONE_ROW, (0,), (0,)),
        (NO_TABLE, None, ()),
    ],
)
def test_kept_puzzles(config: ModelConfig, asked: tuple[int, ...] | None, kept: tuple[int, ...]) -> None:
    assert kept_puzzles(config, asked) == kept


@pytest.mark.parametrize(
    ("config", "asked", "words"),
    [
        (
            WITH_TABLE,
            None,
            "has 20 puzzle embeddings of 16 numbers. Say which to keep: --puzzles 3,7 or --puzzles all.",
        ),
        (WITH_TABLE, (3, 20), "Puzzle id 20 is out of range. The model has ids 0 to 19."),
        (WITH_TABLE, (-1,), "Puzzle id -1 is out of range."),
        (WITH_TABLE, (), "--puzzles names no puzzle."),
        (NO_TABLE, (0,), "The model has no puzzle embedding. Leave --puzzles out."),
    ],
)
def test_puzzles_that_cannot_be_kept(config: ModelConfig, asked: tuple[int, ...] | None, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        kept_puzzles(config, asked)
    assert words in str(caught.value)


def test_a_whole_table_is_never_kept_by_accident(puzzle_checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Say which to keep"):
        export(puzzle_checkpoint, tmp_path / "b")
    assert os.listdir(tmp_path) == []


def test_one_kept_puzzle_is_built_in(puzzle_checkpoint: Checkpoint, tmp_path: Path) -> None:
    manifest = read_manifest(export(puzzle_checkpoint, tmp_path / "b", options(puzzles=(7,))))
    assert (manifest.puzzles, manifest.takes_puzzle_ids) == ((7,), False)


# -- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps = 0 is out of range. Allowed: 1 to 4096."),
        ({"steps": 4097}, "steps = 4097 is out of range."),
        ({"opset": 17}, "opset = 17 is out of range. Allowed: 18 to 23."),
        ({"opset": 24}, "opset = 24 is out of range."),
        ({"golden": 0}, "golden = 0 is out of range. Allowed: 1 to 1024."),
        ({"golden": 1025}, "golden = 1025 is out of range."),
        ({"puzzles": (3, 7, 3)}, "puzzles = [3, 7, 3] names a puzzle twice."),
    ],
)
def test_options_out_of_range(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        ExportOptions(**changes)
    assert str(caught.value).startswith(words)


def test_the_name_of_a_bundle() -> None:
    chosen = ExportOptions(graph=GraphVariant.LOOP, precision=Precision.FP16)
    assert bundle_name("sudoku-9x9", chosen) == "sudoku-9x9.fp16.onnx-loop"


def test_an_unknown_target(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Unknown target 'cpus'\. Allowed: .*Did you mean 'cpu'\?"):
        export(checkpoint, tmp_path / "b", options(target="cpus"))
    assert os.listdir(tmp_path) == []


def test_what_the_target_does_not_run_is_refused_with_its_reason(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cpu" in TARGETS
    supports = CpuTarget.supports

    def others(self: CpuTarget, precision: Precision, graph: GraphVariant, format: Format) -> str | None:
        refused = (precision, graph) == (Precision.FP16, GraphVariant.LOOP)
        return "no fp16 loop here." if refused else supports(self, precision, graph, format)

    monkeypatch.setattr(CpuTarget, "supports", others)
    nearest = "The nearest that 'cpu' runs: --format onnx --graph step --precision fp16"
    with pytest.raises(Refused, match=f"no fp16 loop here. {nearest}"):
        export(checkpoint, tmp_path / "b", options(precision=Precision.FP16, graph=GraphVariant.LOOP))
    assert os.listdir(tmp_path) == []


# -- weights that cannot be exported ----------------------------------------------------------


@pytest.mark.parametrize("name", ["L_level.layers.0.mlp.up_proj.weight", "lm_head.weight"])
def test_nan_weights(checkpoint: Checkpoint, tmp_path: Path, name: str) -> None:
    with torch.no_grad():
        checkpoint.model.get_parameter(name)[0, 0] = float("nan")
    with pytest.raises(InvalidCheckpoint, match="NaN or infinity"):
        export(checkpoint, tmp_path / "b")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("state", ["H_init", "L_init"])
def test_an_initial_state_too_large_for_fp16(checkpoint: Checkpoint, tmp_path: Path, state: str) -> None:
    with torch.no_grad():
        checkpoint.model.get_buffer(state)[0] = 7e4
    with pytest.raises(InvalidCheckpoint, match=r"does not fit into float16\. Use --precision fp32"):
        export(checkpoint, tmp_path / "b", options(precision=Precision.FP16))
    export(checkpoint, tmp_path / "b")


# -- whole or not at all ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["taken", "taken.zip"])
def test_what_is_there_is_replaced_only_when_asked(checkpoint: Checkpoint, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    export(checkpoint, out)
    before = snapshot(tmp_path)
    loop = options(graph=GraphVariant.LOOP)
    with pytest.raises(InvalidInput, match=r"exists\. Choose another --out, or pass --overwrite"):
        export(checkpoint, out, loop)
    assert snapshot(tmp_path) == before
    export(checkpoint, out, loop, overwrite=True)
    assert read_manifest(out).graph is GraphVariant.LOOP
    assert os.listdir(tmp_path) == [name]


def test_an_existing_bundle_is_refused_before_the_work(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").mkdir()
    monkeypatch.setattr(pipeline, "golden_vectors", lambda *_, **__: pytest.fail("worked before it looked"))
    with pytest.raises(InvalidInput, match="exists"):
        export(checkpoint, tmp_path / "taken")


def test_what_is_no_bundle_is_never_replaced(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(InvalidInput, match="is not a bundle"):
        export(checkpoint, tmp_path / "thesis", overwrite=True)
    assert snapshot(tmp_path) == {"thesis/chapter.tex": b"years of work"}


def fail_at(monkeypatch: pytest.MonkeyPatch, place: str, error: BaseException, *, call: int = 1) -> None:
    """Let the ``call``-th call of a function raise ``error``."""
    owner: Any = next((module for module in (pipeline, write_onnx) if hasattr(module, place)), os)
    real, calls = getattr(owner, place), []

    def wrapped(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            raise error
        return real(*arguments, **named)

    monkeypatch.setattr(owner, place, wrapped)


PLACES = [("golden_vectors", 1), ("build_graph", 1), ("to_bytes", 1), ("fsync", 1), ("fsync", 3), ("rename", 1)]


@pytest.mark.parametrize("name", ["b", "b.zip"])
@pytest.mark.parametrize(("place", "call"), PLACES)
def test_ctrl_c_leaves_nothing_behind(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, call: int, name: str
) -> None:
    with monkeypatch.context() as patched:
        fail_at(patched, place, KeyboardInterrupt(), call=call)
        with pytest.raises(KeyboardInterrupt):
            export(checkpoint, tmp_path / name)
    assert os.listdir(tmp_path) == []
    export(checkpoint, tmp_path / name)


@pytest.mark.parametrize("name", ["b", "b.zip"])
@pytest.mark.parametrize(("place", "call"), [*PLACES, ("rename", 2)])
def test_ctrl_c_leaves_the_old_bundle(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, call: int, name: str
) -> None:
    export(checkpoint, tmp_path / name)
    before = snapshot(tmp_path)
    fail_at(monkeypatch, place, KeyboardInterrupt(), call=call)
    with pytest.raises(KeyboardInterrupt):
        export(checkpoint, tmp_path / name, options(graph=GraphVariant.LOOP), overwrite=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_full_disk_is_said_in_one_line(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fail_at(monkeypatch, "fsync", OSError(errno.ENOSPC, "No space left on device"), call=2)
    with pytest.raises(TrmEdgeError, match=rf"Cannot write '.*{name}': No space left on device"):
        export(checkpoint, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_the_threshold_of_a_bundle_decides_when_its_golden_puzzles_halt(tmp_path: Path, checkpoint: Checkpoint) -> None:
    def halting_steps(threshold: float) -> list[int]:
        options = ExportOptions(steps=4, golden=3, threshold=threshold)
        path = export_bundle(checkpoint, options, tmp_path / f"at{threshold}", name="tiny")
        with read_bundle(path) as bundle:
            assert bundle.manifest.halting.threshold == threshold
            return bundle.golden().halting_steps.tolist()

    assert halting_steps(-1e6) == [1, 1, 1]
    assert halting_steps(1e6) == [4, 4, 4]


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_a_threshold_must_be_finite(threshold: float) -> None:
    with pytest.raises(InvalidConfig, match="not a finite number"):
        ExportOptions(threshold=threshold)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "portable"}, "backend = portable is for --format executorch, not for onnx"),
        ({"batch": 4}, "batch = 4 is for --format executorch"),
        ({"bundled_io": True}, "bundled-io = True is for --format executorch"),
        ({"format": Format.EXECUTORCH, "opset": 20}, "opset = 20 is for --format onnx, not for executorch"),
        (
            {"format": Format.EXECUTORCH, "quantization": QuantizationOptions(optimize_for="arm64")},
            "optimize-for = arm64 is for --format onnx",
        ),
        (
            {"format": Format.EXECUTORCH, "quantization": QuantizationOptions(per_channel=False)},
            "per-channel = False is for --format onnx",
        ),
    ],
)
def test_settings_of_the_other_format_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        options(**settings)


def test_an_executorch_bundle(checkpoint: Checkpoint, tmp_path: Path) -> None:
    pytest.importorskip("executorch")
    chosen = options(format=Format.EXECUTORCH, precision=Precision.W8A8_DYNAMIC, bundled_io=True)
    path = export(checkpoint, tmp_path / bundle_name("tiny", chosen), chosen)
    assert path.name == "tiny.w8a8-dynamic.executorch-step"
    with read_bundle(path) as bundle, open_session(bundle, threads=1) as session:
        stats = bundle.manifest.graph_stats
        assert set(bundle.manifest.files) == {"model.pte", "model.bpte", GOLDEN, MODEL_CARD}
        assert stats["integer_share"] == 1
        assert stats["products"]["integer"] == stats["integer_products"] == 12  # two blocks of two SwiGLUs
        assert check_golden(session, bundle.golden()).last_answers >= COUNT - 1


def test_what_executorch_cannot_do_is_refused_before_the_work(checkpoint: Checkpoint, tmp_path: Path) -> None:
    pytest.importorskip("executorch")
    for changes, reason in (
        ({"graph": GraphVariant.LOOP}, "no loop graph. Use --graph step"),
        ({"precision": Precision.W8}, "Use w8a8-dynamic"),
        ({"precision": Precision.W8A8, "backend": "portable"}, "Use --backend xnnpack"),
        ({"backend": "vulkan"}, "Unknown ExecuTorch backend 'vulkan'"),
    ):
        with pytest.raises(Refused, match=reason):
            export(checkpoint, tmp_path / "b", options(format=Format.EXECUTORCH, **changes))
    assert os.listdir(tmp_path) == []
