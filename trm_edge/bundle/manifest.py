"""The manifest of a bundle: everything a runtime on any device must know before it opens the graph.

Knows JSON and the rules of the format; knows nothing about folders, archives or engines. Java and
JavaScript read the same document, and ``tests/vectors/refusals.json`` holds what all of them must refuse.

Compatibility promise: new fields may appear without a new ``schema_version`` and old readers ignore them;
a change that an old reader would misunderstand raises ``schema_version``, and old readers refuse it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trm_edge.bundle.contract import graph_problem
from trm_edge.bundle.fields import Fields, parse_json
from trm_edge.errors import InvalidBundle
from trm_edge.specs import DTYPES, Evidence, Format, GraphVariant, Precision, TensorSpec

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
GOLDEN = "golden.json"
MODEL_CARD = "model-card.md"

MAX_FILES = 64
MAX_FILE_BYTES = 2 * 1024**3
MAX_BUNDLE_BYTES = 4 * 1024**3  #: all files together; stops an archive from filling the disk

_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


@dataclass(frozen=True)
class Halting:
    """Halting defaults of a bundle.

    Attributes:
        policy: policy text, see :func:`trm_edge.solve.parse_policy`.
        threshold: a row halts when its halting logit is greater.
        min_steps: first supervision step at which a row may halt.
        max_steps: step budget.
    """

    policy: str
    threshold: float
    min_steps: int
    max_steps: int


@dataclass(frozen=True)
class CarrySpec:
    """One recurrent state of a ``step`` graph.

    Attributes:
        input: name of the graph input that takes the state.
        output: name of the graph output that gives the next one.
        init: initial vector [hidden], the same for every row and position; float32 values, whatever the graph stores.
        scale: of a state that the graph stores in integers, ``real = scale * (stored - zero_point)``; else None.
        zero_point: the stored value of 0; None where there is no scale.
    """

    input: str
    output: str
    init: tuple[float, ...]
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class FileEntry:
    """SHA-256 (lower-case hexadecimal) and size in bytes of one file."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What ``manifest.json`` says. An instance is coherent: every way to make one checks it.

    Attributes:
        name: what people call the bundle.
        task: id of the task, ``get_task(task)`` builds it.
        seq_len: tokens of one puzzle.
        vocab_size: token values are 0 .. vocab_size - 1.
        format: file format of the graph.
        graph: layout of the recursion.
        precision: number format of weights and activations.
        target: id of the processor the graph was made for.
        steps: supervision steps in an unrolled graph; elsewhere the step budget of the golden vectors.
        halting: defaults of the solver.
        inputs: graph inputs, see :mod:`trm_edge.bundle.contract`.
        outputs: graph outputs.
        carry: recurrent states, ``step`` graphs only.
        puzzles: original puzzle ids whose embeddings are kept, in row order; empty: the model has none.
        puzzle_prefix_len: positions the puzzle embedding takes before the tokens.
        model: the model's config.
        graph_stats: nodes by type, file bytes, unique weight bytes and their ratio.
        tools: versions of the tools that wrote the bundle, by name.
        created: UTC date or time, ISO 8601.
        evidence: how the target is known to work.
        files: every other file of the bundle by name; filled in by :func:`~trm_edge.bundle.write_bundle`.
        parity: report of the last parity check, or None.
        placement: where the nodes of the graph ran on the target (:class:`trm_edge.runtimes.placement.Placement`), or
            None where that was not proven.
        latency: measured latencies.
        model_file: which of ``files`` is the graph.

    Raises:
        InvalidBundle: fields that are out of range or contradict each other.
    """

    name: str
    task: str
    seq_len: int
    vocab_size: int
    format: Format
    graph: GraphVariant
    precision: Precision
    target: str
    steps: int
    halting: Halting
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    carry: tuple[CarrySpec, ...] = ()
    puzzles: tuple[int, ...] = ()
    puzzle_prefix_len: int = 0
    model: Mapping[str, Any] = field(default_factory=dict)
    graph_stats: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    created: str
    evidence: Evidence
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    parity: Mapping[str, Any] | None = None
    placement: Mapping[str, Any] | None = None
    latency: Sequence[Mapping[str, Any]] = ()
    model_file: str = "model.onnx"
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem is not None:
            raise InvalidBundle(f"{MANIFEST}: {problem}")

    @property
    def takes_puzzle_ids(self) -> bool:
        """Whether the graph has the input ``puzzle_ids``."""
        return any(spec.name == "puzzle_ids" for spec in self.inputs)

    @property
    def fixed_batch(self) -> int | None:
        """The batch size built into the graph, or None where it may vary."""
        batch = next(spec for spec in self.inputs if spec.name == "tokens").shape[0]
        return batch if isinstance(batch, int) else None

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as Python objects, fields in the order they are documented in."""
        return {
            "schema_version": self.schema_version,
            "name": self.name,
            "task": self.task,
            "seq_len": self.seq_len,
            "vocab_size": self.vocab_size,
            "format": self.format.value,
            "graph": self.graph.value,
            "precision": self.precision.value,
            "target": self.target,
            "evidence": self.evidence.value,
            "created": self.created,
            "steps": self.steps,
            "halting": {
                "policy": self.halting.policy,
                "threshold": self.halting.threshold,
                "min_steps": self.halting.min_steps,
                "max_steps": self.halting.max_steps,
            },
            "inputs": [_tensor_dict(spec) for spec in self.inputs],
            "outputs": [_tensor_dict(spec) for spec in self.outputs],
            "carry": [_carry_dict(state) for state in self.carry],
            "puzzles": list(self.puzzles),
            "puzzle_prefix_len": self.puzzle_prefix_len,
            "model_file": self.model_file,
            "files": {name: {"sha256": entry.sha256, "bytes": entry.size} for name, entry in self.files.items()},
            "model": dict(self.model),
            "graph_stats": dict(self.graph_stats),
            "tools": dict(self.tools),
            "parity": None if self.parity is None else dict(self.parity),
            "placement": None if self.placement is None else dict(self.placement),
            "latency": [dict(item) for item in self.latency],
        }

    def to_json(self) -> str:
        """The document as text, one line a field.

        Raises:
            InvalidBundle: ``model``, ``graph_stats``, ``parity`` or ``latency`` hold what JSON cannot.
        """
        return dump_document(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a document strictly.

        Raises:
            InvalidBundle: not JSON, a newer schema, or a field missing, mistyped or incoherent; names the field.
        """
        return cls.from_dict(parse_json(text, MANIFEST))

    @classmethod
    def from_dict(cls, document: Any) -> Manifest:
        """Like :meth:`from_json`, from parsed JSON."""
        data = Fields(document, MANIFEST)
        schema = data.integer("schema_version", low=1)
        if schema > SCHEMA_VERSION:  # before any other field: a newer schema may have renamed them
            raise InvalidBundle(
                f"{MANIFEST}: written by a newer trm-edge (schema {schema}, this reads {SCHEMA_VERSION}): upgrade"
            )
        halting = data.child("halting")
        manifest = cls(
            schema_version=schema,
            name=data.text("name"),
            task=data.text("task"),
            seq_len=data.integer("seq_len", low=1),
            vocab_size=data.integer("vocab_size", low=2),
            format=data.choice("format", Format),
            graph=data.choice("graph", GraphVariant),
            precision=data.choice("precision", Precision),
            target=data.text("target"),
            evidence=data.choice("evidence", Evidence),
            created=data.text("created"),
            steps=data.integer("steps", low=1),
            halting=Halting(
                policy=halting.text("policy"),
                threshold=halting.number("threshold"),
                min_steps=halting.integer("min_steps", low=1),
                max_steps=halting.integer("max_steps", low=1),
            ),
            inputs=tuple(map(_tensor, data.children("inputs"))),
            outputs=tuple(map(_tensor, data.children("outputs"))),
            carry=tuple(map(_carry, data.children("carry"))),
            puzzles=data.integers("puzzles"),
            puzzle_prefix_len=data.integer("puzzle_prefix_len"),
            model_file=data.text("model_file"),
            files=_files(data),
            model=data.object("model"),
            graph_stats=data.object("graph_stats"),
            tools=_tools(data),
            parity=data.optional_object("parity"),
            placement=data.optional_object("placement") if data.has("placement") else None,
            latency=_latency(data),
        )
        if manifest.model_file not in manifest.files:
            raise InvalidBundle(f"{MANIFEST}: model_file '{manifest.model_file}' is not listed under 'files'")
        return manifest


def dump_document(document: Mapping[str, Any]) -> str:
    """One JSON object as text, one line a field: short to read, and a change shows as one line.

    Raises:
        InvalidBundle: a value JSON cannot hold (NaN, an array, ...).
    """
    lines = []
    for name, value in document.items():
        try:
            lines.append(f"  {json.dumps(name)}: {json.dumps(value, allow_nan=False)}")
        except (TypeError, ValueError) as error:
            raise InvalidBundle(f"field '{name}' cannot be written as JSON: {error}") from None
    return "{\n" + ",\n".join(lines) + "\n}\n"


def unsafe_name(name: str) -> str | None:
    """Why ``name`` cannot name a file of a bundle, or None.

    A bundle is flat and its names are portable: letters, digits, ``.``, ``_`` and ``-``. That leaves no way
    to write a parent folder, an absolute path, a drive, a backslash or a hidden file.
    """
    if not name or len(name) > 100 or not _NAME_CHARACTERS.issuperset(name):
        return "use 1 to 100 letters, digits, '.', '_' and '-', without folders"
    if name.startswith((".", "-")) or name.endswith("."):
        return "it must not start with '.' or '-' nor end with '.'"
    if name.lower() == MANIFEST:
        return "that is the manifest itself"
    return None


def is_litter(name: str) -> bool:
    """Whether an operating system left this file in a folder it showed."""
    return name.lower() in _LITTER or name.startswith("._")


def _problem(m: Manifest) -> str | None:
    """The first thing wrong with a manifest whose fields have the right types, or None."""
    numbers = {
        "seq_len": (m.seq_len, 1),
        "vocab_size": (m.vocab_size, 2),
        "steps": (m.steps, 1),
        "puzzle_prefix_len": (m.puzzle_prefix_len, 0),
        "halting.min_steps": (m.halting.min_steps, 1),
    }
    for name, (value, low) in numbers.items():
        if value < low:
            return f"field '{name}' must be at least {low}, not {value}"
    if not math.isfinite(m.halting.threshold):
        return "field 'halting.threshold' must be a finite number"
    if m.halting.max_steps < m.halting.min_steps:
        return f"halting.max_steps {m.halting.max_steps} is less than halting.min_steps {m.halting.min_steps}"
    if m.graph is GraphVariant.UNROLLED and m.halting.max_steps > m.steps:
        return f"halting.max_steps {m.halting.max_steps} exceeds the {m.steps} steps of the unrolled graph"
    if len(set(m.puzzles)) != len(m.puzzles):
        return "field 'puzzles' names an id twice"
    try:
        datetime.fromisoformat(m.created)
    except ValueError:
        return f"field 'created' must be an ISO 8601 date, not '{m.created}'"
    return _files_problem(m) or graph_problem(m)


def _files_problem(m: Manifest) -> str | None:
    if len(m.files) > MAX_FILES:
        return f"field 'files' lists {len(m.files)} files, at most {MAX_FILES} are allowed"
    for name in (m.model_file, *m.files):
        reason = unsafe_name(name)
        if reason is not None:
            return f"unsafe file name {name!r}: {reason}"
    declared = sum(entry.size for entry in m.files.values())
    if declared > MAX_BUNDLE_BYTES:
        return f"field 'files' declares {declared} bytes together, at most {MAX_BUNDLE_BYTES} are allowed"
    if len({name.lower() for name in m.files}) != len(m.files):
        return "field 'files' holds names that differ only in case"
    return None


def _files(data: Fields) -> dict[str, FileEntry]:
    listing = data.child("files")
    files = {}
    for name in data.object("files"):
        entry = listing.child(name)
        digest = entry.text("sha256")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            entry.refuse("sha256", "64 lower-case hexadecimal digits")
        files[name] = FileEntry(digest, entry.integer("bytes", high=MAX_FILE_BYTES))
    return files


def _tools(data: Fields) -> dict[str, str]:
    tools = data.child("tools")
    return {name: tools.text(name) for name in data.object("tools")}


def _latency(data: Fields) -> tuple[dict[str, Any], ...]:
    items = data.array("latency")
    if not all(isinstance(item, dict) for item in items):
        data.refuse("latency", "an array of objects")
    return tuple(items)


def _carry(data: Fields) -> CarrySpec:
    return CarrySpec(
        data.text("input"),
        data.text("output"),
        data.numbers("init"),
        scale=data.number("scale") if data.has("scale") else None,
        zero_point=data.integer("zero_point") if data.has("zero_point") else None,
    )


def _carry_dict(state: CarrySpec) -> dict[str, Any]:
    """A state of floats has two fields less."""
    written = {"input": state.input, "output": state.output, "init": list(state.init)}
    integer = {"scale": state.scale, "zero_point": state.zero_point}
    return written | {name: value for name, value in integer.items() if value is not None}


def _tensor(data: Fields) -> TensorSpec:
    shape = data.array("shape")
    for dim in shape:
        if not (type(dim) is int and dim >= 1) and not (isinstance(dim, str) and dim.isidentifier()):
            data.refuse("shape", "an array of sizes >= 1 and names")
    if data.text("dtype") not in DTYPES:
        data.refuse("dtype", f"one of {', '.join(DTYPES)}")
    return TensorSpec(data.text("name"), tuple(shape), data.text("dtype"))


def _tensor_dict(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype}
