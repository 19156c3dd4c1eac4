"""From nothing to the first answer in a browser: Chromium, WASM, int8 against fp32, and a supervision step there.

    python benchmarks/browser.py [--rounds 9] [--steps 4] [--threads N]

Models: the bundled 9x9, which halts by itself, and the official 9x9 configuration with random weights, which takes
``--steps`` steps. Every round gives each side a browser profile of its own, sides in turn: *first* is the first visit
(worker, library, graph and answer; the host is this machine, so the network costs nothing), *again* the second one,
with what the browser has kept. Needs Chromium, the Python package ``playwright``, and ``npm ci`` in ``web_demo``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import torch
from int8_latency import export as official_step
from record import RESULTS, document, write
from rounds import PAUSE, median_ratio
from step_latency import OFFICIAL

from trm_edge.deploy import ort_web
from trm_edge.deploy.placing import opened
from trm_edge.deploy.server import SiteServer
from trm_edge.deploy.site import PAGE, build_site
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.models_registry import resolve
from trm_edge.specs import GraphVariant, Precision

PUZZLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
PRECISIONS = (Precision.FP32, Precision.W8A8)
MODELS = ("sudoku-9x9", "official")
SWITCHES = ("--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update")
VISIT = """async ({ folder, puzzle, policy, steps, threads }) => {
    const { Client } = await import("/core/client.js");
    const began = performance.now();
    const since = () => (performance.now() - began) / 1000;
    const client = new Client(new Worker("/worker.js", { type: "module" }));
    const { bytes } = await client.request("open", { source: { folder } });
    const open = since();
    const started = await client.request("start", { providers: ["wasm"], threads });
    const start = since();
    const puzzles = [{ question: puzzle }];
    let answer, used;
    await client.request("solve", { puzzles, policy }, (event) => [answer, used] = [since(), event.steps]);
    const timed = [];
    const deep = { puzzles, policy: `fixed:${steps}`, budget: steps, steps: true };
    await client.request("solve", deep, (event) => event.kind === "step" && timed.push(event.milliseconds));
    client.terminate();
    const { threads: computing } = started;
    return { bytes, open, start: start - open, answer, steps: used, step_ms: Math.min(...timed), threads: computing };
}"""


@dataclass(frozen=True)
class Side:
    """One bundle, and how its rounds halt: None, by itself."""

    folder: Path
    policy: str | None


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=4, help="supervision steps of the official configuration")
    parser.add_argument("--threads", type=int, help="of WASM; default: the page's own choice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        sides = export(Path(folder), options.steps)
        with hosted([side.folder for side in sides.values()]) as url:
            visits = in_turn(browser, url, sides, options)
        results = {model: figures(model, visits) for model in MODELS}
        made = document("browser", vars(options), results)
        made["versions"] |= {"chromium": browser.version, "onnxruntime-web": ort_version()}
    for name, rows in results.items():
        print(name)
        for side, row in rows.items():
            print("  " + side.ljust(6), row)
    print("saved", write(RESULTS / "browser.json", made).name)


def export(folder: Path, steps: int) -> dict[str, Side]:
    """Bundles of both models in both precisions, by ``model.precision``."""
    torch.manual_seed(0)
    official = RecursiveModel(OFFICIAL).eval()
    bundled = load_checkpoint(resolve("sudoku-9x9"))
    sides = {}
    for precision in PRECISIONS:
        name = f"sudoku-9x9.{precision}"
        export_bundle(bundled, ExportOptions(precision=precision), folder / name, name=name)
        sides[name] = Side(folder / name, None)
        name = f"official.{precision}"
        official_step(official, "sudoku-9x9", GraphVariant.STEP, precision, steps, folder / name)
        sides[name] = Side(folder / name, f"fixed:{steps}")
    return sides


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        yield browser
        browser.close()


@contextmanager
def hosted(bundles: list[Path]) -> Iterator[str]:
    """The page with these bundles, on this machine."""
    with opened(bundles) as found, SiteServer(build_site(found, ort_web.find(PAGE, None)), port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.url
        server.shutdown()


def in_turn(
    browser: Any, url: str, sides: dict[str, Side], options: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    """What every round of every side took, its first visit and its second, after one uncounted round of each."""
    visits: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    with urlopen(f"{url}bundles/index.json") as answer:
        places = dict(zip(sides, (entry["path"] for entry in json.load(answer)["bundles"]), strict=True))
    for number in range(options.rounds + 1):
        for name, side in sides.items():
            time.sleep(PAUSE)
            context = browser.new_context()
            wish = {
                "folder": f"{url}bundles/{places[name]}/",
                "puzzle": PUZZLE,
                "policy": side.policy,
                "steps": options.steps,
                "threads": options.threads,
            }
            pair = []
            for _ in ("first", "again"):
                page = context.new_page()
                page.goto(f"{url}bundles/index.json")  # isolated like the page, and empty
                pair.append(page.evaluate(VISIT, wish))
                page.close()
            context.close()
            if number:
                visits[name].append({"first": pair[0], "again": pair[1]})
    return visits


def figures(model: str, visits: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Medians of a model's sides; ratios are the medians of the rounds' own ratios of int8 to fp32."""
    rows: dict[str, dict[str, Any]] = {}
    sides = {precision: visits[f"{model}.{precision}"] for precision in PRECISIONS}
    for precision, rounds in sides.items():
        row: dict[str, Any] = {"bytes": rounds[0]["first"]["bytes"], "threads": rounds[0]["first"]["threads"]}
        row["steps"] = rounds[0]["first"]["steps"]
        for visit in ("first", "again"):
            for part in ("open", "start", "answer"):
                row[f"{visit}_{part}_s"] = round(statistics.median(one[visit][part] for one in rounds), 3)
        row["ms_per_step"] = round(statistics.median(one["again"]["step_ms"] for one in rounds), 2)
        for key, visit, part in (
            ("first_answer", "first", "answer"),
            ("again_answer", "again", "answer"),
            ("step", "again", "step_ms"),
        ):
            values, references = ([one[visit][part] for one in of] for of in (rounds, sides[Precision.FP32]))
            row[f"{key}_ratio_to_fp32"] = median_ratio(values, references)
        rows[str(precision)] = row
    return rows


def ort_version() -> str:
    """The pinned version of onnxruntime-web."""
    package = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))
    return str(package["dependencies"]["onnxruntime-web"])


if __name__ == "__main__":
    main()
