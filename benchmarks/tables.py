"""Put measured numbers into the README and the docs, from the committed results only.

    python benchmarks/tables.py            # rewrite the blocks
    python benchmarks/tables.py --check    # exit 1 if one differs (a test does this)

A block lies between ``<!-- numbers: NAME -->`` and ``<!-- /numbers -->``; ``NAME`` is one of :data:`TABLES`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import app_tables
import target_tables
from record import RESULTS

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- numbers: (\S+) -->\n).*?(<!-- /numbers -->)", re.DOTALL)
GROWTH = ("load", "run")  #: when memory was looked at


def load(path: Path) -> dict[str, Any]:
    """One committed result."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def source(document: dict[str, Any]) -> str:
    """Where and when it was measured."""
    machine, versions = document["machine"], document["versions"]
    return (
        f"{document['date']}, {machine['processor']} ({machine['architecture']}, {machine['cores']} cores), "
        f"torch {versions['torch']}, onnxruntime {versions['onnxruntime']}"
    )


def step_latency() -> str:
    """One supervision step of the official 512-wide 9x9 configuration."""
    document = load(RESULTS / "step_latency.json")
    lines = ["| | ms a step | against PyTorch | against the plain export |", "| --- | --- | --- | --- |"]
    for name, row in document["results"]["latency"].items():
        eager, plain = row["ratio_to_pytorch"], row["ratio_to_plain"]
        lines.append(f"| {name} | {row['ms_per_step']:.1f} | {eager:.2f} x the time | {plain:.2f} x the time |")
    threads = document["settings"]["threads"]
    lines += ["", f"Batch 1, {threads} threads, medians of interleaved rounds; {source(document)}."]
    return "\n".join(lines)


def cold_start() -> str:
    """From the start of a process."""
    document = load(RESULTS / "cold_start.json")
    lines = ["| process start to ... | median | fastest |", "| --- | --- | --- |"]
    for name, row in document["results"].items():
        lines.append(f"| `{name}` | {row['median_s']:.2f} s | {row['min_s']:.2f} s |")
    return "\n".join([*lines, "", f"{source(document)}."])


def models() -> str:
    """Exact accuracy of the reference models."""
    heads = ("model", "puzzles", "difficulty (mean)", "count", "exact, 16 steps", "exact when halting", "mean steps")
    lines = [_row(*heads), _row(*["---"] * len(heads))]
    for path in sorted((ROOT / "trm_edge" / "models").glob("*/results.json"), reverse=True):
        for row in load(path)["sets"]:
            lines.append(
                f"| {path.parent.name} | {row['source']} | {difficulty(row)} | {row['puzzles']} "
                f"| {100 * row['exact']:.1f} % | {100 * row['exact_at_halt']:.1f} % | {row['mean_steps']:.2f} |"
            )
    return "\n".join(lines)


def difficulty(row: dict[str, Any]) -> str:
    """How hard the puzzles of a set are, on average."""
    if "givens" in row:
        return f"{row['givens']:g} givens"
    return f"path of {row['path_length']:g} steps" if "path_length" in row else ""


def thresholds() -> str:
    """What a higher threshold buys, and costs, with the bundled 9x9 model."""
    lines = ["| puzzles | givens (mean) | halt when logit > | exact | mean steps |", "| --- | --- | --- | --- | --- |"]
    for row in load(ROOT / "trm_edge" / "models" / "sudoku-9x9" / "results.json")["sets"]:
        for threshold, found in row["by_threshold"].items():
            lines.append(
                f"| {row['source']} | {row['givens']:g} | {threshold} | {100 * found['exact']:.1f} % "
                f"| {found['steps']:.2f} |"
            )
        lines.append(f"| {row['source']} | {row['givens']:g} | never | {100 * row['exact']:.1f} % | 16 |")
    return "\n".join(lines)


