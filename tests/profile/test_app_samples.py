"""A profile as an app writes it: read, reported, and printed whole in the page that writers of apps read."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.profile.profile_report import report
from trm_edge.profile.results import KIND, from_dict, read_results
from trm_edge.profile.samples import Run, Samples, Solve, Whole

FILE = Path(__file__).with_name("fixtures") / "app_samples.json"
PAGE = Path(__file__).parents[2] / "docs" / "apps.md"


@pytest.fixture
def document() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))


def test_it_is_read_and_reported() -> None:
    made = report(read_results(FILE))
    (figures,) = made.figures
    assert (figures.policy, figures.budget, figures.steps) == ("act", 3, {1: 1, 2: 1})
    assert figures.step_ms is not None
    assert figures.step_ms.least == pytest.approx(1.8)
    assert figures.puzzle_ms.p50.value == pytest.approx(3.1)
    assert {point.policy for point in made.points} >= {"fixed:1", "fixed:2", "fixed:3", "act"}
    assert made.warnings == []


def test_the_page_shows_it_and_names_every_field(document: Any) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S)]
    assert [one for one in shown if one.get("kind") == KIND] == [document]
    fields = [*document, *(name for kind in (Samples, Run, Solve, Whole) for name in kind.__dataclass_fields__)]
    assert [name for name in fields if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("where", "field"),
    [("", name) for name in ("kind", "schema_version", "data", "date", "versions", "remarks", "operators", "sides")]
    + [("side", name) for name in Samples.__dataclass_fields__],
)
def test_the_page_is_right_that_every_field_is_required(document: Any, where: str, field: str) -> None:
    changed = deepcopy(document)
    del (changed["sides"][0] if where else changed)[field]
    with pytest.raises(InvalidInput, match=f"field '{field}' is missing"):
        from_dict(changed)
