"""What the page answers: the same as Python, on WebAssembly and on WebGPU, under every way of halting."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import FIRST, ORT, Host, Tab

pytestmark = pytest.mark.apps

Runs = list[dict[str, Any]]
MOST = 4  # puzzles of a run: what differs between puzzles is tested in node


def _settings(tab: Tab, policy: str | None, budget: int | None) -> None:
    """What a run asks for, in the form; None: the bundle's own, as the form shows it."""
    if policy is not None:
        tab.page.select_option("#policy", "own")
        tab.page.fill("#own-policy", policy)
    if budget is not None:
        tab.page.fill("#budget", str(budget))


def _of(runs: Runs, task: str, site: Path) -> Runs:
    """Runs of bundles that the page lists."""
    found = [run for run in runs if run["bundle"].startswith(task) and (site / "bundles" / run["bundle"]).is_dir()]
    if not found:
        pytest.skip(f"no run of {task}")
    return found


@pytest.mark.parametrize("task", ["sudoku-4x4", "sudoku-9x9", "maze", "arc", "puzzles", "rope", "hrm"])
def test_answers_and_halting_steps_equal_pythons(tab: Tab, runs: Runs, site: Path, task: str) -> None:
    for run in _of(runs, task, site):
        tab.choose(run["bundle"])
        _settings(tab, run["policy"], run["budget"])
        differ = 0
        for puzzle, expected in list(zip(run["puzzles"], run["expect"], strict=True))[:MOST]:
            tab.give(puzzle["question"])
            if tab.page.is_visible("#puzzle-id"):
                tab.page.select_option("#puzzle-id", str(puzzle["puzzle_id"]))
            tab.solve()
            assert tab.text("#solve-error") == "", run["name"]
            line = tab.text("#result")
            steps = f" {expected['steps']} step{'s' if expected['steps'] > 1 else ''}, "
            same = steps in line and ("it halted" in line) == expected["halted"] and _shown(tab) == expected["answer"]
            judged = {True: "Solved", False: "Not solved", None: "Answered"}[expected["solved"]]
            differ += not (same and line.startswith(judged))
        assert differ <= run["forgive"], run["name"]


def _shown(tab: Tab) -> str:
    """The board as the task writes it."""
    rows = "(rows) => rows.map((row) => [...row.children].map((cell) => cell.ariaLabel.split(': ')[1]))"
    grid = tab.page.eval_on_selector_all("#board [role=row]", rows)
    family = tab.page.get_attribute("#board", "data-family")
    match family:
        case "sudoku":
            return "".join(word.partition(",")[0].replace("empty", ".") for row in grid for word in row)
        case "maze":
            symbols = {"nothing": " ", "wall": "#", "floor": " ", "start": "S", "goal": "G", "path": "o"}
            return "".join(symbols[word.partition(",")[0]] for row in grid for word in row)
        case _:
            return "/".join("".join(word.partition(",")[0] for word in row) for row in grid)


def test_webgpu_answers_the_same(tab: Tab, runs: Runs) -> None:
    run = next(run for run in runs if run["bundle"] == FIRST)
    tab.page.check("input[value=webgpu]")
    for puzzle, expected in list(zip(run["puzzles"], run["expect"], strict=True))[:2]:
        tab.give(puzzle["question"])
        tab.solve()
        assert "Runs on WebGPU" in tab.text("#engine-note")
        assert _shown(tab) == expected["answer"]
        assert f"{expected['steps']} step" in tab.text("#result")


def test_without_webgpu_the_page_says_why(new_tab: Callable[..., Tab], host: Host) -> None:
    tab = new_tab()
    tab.context.add_init_script("Object.defineProperty(navigator, 'gpu', { value: undefined })")
    tab.open(host.url)
    assert tab.page.is_disabled("input[value=webgpu]")
    assert "No WebGPU: this browser does not offer it" in tab.text("#engine-note")


def test_the_form_starts_with_the_bundles_defaults(tab: Tab) -> None:
    halting = tab.page.evaluate("fetch('bundles/sudoku-4x4.fp32.onnx-step/manifest.json').then((file) => file.json())")
    halting = halting["halting"]
    assert tab.page.input_value("#policy") == halting["policy"] == "act"
    assert float(tab.page.input_value("#threshold")) == halting["threshold"]
    assert tab.page.input_value("#min-steps") == str(halting["min_steps"])
    assert tab.page.input_value("#budget") == str(halting["max_steps"])


