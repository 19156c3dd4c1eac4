from __future__ import annotations

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.verify.accuracy import Outcome
from trm_edge.verify.difficulty import default_grouping, group_of


def outcome(*, givens: int = 0, rating: float | None = None, source: str = "") -> Outcome:
    return Outcome(True, True, 81, 81, 50, 50, 1, True, givens, rating, source)


def sizes(by: str, outcomes: list[Outcome], task: str = "sudoku-9x9") -> dict[str, int]:
    return {label: len(members) for label, members in group_of(by, get_task(task))(outcomes).items()}


def test_bins_of_givens() -> None:
    given = [outcome(givens=count) for count in (36, 17, 19, 20, 24, 30, 34, 35, 81)]
    assert sizes("givens", given) == {"< 20 givens": 2, "20-24 givens": 2, "30-34 givens": 2, "35+ givens": 3}
    assert list(sizes("givens", given)) == ["< 20 givens", "20-24 givens", "30-34 givens", "35+ givens"]


def test_bins_follow_the_size_of_the_grid() -> None:
    given = [outcome(givens=count) for count in range(3, 9)]
    expected = {"< 4 givens": 1, "4 givens": 1, "5 givens": 1, "6 givens": 1, "7+ givens": 2}
    assert sizes("givens", given, "sudoku-4x4") == expected


def test_quartiles_of_the_rating() -> None:
    rated = [outcome(rating=float(number)) for number in range(8)]
    assert sizes("rating", [*rated, outcome()]) == {
        "rating 0 to 1": 2,
        "rating 2 to 3": 2,
        "rating 4 to 5": 2,
        "rating 6 to 7": 2,
        "not rated": 1,
    }


def test_equal_ratings_stay_together() -> None:
    rated = [outcome(rating=value) for value in (0, 0, 0, 0, 0, 0, 3, 9)]
    assert sizes("rating", rated) == {"rating 0 to 0": 6, "rating 3 to 9": 2}
    assert sizes("rating", [outcome(rating=1.0)] * 4) == {"rating 1 to 1": 4}


def test_no_ratings_cannot_be_grouped_by() -> None:
    with pytest.raises(InvalidInput, match="no rating"):
        sizes("rating", [outcome()])


def test_sources_the_largest_first() -> None:
    given = [outcome(source=name) for name in ("b", "a", "b", "")]
    assert list(sizes("source", given).items()) == [("b", 2), ("a", 1), ("no source", 1)]
    many = [outcome(source=str(number)) for number in range(60)]
    assert len(sizes("source", many)) == 51
    assert sizes("source", many)["other sources"] == 10


def test_groupings_by_task() -> None:
    assert default_grouping(get_task("sudoku-9x9")) == "givens"
    assert default_grouping(get_task("maze-10x10")) == "none"
    assert sizes("none", [outcome()]) == {}
    with pytest.raises(InvalidInput, match="maze-10x10 has no givens to group by"):
        group_of("givens", get_task("maze-10x10"))
