from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from rich.console import Console

from trm_edge.errors import InvalidInput
from trm_edge.profile import profile_report as report
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.profile.profile_report import Report
from trm_edge.profile.results import Results, from_dict
from trm_edge.profile.samples import Samples, Whole
from trm_edge.report import png

Stepped = Callable[..., Samples]


def made(*sides: Samples, operators: bool = True) -> Report:
    times = tuple(OperatorTime("graph", f"Kernel{n}", 100.0 / n, n) for n in range(1, 12))
    results = Results(
        sides=sides,
        data="2 generated",
        date="2026-11-24",
        versions={"numpy": "2.0"},
        operators={sides[0].name: times} if operators else {},
        remarks=("Something was not measured.",),
    )
    return report.report(results)


@pytest.fixture
def both(samples: Stepped) -> Report:
    slow = tuple(replace(run, step_seconds=(0.01, 0.02, 0.03)) for run in samples().runs[0])
    one = samples(load_seconds=(0.1,), cold_seconds=(0.9,), peak_bytes=2_500_000, energy_joules=0.1)
    return made(one, samples(name="<slow>", runs=(slow, slow)))


def test_the_front_is_over_all_sides_and_budgets(both: Report) -> None:
    assert {point.side for point in both.front} == {"side"}
    assert [point.policy for point in both.front] == ["act:threshold=-4.0", "fixed:1", "fixed:2"]
    assert report.verdict(both) == "The most exact, 50.0 %: side under fixed:2, 3.00 ms a puzzle"


def test_the_report_follows_from_the_document_alone(both: Report) -> None:
    document = json.loads(json.dumps(report.to_dict(both), allow_nan=False))
    again = report.report(from_dict(document))
    assert report.to_html(again) == report.to_html(both)
    assert report.to_csv(again) == report.to_csv(both)
    assert report.to_dict(again) == report.to_dict(both)
    assert document["summary"][0]["mean_steps"]["value"] == 2.5
    assert [p["policy"] for p in document["points"] if p["front"]] == ["fixed:1", "fixed:2", "act:threshold=-4.0"]


def test_one_line_a_point(both: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(report.to_csv(both))))
    assert len(rows) == len(both.points)
    act = next(row for row in rows if (row["side"], row["policy"]) == ("side", "act"))
    assert float(act["ms_value"]) == pytest.approx(4.5)
    assert (act["measured"], act["exact"], act["peak_bytes"], act["load_ms"]) == ("False", "0.5", "2500000", "100.0")
    assert act["file_bytes"] == "", "not measured"


def test_a_terminal_of_eighty_columns(both: Report) -> None:
    console = Console(file=io.StringIO(), width=80)
    for line in report.lines(both):
        console.print(line, soft_wrap=isinstance(line, str), highlight=False, markup=False)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("task: 2 sides on 2 puzzles", "<slow>", "Something was not measured.", "900", "2.50", "fixed:2"):
        assert part in text
    assert "25.0" in text, "millijoules a puzzle"
    tables = [line for line in text.splitlines() if line.startswith(" ")]
    assert max(map(len, tables)) <= 80


def test_the_page_is_whole_and_loads_nothing(both: Report) -> None:
    html = report.to_html(both)
    assert "&lt;slow&gt;" in html
    assert "<slow>" not in html
    assert html.count("<svg ") == 3
    for part in ("Accuracy against time", "Halting", "Operators", "3 others", "All points", "numpy"):
        assert part in html
    for outside in ("<script", "src=", "href=", "@import", "url("):
        assert outside not in html


def test_pictures_are_drawn_as_pixels_too(both: Report) -> None:
    pytest.importorskip("PIL")
    for picture in (report.picture, report.halting_picture, report.operator_picture):
        document = picture(both)
        ElementTree.fromstring(document)
        assert png.draw(document).startswith(b"\x89PNG")


def test_bars_are_as_long_as_what_they_count(both: Report) -> None:
    rows = ElementTree.fromstring(report.halting_picture(both))
    bars = [float(e.attrib["width"]) for e in rows.iter("{http://www.w3.org/2000/svg}rect") if "class" not in e.attrib]
    assert len(set(bars)) == 1, "one puzzle halts at 2, one at 3, in both sides"
    texts = [e.text for e in rows.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("step 2") == texts.count("step 3") == 2


def test_what_cannot_be_judged_is_not_drawn(samples: Stepped) -> None:
    unknown = replace(samples().runs[0][0], right=(None,) * 3)
    blind = made(samples(runs=((unknown,), (unknown,))), operators=False)
    assert "No answer can be judged" in report.verdict(blind)
    with pytest.raises(InvalidInput, match="There is nothing to draw"):
        report.picture(blind)
    html = report.to_html(blind)
    assert "Accuracy against time" not in html
    assert "Operators" not in html
    assert report.to_csv(blind).count("\n") == len(blind.points) + 1


def test_a_side_without_times_is_refused(samples: Stepped) -> None:
    with pytest.raises(InvalidInput, match="hold no time"):
        made(samples(runs=(), whole=(Whole("act", 3, ()),)))
