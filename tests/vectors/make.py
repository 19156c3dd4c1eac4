"""Write the bundles that every language solves and refuses, with what Python made of them: ``make.py OUT``.

``OUT`` must not exist; it appears when all of it is written. Knows exporters; what is solved is the business of
``runs.py``, what is damaged that of ``hostile.py``, and ``README.md`` says how the files are read.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import onnx
import runs
import torch

from trm_edge.bundle import GOLDEN, MODEL_CARD, Bundle, read_bundle, write_bundle
from trm_edge.export.calibration import CalibrationOptions
from trm_edge.export.pipeline import ExportOptions, bundle_name, export_bundle
from trm_edge.export.planning import QuantizationOptions
from trm_edge.model.checkpoint import Checkpoint, load_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.models_registry import model_names, resolve
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tasks import get_task

TINY = Path(__file__).parents[1] / "fixtures" / "tiny"
FEW = QuantizationOptions(calibration=CalibrationOptions(samples=24))
LOOP, UNROLLED = GraphVariant.LOOP, GraphVariant.UNROLLED


@dataclass(frozen=True)
class Fixture:
    """A bundle to write: a model by name, how it is exported, and whether it is wanted as a ``.zip``, too."""

    model: str
    options: ExportOptions
    zipped: bool = False


FIXTURES = (
    Fixture("sudoku-4x4", ExportOptions(steps=8), zipped=True),
    Fixture("sudoku-4x4", ExportOptions(steps=8, graph=LOOP)),
    Fixture("sudoku-4x4", ExportOptions(steps=4, graph=UNROLLED)),
    Fixture("sudoku-4x4", ExportOptions(steps=8, precision=Precision.FP16)),
    Fixture("sudoku-4x4", ExportOptions(steps=8, precision=Precision.W8A8, quantization=FEW)),
    Fixture("sudoku-4x4", ExportOptions(steps=8, format=Format.EXECUTORCH)),
    Fixture("rope", ExportOptions(steps=6)),
    Fixture("puzzles", ExportOptions(steps=6, puzzles=(3, 1))),
    Fixture("hrm", ExportOptions(steps=6)),
    Fixture("hrm", ExportOptions(steps=6, graph=LOOP)),
    Fixture("mlp", ExportOptions(steps=6, precision=Precision.W8A16, target="qualcomm-npu", quantization=FEW)),
    Fixture("maze-5x6", ExportOptions(steps=6)),
    Fixture("arc-5x5", ExportOptions(steps=6)),
    Fixture("arc-5x5", ExportOptions(steps=6, graph=LOOP)),
    Fixture("sudoku-9x9", ExportOptions(steps=16), zipped=True),
    Fixture("sudoku-9x9", ExportOptions(steps=16, precision=Precision.W8A8, quantization=FEW)),
)


def checkpoint_of(model: str) -> Checkpoint:
    """A bundled model, one of ``tests/fixtures/tiny``, or for the id of another task a random one."""
    tiny = TINY / f"{model}.safetensors"
    if tiny.is_file():
        return load_checkpoint(tiny)
    return load_checkpoint(resolve(model)) if model in model_names() else random_checkpoint(model)


def random_checkpoint(task: str) -> Checkpoint:
    """An untrained model with attention. Its recursion contracts: others are chaotic, and no two engines agree."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": get_task(task).vocab_size, "seq_len": get_task(task).seq_len}
    shape: dict[str, Any] = {"hidden_size": 32, "num_heads": 2, "H_cycles": 2, "L_cycles": 2, "mlp_t": False}
    model = RecursiveModel(ModelConfig(**sizes, **shape, pos_encodings="rope")).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "_level." in name:
                parameter.mul_(0.5)
        torch.nn.init.normal_(model.q_head.weight)
        torch.nn.init.normal_(model.q_head.bias)
    return Checkpoint(model, task)


def write_bundles(folder: Path) -> None:
    """All bundles, each in a folder of its name, and those that no session opens."""
    for fixture in FIXTURES:
        name = bundle_name(fixture.model, fixture.options)
        export_bundle(checkpoint_of(fixture.model), fixture.options, folder / name, name=fixture.model)
        if fixture.zipped:
            hostile.zip_folder(folder / name, folder / f"{name}.zip")
    step, loop, half = (
        read_bundle(folder / f"sudoku-4x4.{kind}") for kind in ("fp32.onnx-step", "fp32.onnx-loop", "fp16.onnx-step")
    )
    write_changed(step, folder / "nan", without_numbers(step.model_bytes()))
    write_changed(step, folder / "no-graph", b"no graph " * 99)
    write_changed(step, folder / "loop-as-step", loop.model_bytes())
    write_changed(step, folder / "fp16-as-fp32", half.model_bytes())


def write_changed(bundle: Bundle, path: Path, graph: bytes) -> None:
    """The bundle with another graph, listed as it is."""
    files = {name: (bundle.folder / name).read_bytes() for name in (GOLDEN, MODEL_CARD)}
    write_bundle(path, replace(bundle.manifest, name=path.name, files={}), {"model.onnx": graph, **files})


def without_numbers(graph: bytes) -> bytes:
    """The graph with NaN for every weight."""
    model = onnx.load_from_string(graph)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            nothing = np.full(tuple(tensor.dims), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(nothing, tensor.name))
    data: bytes = model.SerializeToString()
    return data


# -- writing ------------------------------------------------------------------------------------


def write_json(path: Path, sections: dict[str, list[dict[str, Any]]]) -> None:
    """A vector file, one case a line."""
    texts = []
    for name, cases in sections.items():
        lines = ",\n    ".join(json.dumps(case) for case in cases)
        texts.append(f'  "{name}": [\n    {lines}\n  ]')
    path.write_text("{\n" + ",\n".join(texts) + "\n}\n")


def make(out: Path) -> None:
    """Everything below ``out``."""
    bundles = out / "bundles"
    bundles.mkdir()
    stages: dict[str, Callable[[], None]] = {
        "bundles": lambda: write_bundles(bundles),
        "runs": lambda: write_json(out / "runs.json", runs.make(bundles)),
        "hostile": lambda: write_json(out / "hostile.json", hostile.make(out)),
    }
    for name, work in stages.items():
        started = time.monotonic()
        work()
        print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr)


def main(arguments: list[str]) -> None:
    """Write beside ``OUT`` and rename: nobody reads half of it."""
    if len(arguments) != 1:
        raise SystemExit("Usage: python tests/vectors/make.py OUT (a folder that does not exist yet)")
    out = Path(arguments[0]).absolute()
    if out.exists():
        raise SystemExit(f"{out} exists: remove it, or name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the models are small, and two threads that wait for each other are slower
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        make(building)
        building.chmod(0o755)
        os.rename(building, out)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
