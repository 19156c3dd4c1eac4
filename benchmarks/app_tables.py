"""The blocks of docs/apps.md: a step on the JVM, the first answer in a browser, the bytes of the Android app."""

from __future__ import annotations

import json
from typing import Any

from record import RESULTS


def jvm() -> str:
    """One supervision step of the Java library against Python."""
    document = _load("jvm_step")
    lines = ["| bundle | Java | Python | Java / Python |", "| --- | --- | --- | --- |"]
    for precision, row in document["results"].items():
        java, python = row["ms_per_step_jvm"], row["ms_per_step_python"]
        lines.append(f"| sudoku-9x9 {precision} | {java:.2f} ms | {python:.2f} ms | {row['ratio_jvm_to_python']:.2f} |")
    row, threads = next(iter(document["results"].values())), document["settings"]["threads"]
    engines = f"ONNX Runtime {row['onnxruntime_jvm']} under {row['jvm']}, {row['onnxruntime_python']} in Python"
    return "\n".join([*lines, "", f"A step, {threads} thread{'s' * (threads > 1)}; {engines}. {_source(document)}."])


def browser() -> str:
    """Chromium, WASM: from nothing to the first answer, and a step."""
    document = _load("browser")
    heads = ("model", "download", "first answer, first visit", "on a second visit", "a step", "a step, to fp32")
    lines = [_row(*heads), _row(*["---"] * len(heads))]
    for model, rows in document["results"].items():
        for precision, row in rows.items():
            seconds = (f"{row['first_answer_s']:.2f} s", f"{row['again_answer_s']:.2f} s")
            step = (f"{row['ms_per_step']:.0f} ms", f"{row['step_ratio_to_fp32']:.2f}")
            lines.append(_row(f"{model} {precision}", f"{row['bytes'] / 1e6:.1f} MB", *seconds, *step))
    threads = {row["threads"] for rows in document["results"].values() for row in rows.values()}
    how = f"WASM, {' or '.join(map(str, sorted(threads)))} threads, from a server on the same machine"
    return "\n".join([*lines, "", f"{how}. {_source(document)}."])


def apk() -> str:
    """What the APK weighs without native engines."""
    document = _load("apk_size")
    sizes = document["results"]
    total, bundles, own = (sizes[name] / 1e6 for name in ("apk", "bundles", "own"))
    weights = f"{own:.2f} MB of its own and {bundles:.1f} MB of bundles: {total:.1f} MB"
    return f"{weights}, without native engines. {document['date']}."


def _load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _source(document: dict[str, Any]) -> str:
    machine = document["machine"]
    return f"{document['date']}, {machine['processor']} ({machine['architecture']}, {machine['cores']} cores)"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