def test_a_fixed_number_of_steps(tab: Tab) -> None:
    tab.page.select_option("#policy", "fixed")
    tab.page.fill("#budget", "5")
    tab.solve()
    assert "5 steps" in tab.text("#result")
    assert tab.page.get_attribute("#position", "max") == "5"
    assert tab.page.locator("#curve .point").count() == 5
    assert tab.page.locator("#curve .threshold").count() == 0, "a fixed number of steps has no threshold"


def test_act_halts_above_its_threshold_and_not_before_its_first_step(tab: Tab) -> None:
    tab.page.fill("#min-steps", "3")
    tab.solve()
    assert "3 steps" in tab.text("#result")
    assert tab.page.locator("#curve .point.halted").count() == 1
    tab.page.fill("#threshold", "1000")
    tab.solve()
    assert "the budget was spent" in tab.text("#result")
    assert tab.page.locator("#curve .point.halted").count() == 0


def test_the_picture_follows_the_recursion(tab: Tab) -> None:
    tab.page.select_option("#policy", "fixed")
    tab.page.fill("#budget", "3")
    question = tab.board()
    tab.solve()
    answer = tab.board()
    assert "." in question
    assert "." not in answer
    tab.page.press("#position", "Home")
    assert tab.board() == question
    assert tab.page.locator("#board .changed").count() == 0
    tab.page.click("#next")
    assert tab.page.locator("#board .changed").count() == question.count("."), "the first step fills what was empty"
    assert tab.text("#step-line").startswith(f"Step 1: {question.count('.')} cells changed, halting probability")
    tab.page.click("#previous")
    tab.page.click("#play")
    tab.wait_text("#step-line", "Step 3")
    assert tab.board() == answer


def test_every_step_is_shown_while_it_solves(new_tab: Callable[..., Tab], host: Host) -> None:
    tab = new_tab(reduced_motion="no-preference")
    tab.open(host.url)
    tab.page.select_option("#policy", "fixed")
    tab.page.fill("#budget", "4")
    tab.page.evaluate(
        """() => {
            globalThis.seen = [];
            const line = document.getElementById("step-line");
            new MutationObserver(() => seen.push(line.textContent.split(":")[0])).observe(line, { childList: true });
        }"""
    )
    tab.page.click("#solve")
    tab.wait_text("#step-line", "Step 4")
    assert [line for line in tab.page.evaluate("seen") if line.startswith("Step")] == [
        f"Step {n}" for n in (1, 2, 3, 4)
    ]


def test_stop_ends_a_run_that_goes_on(tab: Tab) -> None:
    tab.page.select_option("#policy", "fixed")
    tab.page.fill("#budget", "1000")
    tab.page.click("#solve")
    tab.wait("document.getElementById('position').max > 2")
    tab.page.click("#stop")
    line = tab.wait_text("#result", "Stopped after")
    assert int(line.split()[2]) < 1000
    tab.ready()
    tab.page.fill("#budget", "2")
    tab.solve()
    assert "2 steps" in tab.text("#result"), "and it solves again"


def test_stop_while_the_engine_is_loaded(new_tab: Callable[..., Tab], host: Host) -> None:
    tab = new_tab(service_workers="block")

    def later(route: Any) -> None:
        tab.page.wait_for_timeout(500)
        route.continue_()

    tab.context.route("**/vendor/*.wasm", later)
    tab.open(host.url)
    tab.page.click("#solve")
    tab.page.click("#stop")
    assert tab.wait_text("#result", "Stopped") == "Stopped after 0 steps."
    tab.ready()
    tab.solve()
    assert tab.text("#result").startswith("Solved")