def parity() -> str:
    """The bundled models against the graphs made of them."""
    document = load(RESULTS / "parity.json")
    lines = [
        "| model | graph | precision | file | file / weights | same answers | same halting | local logits error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in document["results"]:
        count = row["puzzles"]
        lines.append(
            f"| {row['model']} | {row['graph']} | {row['precision']} | {row['file_bytes'] / 1e6:.2f} MB "
            f"| {row['file_to_weights']:.3f} | {row['same_answers']}/{count} | {row['same_halting_steps']}/{count} "
            f"| {row['local_logits_error']:.1e} |"
        )
    return "\n".join([*lines, "", f"{source(document)}."])


def int8_latency() -> str:
    """One int8 step of the official 512-wide 9x9 configuration, and where its time goes."""
    document = load(RESULTS / "int8_latency.json")
    lines = [
        "| | ms a step | against PyTorch | against plain int8 | against our fp32 | in matrix products |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in document["results"]["latency"].items():
        faster = " | ".join(f"{1 / row[f'ratio_to_{short}']:.2f} x" for short in ("eager", "plain_int8", "step_fp32"))
        kernels = document["results"]["kernels"].get(name)
        share = f"{100 * kernels['products_share']:.0f} %" if kernels else ""
        lines.append(f"| {name} | {row['ms_per_step']:.1f} | {faster} | {share} |")
    floor = document["results"]["latency"]["step w8a8"]["ratio_to_products"]
    settings = document["settings"]
    lines += [
        "",
        f"How many times as fast, batch 1, {settings['threads']} threads, medians of interleaved rounds of "
        f"{settings['steps']} steps; our w8a8 step takes {floor:.2f} x the time of its products alone; "
        f"{source(document)}.",
    ]
    return "\n".join(lines)


def int8_memory() -> str:
    """Bytes of the same graphs, and what a fresh process grows by."""
    document = load(RESULTS / "int8_latency.json")
    lines = [
        "| | file | file / weights | resident after load | after the first run |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows = document["results"]["memory"]
    engine = rows["a toy graph"]
    for name, row in rows.items():
        grown = []
        for when in GROWTH:
            above = (row[f"{when}_bytes"] - engine[f"{when}_bytes"]) / row["file_bytes"]
            grown.append(f"{row[f'{when}_bytes'] / 1e6:.1f} MB" + ("" if row is engine else f" ({above:.2f} x)"))
        cells = " | ".join(grown)
        lines.append(f"| {name} | {row['file_bytes'] / 1e6:.2f} MB | {row['file_to_weights']:.3f} | {cells} |")
    return "\n".join([*lines, "", f"In brackets: what exceeds the toy graph, over the file. {source(document)}."])


def executorch_step() -> str:
    """The same step as an ExecuTorch program."""
    document = load(RESULTS / "executorch_step.json")
    lines = [
        "| | ms a step | against ONNX w8a8 | export | file / weights | resident after load |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in document["results"].items():
        lines.append(
            f"| {name} | {row['ms_per_step']:.1f} | {row['ratio_to_onnx_w8a8']:.2f} x | {row['export_s']:.0f} s "
            f"| {row['file_to_weights']:.3f} | {row['load_bytes'] / 1e6:.1f} MB |"
        )
    return "\n".join([*lines, "", f"Each measurement in a process of its own. {source(document)}."])


def int8_accuracy() -> str:
    """Exact accuracy of the bundled 9x9 model by precision."""
    document = load(RESULTS / "int8_accuracy.json")
    rows = document["results"]
    sets = [name for name in rows[0] if name != "side"]
    heads = [f"{name}: exact | steps | same halting" for name in sets]
    lines = [f"| | {' | '.join(heads)} |", "| --- " * (1 + 3 * len(sets)) + "|"]
    for row in rows:
        cells = []
        for found in (row[name] for name in sets):
            shares = (f"{100 * found[share]:.1f} %" for share in ("exact", "same_halting"))
            cells.append(f" | {found['mean_steps']:.2f} | ".join(shares))
        lines.append(f"| {row['side']} | {' | '.join(cells)} |")
    settings = document["settings"]
    said = f"{settings['puzzles']} puzzles a column, halting by {settings['halt']}"
    return "\n".join([*lines, "", f"{said}; halting against the first row. {source(document)}."])


def batches() -> str:
    """Puzzles a second of the bundled 9x9 model."""
    document = load(RESULTS / "batches.json")
    lines = [
        "| batch | side | puzzles | puzzles/s | against PyTorch | exact | mean steps |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in document["results"]:
        lines.append(
            f"| {row['batch']} | {row['side']} | {row['puzzles']} | {row['puzzles_per_s']:.1f} "
            f"| {row['speed_to_baseline']:.1f} x | {100 * row['exact']:.1f} % | {row['mean_steps']:.2f} |"
        )
    settings = document["settings"]
    puzzles = f"generated, {settings['givens']} givens" if settings["data"] == "generated" else settings["data"]
    lines += ["", f"Puzzles: {puzzles}; {settings['threads']} threads; {source(document)}."]
    return "\n".join(lines)


def matrix() -> str:
    """Every combination: ok, or the number of the reason. Kinds of model that do not differ share a row."""
    document = load(RESULTS / "matrix.json")
    notes: list[str] = []
    cells: dict[tuple[str, str], dict[str, dict[str, str]]] = {}  # (format, graph) -> kind -> precision -> cell
    for row in document["results"]:
        format = f"{row['format']}, {row['backend']}" if row["backend"] else row["format"]
        reason = row["refusal"] or "; ".join(row["violations"])
        if reason and reason not in notes:
            notes.append(reason)
        word = "" if row["refusal"] else "fails "
        cell = f"{word}({notes.index(reason) + 1})" if reason else "ok"
        cells.setdefault((format, row["graph"]), {}).setdefault(row["kind"], {})[row["precision"]] = cell
    precisions = list(dict.fromkeys(row["precision"] for row in document["results"]))
    lines = [_row("format", "graph", "model", *precisions), _row(*["---"] * (3 + len(precisions)))]
    for (format, graph), of_kind in cells.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for kind, of_precision in of_kind.items():
            alike.setdefault(tuple(of_precision[precision] for precision in precisions), []).append(kind)
        for row_cells, kinds in alike.items():
            lines.append(_row(format, graph, "all" if len(kinds) == len(of_kind) else ", ".join(kinds), *row_cells))
    lines += ["", *(f"{number}. {reason}" for number, reason in enumerate(notes, start=1))]
    return "\n".join([*lines, "", f"{source(document)}."])


def matrix_policies() -> str:
    """Same answers and same halting steps as the float model, over all the combinations that run."""
    document = load(RESULTS / "matrix.json")
    ran = [row for row in document["results"] if row["policies"]]
    precisions = list(dict.fromkeys(row["precision"] for row in ran))
    lines = [_row("halting policy", *precisions), _row(*["---"] * (1 + len(precisions)))]
    reasons = set()
    for policy in document["settings"]["policies"]:
        shown = []
        for precision in precisions:
            found = [row["policies"][policy] for row in ran if row["precision"] == precision]
            reasons |= {halting["refusal"] for halting in found if halting["refusal"]}
            counted = [halting for halting in found if not halting["refusal"]]
            count = document["settings"]["puzzles"] * len(counted)
            answers, steps = (100 * sum(halting[key] for halting in counted) / count for key in ("answers", "steps"))
            shown.append(f"{answers:.1f} / {steps:.1f} %")
        lines.append(_row(f"`{policy}`", *shown))
    lines += ["", "Refused:", *(f"- {reason}" for reason in sorted(reasons))]
    return "\n".join([*lines, "", f"{source(document)}."])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def generator() -> str:
    """Sudoku puzzles a second, from the generator in Python and from the compiled one."""
    document = load(RESULTS / "generator.json")
    lines = [_row("asked for", "in Python, puzzles/s", "compiled, puzzles/s", "ratio", "need search")]
    lines.append(_row(*["---"] * 5))
    for name, row in document["results"]["puzzles"].items():
        numbers = (f"{row['python_per_s']:,.0f}", f"{row['bulk_per_s']:,.0f}", f"{row['ratio']:.0f} x")
        lines.append(_row(name, *numbers, f"{100 * row['bulk_techniques'][3]:.0f} %"))
    first = document["results"]["first_call_s"]
    said = f"First call: {first['compiling']:.1f} s once, then {first['cached']:.1f} s"
    return "\n".join([*lines, "", f"A second of one core's time, best of rounds. {said}; {source(document)}."])


def train_step() -> str:
    """One optimizer step of the official configuration, the published model against ours."""
    document = load(RESULTS / "train_step.json")
    lines = [_row("", "ms a step", "speed", "first steps, compiling"), _row(*["---"] * 4)]
    for name, row in document["results"].items():
        lines.append(
            _row(name, f"{row['ms_per_step']:.0f}", f"{row['speed_up']:.2f} x", f"{row['first_steps_s']:.0f} s")
        )
    settings = document["settings"]
    said = f"Batch {settings['batch']}, {settings['threads']} threads, bfloat16, medians of interleaved rounds"
    return "\n".join([*lines, "", f"{said}; {source(document)}."])


def voting() -> str:
    """More steps against more starts, with the bundled 9x9 model."""
    document = load(RESULTS / "voting.json")
    rows, settings = document["results"], document["settings"]
    starts = list(dict.fromkeys(row["starts"] for row in rows))
    found = {(row["budget"], row["starts"]): row for row in rows}
    lines = [_row("steps a start", *(f"`verified:{count}`" for count in starts)), _row(*["---"] * (1 + len(starts)))]
    for budget in dict.fromkeys(row["budget"] for row in rows):
        cells = (found[budget, count] for count in starts)
        lines.append(_row(str(budget), *(f"{100 * c['exact']:.1f} % / {c['mean_steps']:.0f}" for c in cells)))
    said = f"Exact / mean steps of all starts; {settings['puzzles']} puzzles of {settings['data']}"
    return "\n".join([*lines, "", f"{said}; {source(document)}."])


TABLES: dict[str, Callable[[], str]] = {
    "step_latency": step_latency,
    "cold_start": cold_start,
    "models": models,
    "thresholds": thresholds,
    "parity": parity,
    "int8-latency": int8_latency,
    "int8-memory": int8_memory,
    "batches": batches,
    "int8-accuracy": int8_accuracy,
    "executorch-step": executorch_step,
    "matrix": matrix,
    "matrix-policies": matrix_policies,
    "generator": generator,
    "train-step": train_step,
    "voting": voting,
    "targets": target_tables.registry,
    "target-environments": target_tables.environments,
    "target-parity": target_tables.parity,
    "target-depth": target_tables.depth,
    "target-vela": target_tables.vela,
    "target-tests": target_tables.tests,
    "app-jvm": app_tables.jvm,
    "app-browser": app_tables.browser,
    "app-apk": app_tables.apk,
}


def filled(text: str) -> str:
    """``text`` with every block written anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", text)


def main() -> int:
    """Rewrite or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if filled(text) != text:
            stale.append(path.name)
            if not check:
                path.write_text(filled(text), encoding="utf-8")
    print("differs from the results:" if check else "rewritten:", ", ".join(stale) or "none")
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
