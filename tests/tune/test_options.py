from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.profile.samples import Samples
from trm_edge.tune.options import joined, option_of, options_of

MakeSamples = Callable[..., Samples]


def test_every_budget_and_threshold_follows_from_one_run(make_samples: MakeSamples) -> None:
    found = {option.way: option for option in options_of(make_samples(right_from=(1, 2, 3), steps=4))}
    act, fixed = found["act, at most 4"], found["fixed:4"]
    assert (act.right, act.judged, act.steps, act.ms) == (3, 3, 2.0, (1.0, 2.0, 3.0))
    assert (fixed.right, fixed.steps, fixed.ms) == (3, 4.0, (4.0, 4.0, 4.0))
    assert (found["act, at most 2"].right, found["act, at most 2"].ms) == (2, (1.0, 2.0, 2.0))
    assert (found["fixed:1"].right, found["fixed:1"].ms) == (1, (1.0, 1.0, 1.0))


def test_ways_that_do_the_same_are_named_once_with_the_largest_budget(make_samples: MakeSamples) -> None:
    found = options_of(make_samples(right_from=(1, 1, 1), steps=4))
    assert [option.way for option in found] == ["act, at most 4", "fixed:4", "fixed:3", "fixed:2"]


def test_a_threshold_is_compared_with_the_logit(make_samples: MakeSamples) -> None:
    samples = make_samples(right_from=(2, 2, 2), steps=4)  # the logit is -9, then 0.5
    assert option_of(samples, "act:threshold=1.0", 4).steps == 4
    assert option_of(samples, "act:threshold=-4.0", 4).steps == 2


def test_times_are_the_median_of_the_rounds(make_samples: MakeSamples) -> None:
    samples = make_samples(right_from=(1, 1), step_ms=(1.0, 1.0, 50.0))
    assert option_of(samples, "fixed:2", 2).ms == (2.0, 2.0)


def test_a_graph_without_steps_has_the_policy_it_was_measured_under(make_samples: MakeSamples) -> None:
    samples = make_samples(right_from=(1, 3), halts_from=(1, 2), graph="loop")
    (option,) = options_of(samples)
    assert (option.way, option.right, option.ms) == ("act, at most 4", 1, (1.0, 2.0))
    assert option_of(samples, "act", 4) == option
    with pytest.raises(InvalidInput, match="nothing is known of 'fixed:1'"):
        option_of(samples, "fixed:1", 1)


def test_an_option_is_found_again_on_other_puzzles_even_where_it_does_what_another_does(
    make_samples: MakeSamples,
) -> None:
    for option in options_of(make_samples(right_from=(1, 2, 3))):
        assert option_of(make_samples(right_from=(1, 1)), option.policy, option.budget).way == option.way
    with pytest.raises(InvalidInput, match="nothing is known"):
        option_of(make_samples(steps=4), "fixed:5", 5)


def test_further_puzzles_are_numbered_after_the_first(make_samples: MakeSamples) -> None:
    both = joined(make_samples(right_from=(1, 2)), make_samples(right_from=(3,)))
    assert [run.puzzle for run in both.runs[1]] == [0, 1, 2]
    assert [solve.puzzle for solve in both.whole[0].rounds[0]] == [0, 1, 2]
    assert options_of(both) == options_of(make_samples(right_from=(1, 2, 3)))


def test_samples_of_other_rounds_are_not_joined(make_samples: MakeSamples) -> None:
    first = make_samples()
    with pytest.raises(InvalidInput, match="different rounds"):
        joined(first, replace(first, runs=first.runs[:1]))


def test_answers_that_cannot_be_judged_are_not_counted(make_samples: MakeSamples) -> None:
    samples = make_samples(right_from=(1, 1))
    blind = tuple(tuple(replace(run, right=(None,) * 4) for run in one) for one in samples.runs)
    assert {option.judged for option in options_of(replace(samples, runs=blind))} == {0}
