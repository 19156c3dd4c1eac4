from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.profile import results as module
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.profile.results import Results, from_dict, merged, read_results
from trm_edge.profile.samples import Samples

Made = Callable[..., Results]


@pytest.fixture
def results(timed: Callable[..., Samples]) -> Made:
    def make(*names: str, task: str = "task") -> Results:
        return Results(
            sides=tuple(replace(timed([1, 2], [1, 1], name=name), task=task) for name in names),
            data="8 generated",
            date="2026-11-24T18:00:00+00:00",
            versions={"numpy": "2"},
            operators={names[0]: (OperatorTime("graph", "MatMul", 1.5, 3),)} if names else {},
            remarks=("Something was not measured.",),
        )

    return make


def test_a_file_is_read_as_it_was_written(results: Made, tmp_path: Path) -> None:
    made = results("a", "b")
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**made.to_dict(), "summary": [], "points": "passed over"}))
    assert read_results(path) == made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "something else"}, "field 'kind' must be 'trm-edge profile'"),
        ({"schema_version": 2}, "field 'schema_version' must be a whole number from 1 to 1"),
        ({"sides": []}, "field 'sides' must be an array of 1 to 64 sides"),
        ({"sides": [{}]}, "side 0: field 'name' is missing"),
        ({"operators": {"a": [{"method": "graph"}]}}, r"field 'operators\.a\[0\]\.operator' is missing"),
        ({"versions": {"numpy": 2}}, r"field 'versions\.numpy' must be one printable line"),
    ],
)
def test_another_document_is_refused(results: Made, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        from_dict({**results("a").to_dict(), **changes})


def test_what_is_no_document_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    for content, message in ((b"\xff", "not UTF-8 text"), (b"{", "not valid JSON"), (b"[NaN]", "not valid JSON")):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=message):
            read_results(path)
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1 << 20)
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(InvalidInput, match="larger than 1 MiB"):
        read_results(path)
    with pytest.raises(InvalidInput, match=r"Cannot read .*nothing: No such file"):
        read_results(tmp_path / "nothing")


def test_sides_of_two_tasks_or_of_one_name(results: Made) -> None:
    with pytest.raises(InvalidInput, match="The sides are for maze and sudoku: profile bundles of one task"):
        merged([results("a", task="sudoku"), results("b", task="maze")])
    with pytest.raises(InvalidInput, match="Two sides are called 'a'"):
        results("a", "a")
    with pytest.raises(InvalidInput, match="Results hold 1 to 64 sides, not 0"):
        results()


def test_files_are_put_together(results: Made, tmp_path: Path) -> None:
    phone = replace(results("a", "c"), data="9 of file", date="2027-01-01", remarks=())
    both = merged([results("a", "b"), phone])
    assert [side.name for side in both.sides] == ["a", "b", "a (2)", "c"]
    assert list(both.operators) == ["a", "a (2)"]
    assert (both.data, both.date, both.remarks) == (
        "8 generated; 9 of file",
        "2027-01-01",
        ("Something was not measured.",),
    )
