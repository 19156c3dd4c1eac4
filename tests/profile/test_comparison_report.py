from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from trm_edge.errors import InvalidInput
from trm_edge.profile import comparison_report as report
from trm_edge.profile.candidates import Candidate
from trm_edge.profile.compare import Comparison, compare
from trm_edge.profile.memory import Memory
from trm_edge.tasks.base import Puzzle

Scripted = Callable[..., Candidate]


@pytest.fixture
def sides(scripted: Scripted) -> list[Candidate]:
    return [scripted("one", right=(True, True), steps=(1, 3)), scripted("<two>", right=(True, False), steps=(1, 2))]


@pytest.fixture
def found(sides: list[Candidate], puzzles: list[Puzzle]) -> Comparison:
    def memory(path: Path) -> Memory:
        return Memory(2_500_000, 3_000_000) if path.name == "one" else Memory(problem="it broke")

    return compare(sides, puzzles, timed=2, repeats=1, memory=memory)


def shown(found: Comparison) -> str:
    console = Console(file=StringIO(), width=80)
    for line in report.lines(found):
        console.print(line, soft_wrap=isinstance(line, str), highlight=False, markup=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_json_holds_everything(found: Comparison, sides: list[Candidate]) -> None:
    document = report.to_dict(found, [side.session for side in sides], "somewhere", 1)
    document = json.loads(json.dumps(document, allow_nan=False))
    assert (document["task"], document["data"], document["puzzles"], document["reference"]) == (
        "sudoku-4x4",
        "somewhere",
        2,
        "one",
    )
    assert {"trm-edge", "python", "numpy"} <= document["versions"].keys()
    assert document["environment"]["threads"] == 1
    first, second = document["bundles"]
    assert (first["exact"], first["load_bytes"]) == (1, 2_500_000)
    assert first["exact_low"] < first["exact_high"] == 1
    assert first["steps"] == [{"step": 1, "puzzles": 1}, {"step": 3, "puzzles": 1}]
    assert second["load_bytes"] is None
    assert sorted(document["front"]) == sorted(row["name"] for row in document["bundles"] if row["front"])
    assert document["remarks"] == ["The memory of <two> was not measured: it broke"]


def test_the_sheet_has_one_line_a_bundle(found: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(report.to_csv(found))))
    assert [row["name"] for row in rows] == ["one", "<two>"]
    assert rows[0]["steps"] == "1:1 3:1"
    assert float(rows[0]["puzzle_ms_p50"]) > 0
    assert (rows[0]["right"], rows[1]["right"], rows[1]["load_bytes"]) == ("2", "1", "")


def test_tables_are_whole_on_a_narrow_terminal(found: Comparison) -> None:
    long = "sudoku-9x9.w8a8-dynamic.executorch-unrolled"
    text = shown(replace(found, rows=(replace(found.rows[0], name=long), found.rows[1])))
    assert "…" not in text
    assert "100.0 %" in text
    assert "2.50" in text
    assert "On the front of accuracy against time" in text
    assert "The memory of <two> was not measured" in text


def test_the_picture_and_the_page(found: Comparison, sides: list[Candidate]) -> None:
    ElementTree.fromstring(report.picture(found))
    document = report.to_dict(found, [side.session for side in sides], "somewhere", None)
    text = report.to_html(found, document)
    assert text.count("<svg ") == 1
    assert text.count("<table>") == 3
    assert "&lt;two&gt;" in text
    assert "<two>" not in text


def test_a_share_is_never_rounded_up(found: Comparison) -> None:
    nearly = replace(found.rows[0], judged=10_000, right=9_999)
    assert report.tables(replace(found, rows=(nearly,)))[0].rows[0][2] == "99.9 %"


def test_where_nothing_can_be_judged_there_is_no_picture(found: Comparison, sides: list[Candidate]) -> None:
    unknown = replace(found, rows=tuple(replace(row, judged=0, right=0) for row in found.rows))
    assert "there is no front" in shown(unknown)
    document = report.to_dict(unknown, [side.session for side in sides], "somewhere", None)
    assert document["bundles"][0]["exact"] is document["bundles"][0]["exact_low"] is None
    assert "<svg" not in report.to_html(unknown, document)
    with pytest.raises(InvalidInput, match="nothing to draw"):
        report.picture(unknown)