def test_typing_by_keyboard_alone_from_the_first_key_to_the_answer(tab: Tab) -> None:
    page = tab.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(4):
        for key in ("Home", *(("Delete", "ArrowRight") * 4), "ArrowDown"):
            page.keyboard.press(key)
    page.keyboard.press("Control+Home")
    keys = [
        "1",
        "ArrowRight",
        "ArrowRight",
        "3",
        "End",
        "ArrowDown",
        "1",
        "Control+End",
        "3",
        "4",
        "Delete",
        "Control+Home",
    ]
    for key in keys:
        page.keyboard.press(key)
    assert tab.board() == "1.3....1........"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "solve":
            break
    page.keyboard.press("Enter")
    tab.wait_text("#result", "Solved")
    tab.ready()
    assert page.evaluate("document.activeElement.id") == "solve", "the keyboard is where it was"


def test_a_puzzle_can_be_pasted_into_the_board(tab: Tab) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.evaluate("navigator.clipboard.writeText('1.3. ..1. .4.. ..2.')")
    tab.page.locator("#board [role=gridcell]").first.click()
    tab.page.keyboard.press("Control+v")
    assert tab.board() == "1.3...1..4....2."


def test_touch_has_keys_on_the_page(tab: Tab) -> None:
    tab.page.click("#clear")
    tab.page.locator("#board [role=gridcell]").nth(5).click()
    tab.page.click("#keys button:has-text('4')")
    assert tab.board() == ".....4.........."
    tab.page.click("#keys button[aria-label='empty the cell']")
    assert tab.board() == "." * 16


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("123", "3 cells given; a 4x4 Sudoku has 16"),
        ("1.5. .... .... ....", "character 3 is '5'"),
        ("11.. .... .... ....", "1 is twice in row 1"),
    ],
)
def test_a_puzzle_that_is_none_is_refused_in_one_line(tab: Tab, text: str, says: str) -> None:
    before = tab.board()
    tab.give(text)
    assert says in tab.text("#puzzle-error")
    assert tab.board() == before


def test_a_contradiction_that_was_typed_is_marked_and_refused(tab: Tab) -> None:
    tab.page.click("#clear")
    tab.page.locator("#board [role=gridcell]").first.click()
    for key in ("1", "ArrowRight", "1"):
        tab.page.keyboard.press(key)
    assert tab.page.locator("#board .wrong").count() == 2
    tab.page.click("#solve")
    assert "1 is twice in row 1" in tab.wait_text("#solve-error", "twice")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("#budget", "0", "Steps at most: 0 given; a whole number from 1 to 1000 is needed"),
        ("#budget", "", "Steps at most: nothing given"),
        ("#min-steps", "1.5", "Not before step: 1.5 given"),
        ("#threshold", "", "Halts above the logit: a number is needed"),
        ("#own-policy", "act:max=3", "'max=3'"),
        ("#own-policy", "fast", "fast"),
    ],
)
def test_a_setting_that_is_none_is_refused_in_one_line(tab: Tab, field: str, value: str, says: str) -> None:
    if field == "#own-policy":
        tab.page.select_option("#policy", "own")
    tab.page.fill(field, value)
    tab.page.click("#solve")
    line = tab.wait_text("#solve-error", says)
    assert "\n" not in line
    tab.ready()


def test_nothing_heavy_is_loaded_before_it_is_needed(tab: Tab) -> None:
    assert not [url for url in tab.requests if "/vendor/" in url]
    tab.solve()
    loaded = [url.rpartition("/")[2] for url in tab.requests if "/vendor/" in url]
    assert "ort-wasm-simd-threaded.wasm" in loaded
    assert not [name for name in loaded if "asyncify" in name], "WebGPU's runtime is not needed"


def test_the_command_serves_a_page_that_solves(new_tab: Callable[..., Tab], apps_fixtures: Path) -> None:
    command = [sys.executable, "-u", "-m", "trm_edge", "serve", str(apps_fixtures / "bundles" / FIRST), "--port", "0"]
    command += ["--ort", str(ORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            line = next(line for line in serving.stdout if "http://" in line)
            tab = new_tab()
            tab.open("http://" + line.partition("http://")[2].split()[0].rstrip("."))
            assert tab.page.evaluate("crossOriginIsolated")
            tab.solve()
            assert tab.text("#result").startswith("Solved")
            tab.wait_text("#offline", "Works offline.")
        finally:
            serving.terminate()
