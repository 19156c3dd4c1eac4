"""The blocks of docs/targets.md: the registry of targets as it is, and what the runs on each found."""

from __future__ import annotations

import json
from typing import Any

from record import RESULTS

from trm_edge.cli.targets import runs
from trm_edge.environments import ENVIRONMENTS
from trm_edge.export.targets import get_target, target_ids

DEPTHS = (1, 4, 8, 16)  #: supervision steps whose errors are shown


def registry() -> str:
    """Every target: evidence, what it runs, how it is installed."""
    lines = ["| target | evidence | usual | runs | install |", "| --- | --- | --- | --- | --- |"]
    for id in target_ids():
        target = get_target(id)
        listed = "; ".join(
            f"{format} {graph}: {', '.join(precisions)}"
            for format, graphs in runs(target).items()
            for graph, precisions in graphs.items()
        )
        usual = f"{target.usual.format} {target.usual.graph} {target.usual.precision}"
        lines.append(f"| `{id}` | **{target.evidence}** | {usual} | {listed} | `{target.install_line()}` |")
    notes = []
    for id in target_ids():
        target = get_target(id)
        notes.append(f"- `{id}`: {target.description}. {_sentence(target.evidence_note)}")
    return "\n".join([*lines, "", *notes])


def environments() -> str:
    """What `trm-edge targets install` makes."""
    lines = ["| environment | about | for |", "| --- | --- | --- |"]
    lines += [f"| `{e.name}` | {e.gigabytes:g} GB | {e.purpose} |" for e in ENVIRONMENTS.values()]
    return "\n".join(lines)


def parity() -> str:
    """Each executed target against the float model."""
    heads = ("target", "model", "precision", "placed", "puzzles", "same answer", "same halting step")
    heads += ("right (float)", "logits error, one step")
    lines = [_row(*heads), _row(*["---"] * len(heads))]
    for document in _results():
        for row in document["results"]:
            lines.append(_row(_name(document), *_parity_cells(row)))
    broken = [
        f"- Out of bounds: {_name(document)} {row['model']} {row['precision']}: {'; '.join(row['violations'])}."
        for document in _results()
        for row in document["results"]
        if row["violations"]
    ]
    return "\n".join([*lines, "", *broken, *_sources()])


def depth() -> str:
    """How the error grows with recursion depth, where nothing halts."""
    heads = ("target", "model", "precision", *(f"step {step}" for step in DEPTHS))
    lines = [_row(*heads), _row(*["---"] * len(heads))]
    for document in _results():
        for row in document["results"]:
            by_step = {error["step"]: error for error in row["by_depth"]}
            cells = [_error(by_step[step]) if step in by_step else "" for step in DEPTHS]
            lines.append(_row(_name(document), row["model"], row["precision"], *cells))
    return "\n".join([*lines, "", "Mean absolute error of the logits / share of equal answers, budget not halted."])


def vela() -> str:
    """What Vela estimates for Ethos-U."""
    document = json.loads((RESULTS / "ethos_u.json").read_text(encoding="utf-8"))
    heads = ("model", "precision", "accelerator", "cycles a step", "ms a step", "SRAM", "flash", "flash / weights")
    lines = [_row(*heads), _row(*["---"] * len(heads))]
    for row in document["results"]:
        cycles, ms = f"{row['step_cycles']:,}", f"{row['step_milliseconds']:.2f} at {row['clock_mhz']:.0f} MHz"
        memory = (f"{row['sram_bytes'] / 1e3:.0f} kB", f"{row['flash_bytes'] / 1e6:.2f} MB")
        ratio = f"{row['flash_to_weights']:.3f}"
        lines.append(_row(row["model"], row["precision"], row["accelerator"], cycles, ms, *memory, ratio))
    said = "All operators of the network on the NPU; `random-512` has the size of the official Sudoku model, untrained"
    return "\n".join([*lines, "", f"{said}. {document['date']}, Vela's estimates, run on no hardware."])


def tests() -> str:
    """What the last `make test-targets` ended with."""
    document = json.loads((RESULTS / "target_tests.json").read_text(encoding="utf-8"))
    ends = ("passed", "skipped", "failure", "error")
    heads = ("tests", "passed", "skipped", "failed")
    lines = [_row(*heads), _row(*["---"] * len(heads))]
    for name, counts in document["results"].items():
        passed, skipped, *bad = (counts.get(end, 0) for end in ends)
        lines.append(_row(f"`{name.replace('.', '/')}.py`", *map(str, (passed, skipped, sum(bad)))))
    machine = document["machine"]
    where = f"{document['date']}, {machine['processor']} ({machine['architecture']})"
    return "\n".join([*lines, "", f"{where}; executorch {document['versions']['executorch']}."])


def _parity_cells(row: dict[str, Any]) -> list[str]:
    placed, count = row.get("placement"), row["puzzles"]
    where = "" if placed is None else f"{placed['placed']} of {placed['placed'] + sum(placed['elsewhere'].values())}"
    right = f"{row['right']} ({row['right_float']}) of {row['judged']}"
    return [
        row["model"],
        row["precision"],
        where,
        str(count),
        str(row["same_answers"]),
        str(row["same_halting_steps"]),
        right,
        f"{row['local_logits_error']:.2g}",
    ]


def _error(error: dict[str, Any]) -> str:
    return f"{error['logits_mean']:.2g} / {100 * error['identical']:.0f} %"


def _results() -> list[dict[str, Any]]:
    """The committed runs, in the order of the registry."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("target_parity-*.json")]
    order = {id: number for number, id in enumerate(target_ids())}
    return sorted(documents, key=lambda document: (order[document["settings"]["target"]], document["benchmark"]))


def _name(document: dict[str, Any]) -> str:
    """The target, and the runtime where it is not the target's own."""
    settings, row = document["settings"], document["results"][0]
    emulated = f" ({row['runtime']})" if settings["target"] == "cpu" and row["runtime"] == "arm64" else ""
    return f"`{settings['target']}`{emulated}"


def _sources() -> list[str]:
    """Where and when each was run."""
    lines = []
    for document in _results():
        row, machine = document["results"][0], document["machine"]
        versions = ", ".join(f"{tool} {document['versions'][tool]}" for tool in ("onnxruntime", "executorch", "torch"))
        where = f"{machine['processor']} ({machine['architecture']})"
        how = document["settings"].get("emulator") or row["provider"]
        lines.append(f"- {_name(document)} {row['precision']}: {document['date']}, {how}, on {where}; {versions}.")
    return lines


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
