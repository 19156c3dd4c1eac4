from __future__ import annotations

from trm_edge.report.held_out import MOST_GROUPS, score_table, step_charts
from trm_edge.train.evaluations import GroupScore, HeldOut, Score

SCORE = Score(1200, 0.9999, 0.5, 1.25, (900, 300), (0.25, 0.9999))


def groups(by: str, count: int) -> tuple[GroupScore, ...]:
    return tuple(GroupScore(by, f"{by} {number}", SCORE) for number in range(count))


def test_the_table_shows_all_and_each_group() -> None:
    table = score_table(HeldOut(SCORE, 0.9, (*groups("givens", 2), *groups("rating", 1))))
    assert [row[0] for row in table.rows] == ["all", "givens 0", "givens 1"], "one group alone is all of them"
    assert table.rows[0] == ("all", "1,200", "99.9 %", "50.0 %", "1.25"), "never rounded up"
    assert "2 steps" in table.heads[2]


def test_charts_show_what_each_step_adds() -> None:
    charts = step_charts(HeldOut(SCORE, 0.9, (*groups("givens", 2), *groups("rating", MOST_GROUPS + 1))))
    assert [chart.title for chart in charts] == [
        "Exact answers after each step",
        "Exact answers after each step, by givens",
        "Where puzzles halt",
    ]
    assert charts[0].lines[0].points == [(1, 25.0), (2, 99.99)]
    assert [line.name for line in charts[1].lines] == ["givens 0", "givens 1"]
    assert charts[2].lines[0].points == [(1, 900.0), (2, 300.0)]
