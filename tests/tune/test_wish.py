from __future__ import annotations

from collections.abc import Callable

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tune.wish import Option, Wish

MakeOption = Callable[..., Option]


def test_quantiles_are_times_that_puzzles_took() -> None:
    option = Option("side", "act", 16, 10, 10, tuple(map(float, range(10, 0, -1))), 1.0)
    assert [option.quantile(share) for share in (0.0, 0.5, 0.9, 1.0)] == [1.0, 5.0, 9.0, 10.0]
    assert option.mean_ms == 5.5


def test_a_fixed_number_of_steps_is_its_own_budget() -> None:
    assert Option("a", "fixed:4", 4, 0, 0, (1.0,), 4.0).name == "a, fixed:4"
    assert Option("a", "act", 4, 0, 0, (1.0,), 4.0).name == "a, act, at most 4"


def test_the_fastest_of_those_that_are_surely_accurate_enough(make_option: MakeOption) -> None:
    fast, sure, slow = make_option(1, 90), make_option(2, 96), make_option(3, 99)
    wish = Wish(min_exact=0.9)
    assert wish.best([slow, sure, fast]) == sure  # 90 of 100 vouch for 82.6 %
    assert Wish(min_exact=0.9, by_estimate=True).best([slow, sure, fast]) == fast
    assert wish.best([fast]) is None
    assert wish.nearest([fast, make_option(0.5, 90), make_option(0.1, 10)]) == make_option(0.5, 90)


def test_the_most_accurate_of_those_that_are_fast_enough(make_option: MakeOption) -> None:
    fast, right, slow = make_option(1, 90), make_option(2, 96), make_option(3, 99)
    wish = Wish(max_ms=2)
    assert wish.best([slow, right, fast]) == right
    assert wish.best([right, make_option(1.5, 96)]) == make_option(1.5, 96)
    assert wish.best([slow]) is None
    assert wish.nearest([slow, make_option(4, 100)]) == slow


def test_nine_of_ten_puzzles_may_be_slower_than_half_of_them() -> None:
    option = Option("side", "act", 16, 10, 10, (1.0,) * 7 + (9.0,) * 3, 1.0)
    assert Wish(max_ms=2).meets(option)
    assert not Wish(max_ms=2, quantile="p90").meets(option)


def test_other_puzzles_bear_a_choice_out_by_what_is_counted_on_them(make_option: MakeOption) -> None:
    assert Wish(min_exact=0.9).kept(make_option(1, 90))
    assert not Wish(min_exact=0.9).kept(make_option(1, 89))
    assert not Wish(max_ms=1).kept(make_option(1.1, 100))


def test_a_side_is_judged_kindly_until_it_is_out(make_option: MakeOption) -> None:
    wish = Wish(min_exact=0.9)
    few = wish.promise([make_option(2, 7, 8)])  # up to 97.8 %
    assert few < wish.promise([make_option(3, 100)])
    assert wish.promise([make_option(3, 100)]) < wish.promise([make_option(1, 50)])
    limit = Wish(max_ms=2)
    assert limit.promise([make_option(1, 90)]) < limit.promise([make_option(1, 50), make_option(3, 100)])
    assert limit.promise([make_option(1, 10)]) < limit.promise([make_option(3, 100)])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "one of the two"),
        ({"max_ms": 1.0, "min_exact": 0.5}, "one of the two"),
        ({"max_ms": 0.0}, "--max-latency must be above 0"),
        ({"max_ms": float("nan")}, "--max-latency"),
        ({"min_exact": 1.5}, "at most 100 percent, not 150"),
        ({"min_exact": 0.0}, "--min-accuracy must be above 0"),
        ({"max_ms": 1.0, "quantile": "p95"}, "Unknown latency 'p95'"),
    ],
)
def test_wishes_that_make_no_sense(fields: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Wish(**fields)  # type: ignore[arg-type]


def test_too_few_puzzles_for_a_wish_are_refused_with_the_number_it_takes() -> None:
    wish = Wish(min_exact=0.99)
    with pytest.raises(InvalidInput, match=r"vouch for 94\.3 %, not for 99 %: give --puzzles 762"):
        wish.check_puzzles(64)
    wish.check_puzzles(381)
    Wish(min_exact=0.99, by_estimate=True).check_puzzles(1)
    Wish(max_ms=1).check_puzzles(1)
    with pytest.raises(InvalidInput, match="no number of them for 100 %"):
        Wish(min_exact=1).check_puzzles(1000)
