"""A runtime that reads its answers from a script: for tests, here and in code that uses trm-edge.

It keeps the graph contract in all three variants, and it notices a host that mixes up the carries of two
puzzles or steps them out of order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trm_edge.bundle import CarrySpec, Halting, Manifest, graph_io
from trm_edge.runtimes.base import Arrays, Session
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

_HIDDEN = 2  #: z_H[..., 0] holds 1 + the puzzle's index, z_L[..., 0] the steps done; both start at 0


class FakeSession(Session):
    """A session that plays a script.

    Attributes:
        calls: the inputs of every call so far, copied.
    """

    runtime = "fake"

    def __init__(self, manifest: Manifest, *, threads: int | None = None) -> None:
        super().__init__(manifest, threads=threads)
        self.calls: list[dict[str, NDArray[Any]]] = []

    @classmethod
    def scripted(
        cls,
        tokens: ArrayLike,
        q_halt: ArrayLike,
        answers: ArrayLike,
        *,
        vocab_size: int = 16,
        graph: GraphVariant = GraphVariant.STEP,
        task: str = "fake",
        puzzles: tuple[int, ...] = (),
        fixed_batch: int | None = None,
    ) -> FakeSession:
        """Make one.

        Args:
            tokens: the ``n`` puzzles it knows, all different, [n, seq_len]; any other is answered with zeros.
            q_halt: halting logits, [steps, n].
            answers: answers after each step, [steps, n, seq_len].
            vocab_size: token values are below this.
            graph: variant to play.
            task: task id of the manifest.
            puzzles: kept puzzle ids of the manifest.
            fixed_batch: batch size built into the graph, None if it may vary.
        """
        script = np.array(tokens, np.int32), np.array(q_halt, np.float32), np.array(answers, np.int32)
        steps, seq_len = script[2].shape[0], script[2].shape[2]
        step = graph is GraphVariant.STEP
        carry = tuple(CarrySpec(name, f"{name}_next", (0.0,) * _HIDDEN) for name in ("z_H", "z_L")) if step else ()
        inputs, outputs = graph_io(
            graph,
            seq_len=seq_len,
            vocab_size=vocab_size,
            steps=steps,
            carry=carry,
            puzzle_ids=len(puzzles) > 1,
            batch="batch" if fixed_batch is None else fixed_batch,
        )
        session = cls(
            Manifest(
                name="fake",
                task=task,
                seq_len=seq_len,
                vocab_size=vocab_size,
                format=Format.ONNX,
                graph=graph,
                precision=Precision.FP32,
                target="fake",
                steps=steps,
                halting=Halting(policy="act", threshold=0.0, min_steps=1, max_steps=steps),
                inputs=inputs,
                outputs=outputs,
                carry=carry,
                puzzles=puzzles,
                created="2026-01-01",
                evidence=Evidence.SIMULATOR,
            )
        )
        session._script(*script)
        return session

    def _script(self, tokens: NDArray[np.int32], q_halt: NDArray[np.float32], answers: NDArray[np.int32]) -> None:
        self._index = {row.tobytes(): index for index, row in enumerate(tokens)}
        # one more puzzle, the last: everything that is not in the script, such as the padding of a fixed batch
        self._q_halt = np.pad(q_halt, ((0, 0), (0, 1)))
        self._answers = np.pad(answers, ((0, 0), (0, 1), (0, 0)))

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        self.calls.append({name: array.copy() for name, array in inputs.items()})
        tokens = inputs["tokens"]
        rows = np.array([self._index.get(row.tobytes(), len(self._index)) for row in tokens])
        last = len(self._q_halt) - 1
        match self.manifest.graph:
            case GraphVariant.STEP:
                done = inputs["z_L"][:, 0, 0].astype(np.int64)
                self._check_carry(inputs, rows, done)
                outputs = self._at(np.minimum(done, last), rows)
                outputs["z_H_next"] = np.empty_like(inputs["z_H"])
                outputs["z_H_next"][:] = (rows + 1)[:, None, None]
                outputs["z_L_next"] = inputs["z_L"] + np.float32(1)
            case GraphVariant.UNROLLED:
                outputs = self._at(np.arange(last + 1)[:, None], rows)
            case GraphVariant.LOOP:
                budget = int(inputs["budget"])
                q_halt = self._q_halt[np.minimum(np.arange(budget), last)][:, rows]  # [budget, batch]
                halts = q_halt > inputs["threshold"]
                halts[-1] = True  # the budget is spent
                step = halts.argmax(axis=0)
                outputs = {**self._at(np.minimum(step, last), rows), "steps": step + 1}
        return outputs

    def _at(self, step: NDArray[np.int64], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        answers = self._answers[step, rows]
        logits = np.zeros((*answers.shape, self.manifest.vocab_size), np.float32)
        np.put_along_axis(logits, answers[..., None], np.float32(1), axis=-1)
        return {"logits": logits, "q_halt": self._q_halt[step, rows]}

    def _check_carry(self, inputs: Arrays, rows: NDArray[np.int64], done: NDArray[np.int64]) -> None:
        owner = inputs["z_H"][:, 0, 0]
        if not np.array_equal(owner, np.where(done > 0, rows + 1, 0)):
            raise AssertionError(f"carry of the wrong puzzle: rows {rows.tolist()}, carries of {owner.tolist()}")
