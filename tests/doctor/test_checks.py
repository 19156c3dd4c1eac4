from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trm_edge.doctor.checks import CHECKS, examine
from trm_edge.doctor.document import SCHEMA, lines, to_dict
from trm_edge.doctor.finding import Finding, State, note, ok, problem
from trm_edge.doctor.machine import Machine, installed_packages, run, this_machine

Fake = Callable[..., Machine]


def check_that_breaks(machine: Machine) -> Iterator[Finding]:
    yield ok("before", "seen")
    raise ZeroDivisionError("division\nby zero")


def check_well(machine: Machine) -> Iterator[Finding]:
    yield note("after", "seen as well", "pip install it")


def test_a_check_that_fails_is_a_problem_and_stops_no_other(fake: Fake) -> None:
    examined = examine(fake(), {"a": (check_that_breaks,), "b": (check_well,)}.items())
    before, broken = examined.findings["a"]
    assert before.state is State.OK
    assert broken == problem("that_breaks", "this check failed itself: ZeroDivisionError: division by zero")
    assert [one.name for one in examined.findings["b"]] == ["after"]
    assert not examined.well


def test_absent_things_break_nothing(fake: Fake) -> None:
    examined = examine(fake(packages={"numpy": "2.4.0"}))
    assert examined.well
    assert examined.count(State.NOTE) > 5
    assert list(examined.findings) == list(CHECKS)


def test_lines_name_the_mend_below_the_finding(fake: Fake) -> None:
    shown = list(lines(examine(fake(), {"b": (check_well,)}.items())))
    assert shown == [
        "b",
        "  note     after: seen as well",
        "           -> pip install it",
        "Nothing is broken; 1 notes.",
    ]
    assert list(lines(examine(fake(), {"a": (check_that_breaks,)}.items())))[-1] == "Broken: 1; 0 notes."


def test_the_document_keeps_its_schema(fake: Fake) -> None:
    machine = fake(packages={"numpy": "2.4.0"}, processors=4, allowed=2)
    document = to_dict(examine(machine), machine)
    _validate(document, SCHEMA)
    assert (document["threads"], document["optimize_for"], document["well"]) == (2, "x86-64-avx2", True)


def _validate(value: Any, schema: dict[str, Any]) -> None:
    """As much of JSON Schema as the document's uses."""
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float)}
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
    if "enum" in schema:
        assert value in schema["enum"]
    if "const" in schema:
        assert value == schema["const"]
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= value.keys()
        for name, one in value.items():
            _validate(one, schema.get("properties", {}).get(name) or schema.get("additionalProperties", {}))
    if isinstance(value, list):
        for one in value:
            _validate(one, schema["items"])


def test_this_machine_knows_its_packages() -> None:
    machine = this_machine()
    assert machine.version("numpy") is not None
    assert 1 <= machine.allowed <= machine.processors
    found = installed_packages()
    assert "typer" in found
    assert all(not one.modules for name, one in found.items() if not name.startswith("onnxruntime"))


def test_programs_end_in_what_happened() -> None:
    import sys

    assert run([sys.executable, "-c", "print('hello')"]).out == "hello\n"
    assert run([sys.executable, "-c", "raise SystemExit('no')"]).err == "no"
    assert run(["/nowhere/at/all"]).code is None
