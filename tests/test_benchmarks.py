"""Published numbers: results say what they were measured with, and the pages show exactly them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
MODELS = sorted((ROOT / "trm_edge" / "models").glob("*/results.json"))


@pytest.mark.parametrize("path", [*RESULTS, *MODELS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_result_names_machine_versions_and_date(path: Path) -> None:
    document = json.loads(path.read_text())
    assert {"benchmark", "date", "machine", "versions", "settings"} <= document.keys()
    assert document["machine"]["processor"]
    assert {"python", "torch", "numpy"} <= document["versions"].keys()


def test_every_result_is_made_by_a_script() -> None:
    made = {path.stem.partition("-")[0] for path in RESULTS}  # one script may run for several targets
    assert made <= {path.stem for path in (ROOT / "benchmarks").glob("*.py")}


def test_the_pages_show_the_committed_results() -> None:
    check = [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--check"]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def run_beside_the_scripts(script: str) -> str:
    """Run Python code that may import the benchmarks, in a process of its own; returns what it printed."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n{script}"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


TINY_MODEL = """
import torch
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
torch.set_num_threads(1)
torch.manual_seed(0)
model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=32, H_cycles=1, L_cycles=2)).eval()
tokens = torch.ones(1, 16, dtype=torch.int32)
"""


def test_the_plain_baseline_is_the_same_model() -> None:
    """A baseline that computed something else would make any ratio worthless."""
    pytest.importorskip("torch")
    run_beside_the_scripts(f"""{TINY_MODEL}
from plain_export import PlainStep
with torch.inference_mode():
    z_H, z_L, logits, q = model.step(*model.initial_carry(1), tokens)
    plain = PlainStep(model)(tokens, *model.initial_carry(1))
for ours, theirs in zip((logits, q, z_H, z_L), plain):
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
""")


def test_all_sides_of_int8_latency_run_and_the_int8_ones_are_int8() -> None:
    """At a tiny size: what is called int8 multiplies integers, in every product, the plain baseline too."""
    pytest.importorskip("onnxscript")
    printed = run_beside_the_scripts(f"""{TINY_MODEL}
import json
import int8_latency
import rounds
rounds.PAUSE = 0
int8_latency.memory = lambda path, threads: path.name  # a process for each: seconds
print(json.dumps(int8_latency.measure(model, task="sudoku-4x4", threads=1, rounds=1, steps=2, deep=3)))
""")
    results = json.loads(printed.splitlines()[-1])
    latency, kernels = results["latency"], results["kernels"]
    assert {"pytorch eager", "plain fp32", "plain int8", "step w8a8", "unrolled w8a8", "products alone"} <= set(latency)
    assert all(row["ms_per_step"] > 0 for row in latency.values())
    assert latency["plain int8"]["ratio_to_plain_int8"] == 1
    blocks, heads = 3 * 2 * 2, 2  # passes, layers, token and channel mixing
    assert kernels["products alone"]["products"] == 3 * blocks
    assert kernels["products alone"]["products_share"] == 1
    assert kernels["plain int8"]["products"] == 2 * blocks + heads  # gate and up in one
    for name in ("step w8a8-dynamic", "step w8a8", "loop w8a8", "unrolled w8a8"):
        assert kernels[name]["products"] == 3 * blocks + heads, name
    for name in kernels.keys() - {"step w8"}:  # int8 weights alone are multiplied in float
        assert {"MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger"} & kernels[name]["top"].keys(), name
    assert results["memory"]["unrolled w8a8, 3 steps"] == "deep"


