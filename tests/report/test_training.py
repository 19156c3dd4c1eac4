from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.report.chart import Chart, Line
from trm_edge.report.run import read_run
from trm_edge.report.training import charts, curves, headline, to_html, write_training_report
from trm_edge.train.run_file import announced

RunFolder = Callable[..., Path]


def drawn(folder: Path) -> dict[str, Chart]:
    return {chart.title: chart for chart in charts(read_run(folder))}


def line(chart: Chart, name: str) -> Line:
    return next(line for line in chart.lines if line.name == name)


def test_the_report_lies_in_the_folder_of_the_run(run_folder: RunFolder) -> None:
    image = pytest.importorskip("PIL.Image")
    folder = run_folder(5, evaluations=(20, 50))
    before = {path.name for path in folder.iterdir()}
    for _ in range(2):  # the second replaces the first
        written = write_training_report(folder)
    assert {path.name for path in written.files} == {"curve.svg", "curve.png", "report.html"}
    assert written.remarks == ()
    assert {path.name for path in folder.iterdir()} == before | {path.name for path in written.files}
    picture = image.open(io.BytesIO((folder / "curve.png").read_bytes()))
    root = ElementTree.fromstring((folder / "curve.svg").read_text())
    assert picture.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))


def test_every_question_has_its_chart(run_folder: RunFolder) -> None:
    found = drawn(run_folder(5, evaluations=(20, 50)))
    assert list(found) == [
        "Loss",
        "Right on training puzzles",
        "Right on held-out puzzles",
        "Held-out puzzles by givens: exact after 4 steps",
        "Halting step",
        "Learning rate",
    ]
    assert line(found["Right on training puzzles"], "halting logit").points[0] == (10, 95)
    assert line(found["Right on held-out puzzles"], "exact after 4 steps").points == [(20, 20.0), (50, 50.0)]
    assert line(found["Right on held-out puzzles"], "exact when halting").points[-1] == (50, 45.0)
    by_givens = found["Held-out puzzles by givens: exact after 4 steps"]
    assert [line.name for line in by_givens.lines] == ["few givens", "many givens"]
    assert line(found["Halting step"], "held-out puzzles").points == [(20, 2.0), (50, 2.0)]
    assert line(found["Learning rate"], "of matrices").points[-1] == (50, 0.0005)


def test_all_charts_share_one_axis_of_steps_with_the_time_below(run_folder: RunFolder) -> None:
    folder = run_folder(4, evaluations=(20,))
    assert {chart.x_ends for chart in drawn(folder).values()} == {(0, 40)}
    texts = [e.text for e in ElementTree.fromstring(curves(read_run(folder))).iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("30") == texts.count("90 s") == len(drawn(folder)), "step 30 came after 1.5 minutes"


def test_a_long_log_becomes_means_with_a_band_around_them(run_folder: RunFolder) -> None:
    found = drawn(run_folder(600))
    loss = line(found["Loss"], "loss")
    assert len(loss.points) == len(loss.band) == 60
    assert loss.points[-1][0] == 6000
    assert all(low <= y <= high for (_, y), (_, low, high) in zip(loss.points, loss.band, strict=True))
    log = read_run(run_folder(600)).series("loss")
    assert loss.points[0][1] == pytest.approx(sum(value for _, value in log[:10]) / 10)
    assert line(drawn(run_folder(10))["Loss"], "loss").band == (), "one value has no spread"


def test_without_an_evaluation_file_the_log_tells(run_folder: RunFolder) -> None:
    folder = run_folder(3)
    assert "Right on held-out puzzles" not in drawn(folder)
    with (folder / "log.csv").open("a") as file:
        file.write("30,,,,,,,,,,0.25\n")
    assert line(drawn(folder)["Right on held-out puzzles"], "exact").points == [(30, 25.0)]


def test_the_headline_says_how_far_and_how_good(run_folder: RunFolder) -> None:
    assert headline(read_run(run_folder(5, steps=2000))) == "Step 50 of 2,000 after 2 min of training"
    found = headline(read_run(run_folder(5, evaluations=(20, 50))))
    assert found == (
        "Step 50 of 50 after 2 min of training; at step 50: 50.0 % of 100 held-out puzzles exact after 4 steps, "
        "45.0 % when halting (2.00 steps)"
    )


def test_the_page_holds_everything_and_loads_nothing(run_folder: RunFolder) -> None:
    text = to_html(read_run(run_folder(5, evaluations=(20, 50), name="a<b")))
    for part in ("Training of a&lt;b", "Curves", "Held-out puzzles", "many givens", "Where puzzles halt", "Recipe"):
        assert part in text, part
    assert text.count("<svg") == 6 + 3
    assert "<script" not in text
    assert 'class="verdict good"' in text


def test_the_page_of_a_run_that_failed_says_why(run_folder: RunFolder) -> None:
    folder = run_folder(5)
    with pytest.raises(RuntimeError), announced(folder, {"steps": 90}):
        raise RuntimeError("the run has diverged")
    text = to_html(read_run(folder))
    assert 'class="verdict bad"' in text
    assert "The run failed: the run has diverged" in text


def test_without_pillow_the_rest_is_written(run_folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    folder = run_folder(5)
    written = write_training_report(folder)
    assert {path.name for path in written.files} == {"curve.svg", "report.html"}
    assert len(written.remarks) == 1
    assert written.remarks[0].startswith("No curve.png: ")
    assert "pip install" in written.remarks[0]


def test_a_run_without_a_line_has_nothing_to_draw(run_folder: RunFolder, tmp_path: Path) -> None:
    folder = run_folder(0, steps=10)
    written = write_training_report(folder)
    assert written.files == ()
    assert "nothing to draw yet" in written.remarks[0]
    with pytest.raises(InvalidInput, match="nothing to draw yet"):
        curves(read_run(folder))
    with pytest.raises(InvalidInput, match="holds no training run"):
        write_training_report(tmp_path / "absent")


def test_a_single_line_can_be_drawn(run_folder: RunFolder) -> None:
    assert "nan" not in curves(read_run(run_folder(1))).lower()
