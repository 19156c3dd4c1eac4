"""What a runtime is: something that computes one call of a bundle's graph.

:class:`Session` validates what goes in and what comes out; a runtime is one small file that only knows how to
open a graph and how to compute. Nothing here knows halting policies or tasks: the loop over supervision steps
is the business of :mod:`trm_edge.solve`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Bundle, Manifest
from trm_edge.bundle.carry import to_stored
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, unknown
from trm_edge.runtimes.placement import Placement
from trm_edge.specs import TensorSpec

Arrays = Mapping[str, NDArray[Any]]
_Expected = list[tuple[str, tuple[int, ...], np.dtype[Any]]]


class Session(ABC):
    """An open graph. Use it in a ``with``, or close it.

    Attributes:
        runtime: name in the table of :mod:`trm_edge.runtimes`.
        environment: name of the environment that its engine lives in (:mod:`trm_edge.environments`); None: ours.
        manifest: the manifest the graph is checked against.
        threads: threads asked for, None = the runtime's own choice.
        provider: what computes, in the runtime's own words.
    """

    runtime: ClassVar[str]
    environment: ClassVar[str | None] = None
    options: ClassVar[tuple[str, ...]] = ()  #: names of the keyword arguments `_open` understands

    def __init__(self, manifest: Manifest, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise InvalidInput(f"threads must be at least 1, not {threads}")
        self.manifest = manifest
        self.threads = threads
        self.provider = "cpu"
        self._closed = False
        self._ranges = [("tokens", manifest.vocab_size)]
        if manifest.takes_puzzle_ids:
            self._ranges.append(("puzzle_ids", len(manifest.puzzles)))
        self._rows = {puzzle_id: row for row, puzzle_id in enumerate(manifest.puzzles)}
        # expected names, shapes and dtypes by batch size: a solver calls with few sizes, thousands of times
        self._expected: dict[int, tuple[_Expected, _Expected]] = {}

    @classmethod
    def from_bundle(cls, bundle: Bundle, *, threads: int | None = None, **options: Any) -> Self:
        """Open the graph of a bundle; ``options`` are the runtime's own.

        Raises:
            InvalidInput: an option the runtime does not have.
            Refused: the runtime does not run bundles, or cannot be set up as asked.
            InvalidBundle: the graph cannot be loaded or is not what the manifest says.
        """
        cls.check_options(options)
        session = cls(bundle.manifest, threads=threads)
        session._open(bundle, options)
        return session

    @classmethod
    def check_options(cls, options: Iterable[str]) -> None:
        """Refuse an option that the runtime does not have.

        Raises:
            InvalidInput: there is one.
        """
        for name in options:
            if name not in cls.options:
                raise InvalidInput(unknown(f"option of {cls.runtime}", name, cls.options))

    def infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """One call of the graph.

        Args:
            inputs: exactly the tensors of ``manifest.inputs``, with one batch size.

        Returns:
            The tensors of ``manifest.outputs``, writable and owned by the caller.

        Raises:
            InvalidInput: a tensor missing, unknown, of another shape or dtype, or with values out of range.
            InvalidBundle: the graph answered NaN, or not what the manifest says.
        """
        if self._closed:
            raise InvalidInput("The session is closed: open it again")
        outputs_expected = self._check_inputs(inputs)
        outputs = self._infer(inputs)
        self._check_outputs(outputs, outputs_expected)
        return outputs

    def initial_carry(self, batch: int) -> dict[str, NDArray[Any]]:
        """The states before the first step of a ``step`` graph, by input name: [batch, prefix + seq, hidden].

        In the graph's own number format, which may be integers (:class:`~trm_edge.bundle.CarrySpec`).
        """
        specs = {spec.name: spec for spec in self.manifest.inputs}
        carry = {}
        for state in self.manifest.carry:
            _, shape, dtype = _at_batch(specs[state.input], batch)
            init = to_stored(state, np.array(state.init, np.float32), str(dtype))
            carry[state.input] = np.broadcast_to(init, shape).copy()
        return carry

    def puzzle_row(self, puzzle_id: int) -> int:
        """Row of the kept puzzle embeddings for an original puzzle id; 0 where the model has none.

        Raises:
            InvalidInput: the bundle did not keep that id.
        """
        if not self._rows:
            return 0
        try:
            return self._rows[puzzle_id]
        except KeyError:
            kept = self.manifest.puzzles
            listed = ", ".join(map(str, kept[:20])) + (f", ... ({len(kept)} in all)" if len(kept) > 20 else "")
            raise InvalidInput(
                f"Puzzle id {puzzle_id} is not in this bundle. Kept: {listed}. Export it again with that id."
            ) from None

    def placement(self) -> Placement | None:
        """Where the nodes of the graph run; None where the runtime has one processor, or does not say."""
        return None

    def close(self) -> None:
        """Free the graph. Calling it twice is fine."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- for runtimes -------------------------------------------------------------------------
    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the graph of ``bundle``; a runtime that is not made from bundles keeps this one."""
        raise Refused(f"The runtime '{self.runtime}' does not open bundles. Use onnxruntime.")

    @abstractmethod
    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Compute; the inputs are valid. Outputs must be fresh, writable arrays."""

    # -- checks -------------------------------------------------------------------------------
    def _check_inputs(self, inputs: Arrays) -> _Expected:
        """Check the inputs and return what the outputs must look like."""
        tokens = inputs.get("tokens")
        batch = tokens.shape[0] if isinstance(tokens, np.ndarray) and tokens.ndim else 0
        expected = self._expected.get(batch) or self._expect(batch)
        if len(inputs) != len(expected[0]) or not all(name in inputs for name, _, _ in expected[0]):
            names = ", ".join(name for name, _, _ in expected[0])
            raise InvalidInput(f"The graph takes exactly {names}, not {', '.join(inputs) or 'nothing'}")
        for name, shape, dtype in expected[0]:
            array = inputs[name]
            if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
                raise InvalidInput(f"Input '{name}' must be {dtype} {list(shape)}, not {_described(array)}")
        for name, limit in self._ranges:
            low, high = inputs[name].min(), inputs[name].max()
            if low < 0 or high >= limit:
                raise InvalidInput(f"Input '{name}' must lie in 0..{limit - 1}, it holds {low}..{high}")
        return expected[1]

    def _expect(self, batch: int) -> tuple[_Expected, _Expected]:
        fixed = self.manifest.fixed_batch
        if batch < 1 or (fixed is not None and batch != fixed):
            wanted = "at least 1 puzzle" if fixed is None else f"exactly {fixed} puzzle(s), as the graph was exported"
            raise InvalidInput(f"Input 'tokens' must be a batch of {wanted}: int32 [batch, seq_len]")
        m = self.manifest
        expected = ([_at_batch(spec, batch) for spec in m.inputs], [_at_batch(spec, batch) for spec in m.outputs])
        self._expected[batch] = expected
        return expected

    def _check_outputs(self, outputs: Arrays, expected: _Expected) -> None:
        for name, shape, dtype in expected:
            array = outputs.get(name)
            if array is None or array.shape != shape or array.dtype != dtype:
                raise InvalidBundle(
                    f"The graph's output '{name}' is {_described(array)}, its manifest says {dtype} {list(shape)}"
                )
        for name in ("logits", "q_halt"):
            if math.isnan(outputs[name].max()):  # max() passes NaN on, and allocates nothing
                raise InvalidBundle(
                    f"The graph answered NaN in '{name}': its weights hold NaN or its precision"
                    f" ({self.manifest.precision}) overflows. Export it again, in fp32 if need be."
                )


def _at_batch(spec: TensorSpec, batch: int) -> tuple[str, tuple[int, ...], np.dtype[Any]]:
    return spec.name, tuple(d if isinstance(d, int) else batch for d in spec.shape), np.dtype(spec.dtype)


def one_line(error: Exception) -> str:
    """What an engine's exception says, for the line that a user reads."""
    return " ".join(str(error).split())[:300]


def _described(array: object) -> str:
    if isinstance(array, np.ndarray):
        return f"{array.dtype} {list(array.shape)}"
    return "missing" if array is None else type(array).__name__
