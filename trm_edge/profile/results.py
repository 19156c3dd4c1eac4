"""A file of results: the samples of several sides, and the circumstances they were taken in.

What ``trm-edge profile --json`` writes and ``--import`` reads, on whatever machine it was written. Reports are made of
it alone (:mod:`trm_edge.profile.profile_report`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from trm_edge.bundle.fields import Fields, parse_json
from trm_edge.errors import InvalidBundle, InvalidInput
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.profile.samples import Samples

KIND = "trm-edge profile"
SCHEMA_VERSION = 1  #: raised by what an old reader would misunderstand; new fields do not raise it
MAX_FILE_BYTES = 64 << 20
MAX_SIDES = 64
MAX_OPERATORS = 2000  #: of a side


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that a report is made of.

    Attributes:
        sides: at least one, of one task, with names of their own.
        data: where the puzzles come from.
        date: ISO 8601.
        versions: of what measured, by package.
        operators: of some sides, by name: where the time of the graph goes.
        remarks: what could not be measured, in sentences.

    Raises:
        InvalidInput: no sides, sides of different tasks, or two of one name.
    """

    sides: tuple[Samples, ...]
    data: str
    date: str
    versions: Mapping[str, str] = field(default_factory=dict)
    operators: Mapping[str, tuple[OperatorTime, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.sides) <= MAX_SIDES:
            raise InvalidInput(f"Results hold 1 to {MAX_SIDES} sides, not {len(self.sides)}")
        tasks = sorted({side.task for side in self.sides})
        if len(tasks) > 1:
            raise InvalidInput(f"The sides are for {' and '.join(tasks)}: profile bundles of one task at a time")
        names = [side.name for side in self.sides]
        for name in names:
            if names.count(name) > 1:
                raise InvalidInput(f"Two sides are called '{name}': give each a name of its own")

    @property
    def task(self) -> str:
        """Id of the task of all sides."""
        return self.sides[0].task

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; :func:`from_dict` gives it back."""
        return {
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "task": self.task,
            "data": self.data,
            "date": self.date,
            "versions": dict(self.versions),
            "remarks": list(self.remarks),
            "operators": {name: [asdict(time) for time in times] for name, times in self.operators.items()},
            "sides": [side.to_dict() for side in self.sides],
        }


def from_dict(document: Any, where: str = "results") -> Results:
    """Read and validate; fields that are not known are passed over.

    Args:
        document: parsed JSON.
        where: what messages call it.

    Raises:
        InvalidInput: another kind of document, a newer one, or a field that is missing, mistyped or out of range.
    """
    try:
        data = Fields(document, where)
        if data.text("kind") != KIND:
            data.refuse("kind", f"'{KIND}'")
        data.integer("schema_version", low=1, high=SCHEMA_VERSION)
        sides = data.array("sides")
        if not 1 <= len(sides) <= MAX_SIDES:
            data.refuse("sides", f"an array of 1 to {MAX_SIDES} sides")
        return Results(
            sides=tuple(Samples.from_dict(side, f"{where}, side {place}") for place, side in enumerate(sides)),
            data=data.text("data"),
            date=data.text("date"),
            versions=_texts(data.child("versions"), data.object("versions")),
            operators=_operators(data),
            remarks=tuple(remark for remark in map(str, data.array("remarks")) if remark.isprintable()),
        )
    except InvalidBundle as error:  # the reader's own kind of complaint, but this is no bundle
        raise InvalidInput(str(error)) from None


def read_results(path: Path) -> Results:
    """Read a file that ``trm-edge profile --json``, a device or an app wrote.

    Raises:
        InvalidInput: it cannot be read, is too large, or is not such a document.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode()
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text. Give a file that 'trm-edge profile --json' wrote.") from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB: profile fewer puzzles or rounds")
    try:
        document = parse_json(text, str(path))
    except InvalidBundle as error:
        raise InvalidInput(str(error)) from None
    return from_dict(document, str(path))


def merged(parts: Sequence[Results]) -> Results:
    """Results of several files or machines as one; sides whose name is taken get a number behind it.

    Raises:
        InvalidInput: they are of different tasks, or too many.
    """
    sides: list[Samples] = []
    operators: dict[str, tuple[OperatorTime, ...]] = {}
    for part in parts:
        for side in part.sides:
            name = _free(side.name, {one.name for one in sides})
            sides.append(replace(side, name=name))
            if side.name in part.operators:
                operators[name] = part.operators[side.name]
    return Results(
        sides=tuple(sides),
        data="; ".join(dict.fromkeys(part.data for part in parts)),
        date=max(part.date for part in parts),
        versions={name: version for part in parts for name, version in part.versions.items()},
        operators=operators,
        remarks=tuple(dict.fromkeys(remark for part in parts for remark in part.remarks)),
    )


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _texts(data: Fields, given: Mapping[str, Any]) -> dict[str, str]:
    return {name: data.text(name) for name in given if name.isprintable()}


def _operators(data: Fields) -> dict[str, tuple[OperatorTime, ...]]:
    sides = data.child("operators")
    found = {}
    for name in data.object("operators"):
        times = sides.children(name)
        if len(times) > MAX_OPERATORS:
            sides.refuse(name, f"an array of at most {MAX_OPERATORS} operators")
        found[name] = tuple(
            OperatorTime(
                time.text("method"),
                time.text("operator"),
                max(0.0, time.number("microseconds")),
                time.integer("count"),
            )
            for time in times
        )
    return found
