from __future__ import annotations

import json
from pathlib import Path

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.train.evaluations import FILE, GroupScore, HeldOut, Score, append_evaluation, read_evaluations


def score(exact: float) -> Score:
    return Score(4, exact, exact / 2, 1.5, (2, 2, 0), (0.0, exact / 2, exact))


def evaluation(exact: float) -> HeldOut:
    groups = (GroupScore("givens", "5 givens", score(exact / 2)), GroupScore("rating", "rating 0 to 1", score(exact)))
    return HeldOut(score(exact), 0.75, groups)


def steps(folder: Path) -> list[int]:
    return [step for step, _ in read_evaluations(folder)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_evaluations(tmp_path) == []
    append_evaluation(tmp_path, 10, evaluation(0.25))
    append_evaluation(tmp_path, 20, evaluation(0.5))
    assert read_evaluations(tmp_path) == [(10, evaluation(0.25)), (20, evaluation(0.5))]
    assert read_evaluations(tmp_path, until_step=19) == [(10, evaluation(0.25))]
    lines = (tmp_path / FILE).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 20]
    assert [path.name for path in tmp_path.iterdir()] == [FILE], "no temporary file stays"


def test_groups_are_found_by_what_they_group_by() -> None:
    assert {by: [g.label for g in groups] for by, groups in evaluation(1).by().items()} == {
        "givens": ["5 givens"],
        "rating": ["rating 0 to 1"],
    }


def test_a_resumed_run_replaces_what_it_measures_again(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        append_evaluation(tmp_path, step, evaluation(0.25))
    append_evaluation(tmp_path, 20, evaluation(1.0))
    assert read_evaluations(tmp_path) == [(10, evaluation(0.25)), (20, evaluation(1.0))]


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path: Path) -> None:
    append_evaluation(tmp_path, 10, evaluation(0.25))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"step": 20, "tot')
    assert steps(tmp_path) == [10]
    append_evaluation(tmp_path, 20, evaluation(0.5))
    assert steps(tmp_path) == [10, 20]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_evaluation(tmp_path, 10, evaluation(0.25))

    def full(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(KeyboardInterrupt):
        append_evaluation(tmp_path, 20, evaluation(0.5))
    assert steps(tmp_path) == [10]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        '{"step": "20"}',
        '{"step": 20}',
        '{"step": 20, "total": 1, "cells": 1, "groups": []}',
        '{"step": 20, "total": {}, "cells": 1, "groups": []}',
        '{"step": 20, "total": {}, "cells": 1, "groups": [7]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    append_evaluation(tmp_path, 10, evaluation(0.25))
    with (tmp_path / FILE).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(
        InvalidInput, match=r"evaluations\.jsonl, line 2 is not an evaluation\. Remove the line"
    ) as error:
        read_evaluations(tmp_path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\n")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read_evaluations(tmp_path)
    monkeypatch.setattr("trm_edge.train.evaluations.MAX_BYTES", 2)
    with pytest.raises(InvalidInput, match="larger than 2 bytes"):
        read_evaluations(tmp_path)
