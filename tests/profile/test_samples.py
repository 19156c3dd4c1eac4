from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from trm_edge.errors import InvalidBundle, InvalidInput
from trm_edge.profile.samples import MAX_FACTS, MAX_STEPS, Run, Samples, Solve, Whole


def document() -> dict[str, Any]:
    """What a small runner on a phone writes."""
    run = {"puzzle": 0, "step_seconds": [0.2, 0.1], "q_halt": [-1.5, 2], "right": [False, None]}
    solve = {"puzzle": 0, "seconds": 0.3, "steps": 2, "right": True}
    return {
        **{name: name for name in ("name", "task", "format", "graph", "precision", "target", "evidence")},
        "runtime": "cpp",
        "provider": "cpu",
        "threads": None,
        "batch": 1,
        "load_seconds": [0.01],
        "cold_seconds": [],
        "runs": [[run], [dict(run)]],
        "whole": [{"policy": "act", "budget": 2, "rounds": [[solve]]}],
        "reference_seconds": [0.001],
        "resident_bytes": 10,
        "peak_bytes": None,
        "file_bytes": 20,
        "energy_joules": None,
        "machine": {"cpu": "fast", "cores": 8, "hot": False, "governor": None},
    }


def test_what_is_written_is_read_again() -> None:
    given = document()
    samples = Samples.from_dict(given)
    assert samples.runs[1] == (Run(0, (0.2, 0.1), (-1.5, 2.0), (False, None)),)
    assert samples.whole == (Whole("act", 2, ((Solve(0, 0.3, 2, True),),)),)
    assert (samples.steps, samples.puzzles) == (2, 1)
    assert samples.to_dict() == given
    assert Samples.from_dict(json.loads(json.dumps(samples.to_dict()))) == samples


def test_fields_of_tomorrow_are_passed_over() -> None:
    assert Samples.from_dict({**document(), "battery": 3}) == Samples.from_dict(document())


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: Any) -> None:
        *way, last = path.split(".")
        for part in way:
            data = data[int(part) if part.isdigit() else part]
        data[int(last) if last.isdigit() else last] = value

    return apply


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("name", "", r"field 'name' must be one printable line"),
        ("name", "a\x1b[31m", r"field 'name' must be one printable line"),
        ("batch", 0, r"field 'batch' must be a whole number from 1"),
        ("threads", True, r"field 'threads' must be a whole number"),
        ("load_seconds", [-1], r"field 'load_seconds' must be an array of at most"),
        ("load_seconds", [1e9], r"from 0 to 86400 seconds"),
        ("runs", [3], r"field 'runs' must be an array of at most 10000 rounds"),
        ("runs.0.0", 3, r"field 'runs\[0\]\[0\]\.?' must be an object"),
        ("runs.1.0.right", [1, 0], r"field 'runs\[1\]\[0\]\.right' must be an array of true, false and null"),
        ("runs.0.0.step_seconds", [0.0] * (MAX_STEPS + 1), r"at most 1024 times"),
        ("runs.0.0.q_halt", [float("inf"), 0.0], r"field 'runs\[0\]\[0\]\.q_halt' must be an array of finite"),
        ("runs.0.0.puzzle", -1, r"field 'runs\[0\]\[0\]\.puzzle' must be a whole number"),
        ("whole.0.rounds.0.0.right", "yes", r"'whole\[0\]\.rounds\[0\]\[0\]\.right' must be true, false or null"),
        ("whole.0.rounds.0.0.steps", 0, r"a whole number from 1"),
        ("whole.0.rounds.0.0.seconds", -0.1, r"a number that is not negative"),
        ("peak_bytes", 1.5, r"field 'peak_bytes' must be a whole number"),
        ("energy_joules", -2, r"field 'energy_joules' must be a number that is not negative"),
        ("machine", {"cpu": ["list"]}, r"field 'machine' must be an object of at most"),
        ("machine", {"cpu": "two\nlines"}, r"field 'machine' must be an object of at most"),
        ("machine", {str(n): n for n in range(MAX_FACTS + 1)}, r"field 'machine' must be an object of at most"),
    ],
)
def test_nonsense_is_refused_with_its_place(path: str, value: Any, message: str) -> None:
    data = document()
    change(path, value)(data)
    with pytest.raises(InvalidInput, match=message) as refused:
        Samples.from_dict(data, "results.json")
    assert str(refused.value).startswith("results.json: ")
    assert not isinstance(refused.value, InvalidBundle)


@pytest.mark.parametrize("missing", sorted(document()))
def test_a_missing_field_is_named(missing: str) -> None:
    data = document()
    del data[missing]
    with pytest.raises(InvalidInput, match=f"field '{missing}' is missing"):
        Samples.from_dict(data)


def test_ragged_samples_are_refused() -> None:
    run = {"puzzle": 0, "step_seconds": [0.2], "q_halt": [1.0], "right": [True]}
    ragged: list[Any] = [
        [[run], [{**run, "puzzle": 1}]],
        [[run], [run, run]],
        [[run, {**run, "step_seconds": [0.1, 0.1], "q_halt": [1, 1], "right": [None, None]}]],
        [[{**run, "q_halt": [1.0, 2.0]}]],
        [[{**run, "step_seconds": [], "q_halt": [], "right": []}]],
        [[]],
    ]
    for runs in ragged:
        with pytest.raises(InvalidInput, match="every round of 'runs' must hold the same puzzles"):
            Samples.from_dict({**document(), "whole": [], "runs": runs})
    solve = document()["whole"][0]["rounds"][0][0]
    uneven: list[Any] = [[[]], [[solve], [solve, solve]]]
    for rounds in uneven:
        with pytest.raises(InvalidInput, match="every round of 'whole' must hold the same puzzles"):
            Samples.from_dict({**document(), "whole": [{"policy": "act", "budget": 2, "rounds": rounds}]})
    with pytest.raises(InvalidInput, match="'runs' and 'whole' must hold the same puzzles"):
        Samples.from_dict(
            {**document(), "whole": [{"policy": "act", "budget": 2, "rounds": [[{**solve, "puzzle": 7}]]}]}
        )
