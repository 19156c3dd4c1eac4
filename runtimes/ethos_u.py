"""Programs for Arm's Ethos-U without the processor: their TOSA graphs in Arm's reference model, bit by bit in integers.

TOSA says what every number must be, and Vela, which compiles the same graphs for the processor, keeps to it: the
numbers are the processor's, the times are not. The look-up of the embedding, which is the CPU's on the device too, is
done by ExecuTorch. What the processor would need is in the manifest's ``graph_stats``, as Vela estimates it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidBundle, Refused
from trm_edge.optional import require
from trm_edge.runtimes.base import Arrays
from trm_edge.runtimes.executorch import ExecuTorchSession
from trm_edge.runtimes.placement import Placement

TARGET = "ethos-u"
_SIGN = np.uint16(0x8000)  #: the graph contract stores int16 numbers plus 32768: the sign bit the other way round


class EthosUSession(ExecuTorchSession):
    """Methods in the TOSA reference model, the loop of a supervision step in the host, all states in int16."""

    runtime = "ethos-u"
    environment = "ethos-u"

    _numbers: ClassVar[str] = "int16"

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        manifest = bundle.manifest
        if manifest.target != TARGET:
            raise Refused(
                f"The runtime 'ethos-u' opens bundles made for the target '{TARGET}', this one is for "
                f"'{manifest.target}'. Export it again with --target {TARGET}."
            )
        stats = manifest.graph_stats
        self._scales = {name: np.float32(_number(stats, "scales", name)) for name in ("logits", "q_halt")}
        super()._open(bundle, options)
        self.provider = f"{stats.get('backend', TARGET)} in the TOSA reference model"

    def placement(self) -> Placement | None:
        """Operators of all methods, as Vela compiled them; the look-up of the embedding is the CPU's."""
        stats = self.manifest.graph_stats
        methods = [name for name in stats["methods"] if name != "embed"]
        elsewhere = dict(stats["methods"]["embed"]["undelegated"])
        left = sum(int(_number(stats, "vela", name, "cpu_operators")) for name in methods)
        return Placement(
            accelerator=str(stats.get("backend", TARGET)),
            placed=sum(int(_number(stats, "vela", name, "npu_operators")) for name in methods),
            elsewhere=elsewhere | ({"vela's": left} if left else {}),
            counted="operators of every method once, as Vela compiled them; the embedding is looked up by the CPU",
        )

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        states = {name: (inputs[name] ^ _SIGN).view(np.int16) for name in ("z_H", "z_L")}
        with _unheard():
            outputs = super()._infer({**inputs, **states})
        return {
            **{name: outputs[name] * scale for name, scale in self._scales.items()},
            **{name: outputs[name].view(np.uint16) ^ _SIGN for name in ("z_H_next", "z_L_next")},
        }

    def _method(self, bundle: Bundle, name: str) -> Callable[..., list[NDArray[Any]]]:
        if name == "embed":
            return super()._method(bundle, name)
        file = f"{name}.tosa"
        if file not in bundle.manifest.files:
            raise InvalidBundle(f"The bundle has no '{file}', the TOSA graph of '{name}'. Export it again.")
        model, graph = require("tosa_reference_model", extra=TARGET), (bundle.folder / file).read_bytes()

        def call(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
            try:
                outputs, status = model.run(graph, list(arrays))
            except (RuntimeError, ValueError) as error:  # what its C++ throws
                raise InvalidBundle(f"The TOSA reference model could not run '{file}': {error}") from error
            if status != model.GraphStatus.TOSA_VALID:
                raise InvalidBundle(f"The TOSA reference model finds '{file}' not valid: {status.name}.")
            given: list[NDArray[Any]] = outputs
            return given

        return call

    def _argument(self, array: NDArray[Any]) -> NDArray[Any]:
        return array


@contextmanager
def _unheard() -> Iterator[None]:
    """Drop what is printed: every call tells standard output that the graph is of an older version than the model.

    C keeps such words back in a buffer of its own, which therefore is emptied before and after.
    """
    library = ctypes.CDLL(None)
    sys.stdout.flush()
    library.fflush(None)
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        library.fflush(None)
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


def _number(stats: Mapping[str, Any], *path: str) -> float:
    """A number of the manifest's ``graph_stats``.

    Raises:
        InvalidBundle: it is not there, or no number.
    """
    found: Any = stats
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise InvalidBundle(
            f"The manifest's 'graph_stats' does not hold a number at {'.'.join(path)}: export it again."
        )
    return found
