"""The graph contract: which tensors a graph of each variant takes and gives.

The exporter writes graphs to it, a manifest is checked against it, and a session checks the file against
the manifest. Shapes (``B`` batch, ``S`` seq_len, ``P`` prefix + seq_len, ``V`` vocabulary, ``N`` steps)::

    all       in   tokens int32 [B, S]; puzzle_ids int32 [B], rows of the kept embeddings, only if several are kept
    step      in   each carry [B, P, hidden], starting at a vector the manifest holds; float32, float16, or uint8 or
                   uint16 with a scale and a zero point that the manifest holds, too
              out  logits float32 [B, S, V]; q_halt float32 [B]; each next carry
    unrolled  out  logits float32 [N, B, S, V]; q_halt float32 [N, B]
    loop      in   budget int64 []; threshold float32 []
              out  logits float32 [B, S, V] and q_halt float32 [B] at the row's halting step; steps int64 [B]

A row's answer is the argmax of its logits over V. ``q_halt`` is the halting *logit*: a row halts where it is
greater than the threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trm_edge.specs import Dim, GraphVariant, TensorSpec

if TYPE_CHECKING:
    from trm_edge.bundle.manifest import CarrySpec, Manifest

BATCH = "batch"

_LARGEST = {"float16": 65504.0, "float32": 3.4028234663852886e38}
CARRY_INTEGERS = {"uint8": 255, "uint16": 65535}
"""Integer types of a carry, with their largest value."""
SMALLEST_SCALE = 1e-30  #: of an integer carry: float32 holds its quotients


def graph_io(
    graph: GraphVariant,
    *,
    seq_len: int,
    vocab_size: int,
    steps: int,
    carry: tuple[CarrySpec, ...] = (),
    puzzle_prefix_len: int = 0,
    puzzle_ids: bool = False,
    batch: Dim = BATCH,
    carry_dtype: str = "float32",
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs of a graph that keeps the contract, in graph order."""
    inputs = [TensorSpec("tokens", (batch, seq_len), "int32")]
    if puzzle_ids:
        inputs.append(TensorSpec("puzzle_ids", (batch,), "int32"))
    lead: tuple[Dim, ...] = (steps, batch) if graph is GraphVariant.UNROLLED else (batch,)
    outputs = [TensorSpec("logits", (*lead, seq_len, vocab_size), "float32"), TensorSpec("q_halt", lead, "float32")]
    if graph is GraphVariant.STEP:
        for state in carry:
            shape = (batch, puzzle_prefix_len + seq_len, len(state.init))
            inputs.append(TensorSpec(state.input, shape, carry_dtype))
            outputs.append(TensorSpec(state.output, shape, carry_dtype))
    elif graph is GraphVariant.LOOP:
        inputs += [TensorSpec("budget", (), "int64"), TensorSpec("threshold", (), "float32")]
        outputs.append(TensorSpec("steps", (batch,), "int64"))
    return tuple(inputs), tuple(outputs)


def graph_problem(manifest: Manifest) -> str | None:
    """Where a manifest's tensors leave the contract, in one line, or None."""
    m = manifest
    if (m.graph is GraphVariant.STEP) != bool(m.carry):
        return f"a {m.graph} graph must {'have' if m.graph is GraphVariant.STEP else 'not have'} a 'carry'"
    given = {spec.name: spec for spec in m.inputs}
    tokens = given.get("tokens")
    if tokens is None or len(tokens.shape) != 2:
        return "field 'inputs' must hold 'tokens' of shape [batch, seq_len]"
    puzzle_ids = "puzzle_ids" in given
    if puzzle_ids != (len(m.puzzles) > 1) and not (puzzle_ids and m.puzzles):
        return f"{len(m.puzzles)} kept 'puzzles' do not fit {'an' if puzzle_ids else 'no'} input 'puzzle_ids'"
    first = given.get(m.carry[0].input) if m.carry else None
    carry_dtype = first.dtype if first is not None and first.dtype in ("float16", *CARRY_INTEGERS) else "float32"
    for state in m.carry:
        reason = _state_problem(state, carry_dtype)
        if reason is not None:
            return reason
    inputs, outputs = graph_io(
        m.graph,
        seq_len=m.seq_len,
        vocab_size=m.vocab_size,
        steps=m.steps,
        carry=m.carry,
        puzzle_prefix_len=m.puzzle_prefix_len,
        puzzle_ids=puzzle_ids,
        batch=tokens.shape[0],
        carry_dtype=carry_dtype,
    )
    return _difference("inputs", inputs, m.inputs) or _difference("outputs", outputs, m.outputs)


def _state_problem(state: CarrySpec, dtype: str) -> str | None:
    """What is wrong with the numbers of one state; the comparisons are written so that NaN fails too."""
    held = dtype if dtype in _LARGEST else "float32"
    if not state.init or not all(abs(value) <= _LARGEST[held] for value in state.init):
        return f"the initial vector of '{state.input}' must hold {held} numbers, at least one"
    if dtype not in CARRY_INTEGERS:
        unscaled = state.scale is None and state.zero_point is None
        return None if unscaled else f"the {dtype} state '{state.input}' must have neither 'scale' nor 'zero_point'"
    largest = CARRY_INTEGERS[dtype]
    if state.scale is None or not SMALLEST_SCALE <= state.scale <= _LARGEST["float32"]:
        return f"the {dtype} state '{state.input}' must have a 'scale' of at least {SMALLEST_SCALE:g}"
    if state.zero_point is None or not 0 <= state.zero_point <= largest:
        return f"the {dtype} state '{state.input}' must have a 'zero_point' from 0 to {largest}"
    return None


def _difference(field: str, expected: tuple[TensorSpec, ...], given: tuple[TensorSpec, ...]) -> str | None:
    by_name = {spec.name: spec for spec in given}
    names = [spec.name for spec in expected]
    if len(by_name) != len(given) or by_name.keys() != set(names):
        return f"field '{field}' must hold exactly {', '.join(names)}, not {', '.join(spec.name for spec in given)}"
    for spec in expected:
        other = by_name[spec.name]
        if other != spec:
            return (
                f"field '{field}': '{spec.name}' must be {spec.dtype} {list(spec.shape)},"
                f" not {other.dtype} {list(other.shape)}"
            )
    return None
