"""The float model in PyTorch, as a ``step`` session: the reference every other runtime is compared with.

Not made from a bundle but from the model itself, so that a checkpoint can be solved with, and compared,
before anything is exported.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from trm_edge import __version__
from trm_edge.bundle import CarrySpec, Halting, Manifest, graph_io
from trm_edge.optional import require
from trm_edge.runtimes.base import Arrays, Session
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

if TYPE_CHECKING:
    import torch

    from trm_edge.model.network import RecursiveModel


class TorchEagerSession(Session):
    """A float model run step by step, on the device its weights are on."""

    runtime = "torch-eager"

    @classmethod
    def from_model(
        cls, model: RecursiveModel, task_id: str, *, name: str = "float model", threads: int | None = None
    ) -> Self:
        """Wrap a model; it is put into evaluation mode.

        Args:
            model: the float32 model.
            task_id: id of the task it was trained on.
            name: what reports call it.
            threads: sets PyTorch's thread count, which is global to the process; None leaves it.
        """
        torch = require("torch", extra="torch")
        session = cls(_manifest(model, task_id, name, torch.__version__), threads=threads)
        if threads is not None:
            torch.set_num_threads(threads)
        session._model = model.eval()
        session._device = model.H_init.device
        session.provider = str(session._device)
        return session

    _model: RecursiveModel
    _device: torch.device

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        import torch

        with torch.inference_mode():
            given = {name: torch.from_numpy(array).to(self._device) for name, array in inputs.items()}
            z_H, z_L, logits, q_halt = self._model.step(
                given["z_H"], given["z_L"], given["tokens"], given.get("puzzle_ids")
            )
            outputs = {"logits": logits, "q_halt": q_halt, "z_H_next": z_H, "z_L_next": z_L}
            return {name: tensor.float().cpu().contiguous().numpy() for name, tensor in outputs.items()}


def _manifest(model: RecursiveModel, task_id: str, name: str, torch_version: str) -> Manifest:
    """What a bundle of this model as a step graph would say."""
    config = model.config
    z_H, z_L = model.initial_carry(1)
    carry = tuple(
        CarrySpec(state, f"{state}_next", tuple(tensor[0, 0].float().tolist()))
        for state, tensor in (("z_H", z_H), ("z_L", z_L))
    )
    puzzles = tuple(range(config.num_puzzle_identifiers)) if config.puzzle_emb_ndim else ()
    inputs, outputs = graph_io(
        GraphVariant.STEP,
        seq_len=config.seq_len,
        vocab_size=config.vocab_size,
        steps=config.halt_max_steps,
        carry=carry,
        puzzle_prefix_len=model.prefix_len,
        puzzle_ids=len(puzzles) > 1,
    )
    return Manifest(
        name=name,
        task=task_id,
        seq_len=config.seq_len,
        vocab_size=config.vocab_size,
        format=Format.ONNX,  # what it would be exported to; there is no file behind this session
        graph=GraphVariant.STEP,
        precision=Precision.FP32,
        target="torch",
        steps=config.halt_max_steps,
        halting=Halting(policy="act", threshold=0.0, min_steps=1, max_steps=config.halt_max_steps),
        inputs=inputs,
        outputs=outputs,
        carry=carry,
        puzzles=puzzles,
        puzzle_prefix_len=model.prefix_len,
        model=config.to_dict(),
        tools={"trm-edge": __version__, "torch": torch_version},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        evidence=Evidence.HARDWARE,
    )