def test_batches_compares_the_same_puzzles() -> None:
    """With a model that has learned nothing: nobody solves any, and nobody halts by the rules before the budget."""
    pytest.importorskip("onnxruntime")
    printed = run_beside_the_scripts(f"""{TINY_MODEL}
import json
import tempfile
from pathlib import Path
import batches
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.bundle import read_bundle
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.runtimes import open_session
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_many
checkpoint = Checkpoint(model, "sudoku-4x4")
puzzles = list(generate_many(get_task("sudoku-4x4"), 3, 0))
with tempfile.TemporaryDirectory() as folder:
    path = export_bundle(checkpoint, ExportOptions(steps=2), Path(folder, "bundle"), name="tiny")
    with read_bundle(path) as bundle, open_session(bundle, threads=1) as session:
        rows = batches.measure(checkpoint, dict(fp32=session), puzzles, batch=2, steps=2, rounds=1)
print(json.dumps(rows))
""")
    rows = {row["side"]: row for row in json.loads(printed.splitlines()[-1])}
    baseline, verified = rows["pytorch, all steps"], rows["fp32, verified"]
    assert baseline["speed_to_baseline"] == 1
    assert all(row["puzzles"] == 3 and row["puzzles_per_s"] > 0 for row in rows.values())
    assert baseline["exact"] == verified["exact"] == 0
    assert baseline["mean_steps"] == verified["mean_steps"] == 2


def test_the_profile_counts_kernels_once_and_leaves_the_warm_up_out() -> None:
    pytest.importorskip("torch")
    printed = run_beside_the_scripts("""
import json
from kernels import summarise
def kernel(ts, op, us):
    return {"name": f"{op}_1_kernel_time", "ts": ts, "dur": us, "args": {"op_name": op}}
run = lambda ts: {"name": "model_run", "ts": ts, "dur": 1, "args": {}}
events = [run(0), kernel(1, "MatMul", 900)]
events += [run(10), kernel(11, "Loop", 100), kernel(12, "MatMul", 60), kernel(13, "Add", 20), kernel(14, "MatMul", 0)]
print(json.dumps(summarise(events, steps=1, calls=1, top=1)))
""")
    found = json.loads(printed.splitlines()[-1])
    assert found == {"us": 80, "products_share": 0.75, "products": 2, "top": {"MatMul": 60}}


def test_the_tables_of_int8_and_batches() -> None:
    printed = run_beside_the_scripts("""
import tables
latency = {"ms_per_step": 2.0, "ratio_to_eager": 0.2, "ratio_to_plain_int8": 0.5, "ratio_to_step_fp32": 0.4}
memory = {"file_bytes": 4e6, "file_to_weights": 1.01, "load_bytes": 8e6, "run_bytes": 1e7}
batch = {"batch": 8, "side": "w8a8, act", "puzzles": 9, "puzzles_per_s": 70, "speed_to_baseline": 21, "exact": 0.5}
results = {
    "int8_latency": {
        "latency": {"step w8a8": latency | {"ratio_to_products": 1.25}},
        "kernels": {"step w8a8": {"products_share": 0.8}},
        "memory": {"step w8a8": memory, "a toy graph": memory | {"load_bytes": 2e6, "run_bytes": 2e6}},
    },
    "batches": [batch | {"mean_steps": 1.5}],
}
common = {
    "date": "2026-01-01",
    "machine": {"processor": "P", "architecture": "A", "cores": 2},
    "versions": {"torch": "1", "onnxruntime": "1"},
    "settings": {"threads": 2, "steps": 4, "data": "generated", "givens": 30},
}
tables.load = lambda path: common | {"results": results[path.stem]}
for name in ("int8-latency", "int8-memory", "batches"):
    print(tables.filled(f"<!-- numbers: {name} -->\\nold\\n<!-- /numbers -->"))
""")
    assert "old" not in printed
    assert "| step w8a8 | 2.0 | 5.00 x | 2.00 x | 2.50 x | 80 % |" in printed
    assert "| step w8a8 | 4.00 MB | 1.010 | 8.0 MB (1.50 x) | 10.0 MB (2.00 x) |" in printed
    assert "| 8 | w8a8, act | 9 | 70.0 | 21.0 x | 50.0 % | 1.50 |" in printed


def test_a_reference_model_of_any_task_is_measured_and_described(tmp_path: Path) -> None:
    """Models that have learned nothing: they solve nothing, and everything about them is written."""
    pytest.importorskip("torch")
    image = pytest.importorskip("PIL.Image")
    run_beside_the_scripts(f"""
import argparse
from pathlib import Path
import torch
import reference_models
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks import get_task
from trm_edge.train.loop import save_model
from trm_edge.train.recipe import Recipe
from trm_edge.train.state import ActState, TrainState, save_state
torch.set_num_threads(1)
shape = dict(hidden_size=16, L_layers=1, H_cycles=1, L_cycles=1, mlp_t=True)
fresh = {{"sudoku-4x4": [dict(givens=6), dict(givens=8)], "maze-mini": [{{}}]}}
reference_models.FRESH = fresh
for name, task in (("sudoku-4x4", "sudoku-4x4"), ("maze-mini", "maze-5x5")):
    folder = Path({str(tmp_path)!r}, name)
    run = folder / "run"
    run.mkdir(parents=True)
    recipe = Recipe(task=task, model=shape, steps=9)
    sizes = dict(vocab_size=get_task(task).vocab_size, seq_len=get_task(task).seq_len)
    model = RecursiveModel(recipe.model_config(**sizes))
    act = ActState.fresh(model, 1, torch.device("cpu"))
    save_state(run, TrainState(model, {{}}, [], act, step=2, seconds=90.0), recipe, data="")
    save_model(run / "model.safetensors", model, task)
    (run / "log.csv").write_text("step,minutes,loss\\n2,1.5,1\\n")
    reference_models.publish(
        argparse.Namespace(name=name, run=run, data=None, puzzles=20, steps=2, trained_on="nothing", hardware="a core"),
        folder,
    )
""")
    for name in ("sudoku-4x4", "maze-mini"):
        folder = tmp_path / name
        results = json.loads((folder / "results.json").read_text())
        assert results["puzzles"] == sum(row["puzzles"] for row in results["sets"]) == 20
        assert (results["training_steps"], results["training_minutes"], results["recipe"]["steps"]) == (2, 1.5, 9)
        card = (folder / "model-card.md").read_text()
        for part in ("2 of its 9 optimizer steps", "1.5 minutes on a core", "curve.png"):
            assert part in card, part
        assert image.open(folder / "curve.png").width == 1440
        assert (folder / "curve.svg").read_text().startswith("<svg")
        assert (folder / "model.safetensors").read_bytes() == (folder / "run" / "model.safetensors").read_bytes()
        if name == "sudoku-4x4":
            assert [row["givens"] for row in results["sets"]] == [6, 8]
            assert "| generated | 6 givens | 10 |" in card
        else:
            lengths = [row["path_length"] for row in results["sets"]]
            assert len(lengths) > 1, "mazes are shown by the length of their path"
            assert lengths == sorted(lengths)
            assert f"| generated | path of {lengths[0]:g} steps |" in card


def test_the_table_of_votes_is_what_votes_come_to() -> None:
    """Read off one run of each start, with the largest budget: the same as voting anew for every row."""
    pytest.importorskip("onnxruntime")
    printed = run_beside_the_scripts("""
import json
import tempfile
from pathlib import Path
import voting
from trm_edge.bundle import read_bundle
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import open_session
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_many
from trm_edge.verify.voting import evaluate
task = get_task("sudoku-4x4")
puzzles = list(generate_many(task, 40, 0, dict(givens=4)))
with tempfile.TemporaryDirectory() as folder:
    path = export_bundle(load_checkpoint(resolve("sudoku-4x4")), ExportOptions(), Path(folder, "b"), name="tiny")
    with read_bundle(path) as bundle, open_session(bundle, threads=1) as session:
        needed = voting.steps_needed(Solver(session, task, policy="verified", budget=3), puzzles, 4, 1)
        rows = voting.table(needed, (1, 3), (1, 2, 4))
        anew = []
        for row in rows:
            solver = Solver(session, task, policy="verified", budget=row["budget"])
            found = evaluate(solver, puzzles, f"verified:{row['starts']}")
            anew.append([found.voted.total.by_rules, found.mean_starts, found.voted.total.mean_steps])
print(json.dumps([rows, anew]))
""")
    rows, anew = json.loads(printed.splitlines()[-1])
    assert [[row["exact"], row["mean_starts"], row["mean_steps"]] for row in rows] == [
        [round(figure, places) for figure, places in zip(figures, (4, 3, 2), strict=True)] for figures in anew
    ]
    assert len({row["exact"] for row in rows}) > 1, "more steps and more starts do something"
