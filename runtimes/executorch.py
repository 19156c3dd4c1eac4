"""ExecuTorch, for ``.pte`` programs: a few small methods, and the recursion of a supervision step in the host.

A program holds ``embed``, ``network_L`` (an HRM also ``network_H``) and ``heads``; how often a step calls them is in
the manifest's model configuration. To the solver that is a ``step`` graph like any other.

The library's own Python front door (``portable_lib``) imports its exporter, 2.4 seconds of it, so this module goes to
the extension behind it. A session serves one call at a time: its states are held where the methods read them.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Bundle, Manifest
from trm_edge.errors import InvalidBundle, InvalidConfig, Refused
from trm_edge.model.config import ModelConfig
from trm_edge.optional import require
from trm_edge.runtimes.base import Arrays, Session
from trm_edge.specs import Format, GraphVariant

if TYPE_CHECKING:
    import torch

Tensor = tuple[str, tuple[int, ...]]
"""Dtype and shape."""

_DTYPES = {2: "int16", 3: "int32", 4: "int64", 6: "float32"}  #: PyTorch's numbers of the types that programs use


@dataclass(frozen=True)
class Signature:
    """What a method takes and gives, in order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class Program:
    """An open ``.pte``.

    Args:
        path: the file.
        etdump: record the time of every operator, for :meth:`write_etdump`.

    Raises:
        MissingDependency: executorch is not installed.
        InvalidBundle: the file is no program, or damaged.
    """

    def __init__(self, path: Path, *, etdump: bool = False) -> None:
        library = load_executorch()
        self.path = path
        with self._one_line("cannot load"):
            self._program = library._load_program(
                str(path), enable_etdump=etdump, program_verification=library.Verification.InternalConsistency
            )
            names = [self._program.get_method_name(i) for i in range(self._program.num_methods())]
            self.methods = {name: _signature(self._program.method_meta(name)) for name in names}

    def load(self, name: str) -> Callable[..., list[NDArray[Any]]]:
        """Load a method: XNNPACK packs its weights now.

        Returns:
            A function of tensors, contiguous and of the method's signature, to arrays. These are the program's
            memory: copy them before the next call of any method.

        Raises:
            InvalidBundle: the method cannot be loaded here; calling it raises the same.
        """
        with self._one_line(f"cannot load the method '{name}' of"):
            method = self._program.load_method(name)

        def call(*inputs: torch.Tensor) -> list[NDArray[Any]]:
            try:
                return [tensor.numpy() for tensor in method.call(inputs, False)]  # False: do not clone
            except RuntimeError as error:
                raise InvalidBundle(f"executorch could not run '{name}': {_first_line(error)}") from error

        return call

    def write_etdump(self, path: Path) -> None:
        """Write what was recorded so far."""
        with self._one_line("cannot record the operators of"):
            self._program.write_etdump_result_to_file(str(path), None)

    @contextmanager
    def _one_line(self, what: str) -> Iterator[None]:
        """Turn the library's exceptions into one of ours, with the reason that it logs but does not raise."""
        with quiet() as log:
            try:
                yield
            except (RuntimeError, ValueError) as error:  # what its C++ throws
                reason = log() or _first_line(error)
                raise InvalidBundle(f"executorch {what} '{self.path}': {reason}") from error


class ExecuTorchSession(Session):
    """A program in ExecuTorch, one supervision step a call.

    ``threads`` sets the size of the library's thread pool, which is global to the process; None leaves it.
    """

    runtime = "executorch"

    _program: Program | None = None
    _numbers: ClassVar[str] = "float32"  #: dtype of everything that the methods take and give, tokens and ids aside

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the program and all its methods."""
        manifest = bundle.manifest
        if manifest.format is not Format.EXECUTORCH:
            raise Refused(f"executorch opens executorch programs, this bundle holds {manifest.format}")
        if manifest.graph is not GraphVariant.STEP:
            raise Refused(f"executorch runs step graphs, this bundle holds {manifest.graph}: export it as a step")
        self._config = _model_config(manifest)
        wanted = _signatures(manifest, self._config, self._numbers)
        if self.threads is not None:
            set_threads(self.threads)
        self._program = Program(bundle.model_path)
        _compare(self._program.methods, wanted)
        methods = {name: self._method(bundle, name) for name in wanted}
        self._embed, self._network_L, self._heads = methods["embed"], methods["network_L"], methods["heads"]
        self._network_H = methods.get("network_H", self._network_L)
        # what the methods read in place, and the same memory as arrays
        shape = wanted["heads"].inputs[0][1]
        self._x = np.empty(shape, self._numbers)
        self._z_H, self._z_L, self._injected = (np.empty(shape, self._numbers) for _ in range(3))
        self._tensors = tuple(self._argument(array) for array in (self._z_H, self._z_L, self._injected))

    def _method(self, bundle: Bundle, name: str) -> Callable[..., list[NDArray[Any]]]:
        """A method of the program, ready to be called."""
        assert self._program is not None
        return self._program.load(name)

    def _argument(self, array: NDArray[Any]) -> Any:
        """The memory of an array as the methods take it."""
        return require("torch", extra="executorch").from_numpy(array)

    def close(self) -> None:
        """Free the program and its methods."""
        super().close()
        if self._program is not None:
            del self._embed, self._network_L, self._network_H, self._heads
            self._program = None

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        z_H, z_L, injected = self._tensors
        self._x[...] = self._embed(*self._tokens(inputs))[0]
        self._z_H[...], self._z_L[...] = inputs["z_H"], inputs["z_L"]
        for _ in range(self._config.H_cycles):
            np.add(self._z_H, self._x, out=self._injected)  # the same for all latent updates of a cycle
            for _ in range(self._config.L_cycles):
                self._z_L[...] = self._network_L(z_L, injected)[0]
            self._z_H[...] = self._network_H(z_H, z_L)[0]
        logits, q_halt = self._heads(z_H)
        outputs = {"logits": logits, "q_halt": q_halt, "z_H_next": self._z_H, "z_L_next": self._z_L}
        return {name: array.copy() for name, array in outputs.items()}

    def _tokens(self, inputs: Arrays) -> list[torch.Tensor]:
        """The inputs of ``embed``; copied, for the caller's arrays may be read-only or strided."""
        import torch

        names = ("tokens", "puzzle_ids") if "puzzle_ids" in inputs else ("tokens",)
        return [torch.from_numpy(inputs[name].copy()) for name in names]


def load_executorch() -> Any:
    """The library's extension module.

    Raises:
        MissingDependency: executorch, or the PyTorch that it links to, is not installed.
    """
    require("torch", extra="executorch")
    return require("executorch.extension.pybindings._C", extra="executorch")


def set_threads(count: int) -> None:
    """Size of the thread pool of the process, calling thread included."""
    library = load_executorch()
    with quiet():  # it announces what it does
        if library._threadpool_get_thread_count() != count:
            library._unsafe_reset_threadpool(count)  # "unsafe" while a method runs


def _model_config(manifest: Manifest) -> ModelConfig:
    try:
        return ModelConfig.from_dict(manifest.model)
    except InvalidConfig as error:
        raise InvalidBundle(f"The manifest's 'model' does not say how often to call the methods: {error}") from None


def _signatures(manifest: Manifest, config: ModelConfig, numbers: str) -> dict[str, Signature]:
    """The methods that a program of this manifest must have, with ``numbers`` for all but tokens and ids."""
    batch = manifest.fixed_batch
    if batch is None:
        raise InvalidBundle("The manifest's 'inputs' leave the batch open; an executorch program has a fixed one")
    names = [state.input for state in manifest.carry]
    if names != ["z_H", "z_L"]:
        raise InvalidBundle(f"The manifest's 'carry' is {', '.join(names) or 'empty'}; a program's is z_H, z_L")
    shapes = {
        spec.name: (
            spec.dtype if spec.dtype == "int32" else numbers,
            tuple(size for size in spec.shape if isinstance(size, int)),
        )
        for spec in (*manifest.inputs, *manifest.outputs)
    }
    state, ids = shapes["z_H"], ("puzzle_ids",) if manifest.takes_puzzle_ids else ()
    network = Signature((state, state), (state,))
    return {
        "embed": Signature(tuple(shapes[name] for name in ("tokens", *ids)), (state,)),
        "network_L": network,
        **({"network_H": network} if config.kind == "hrm" else {}),
        "heads": Signature((state,), (shapes["logits"], shapes["q_halt"])),
    }


def _signature(meta: Any) -> Signature:
    def tensor(info: Any) -> Tensor:
        return _DTYPES.get(info.dtype(), f"type {info.dtype()}"), tuple(info.sizes())

    inputs = tuple(tensor(meta.input_tensor_meta(i)) for i in range(meta.num_inputs()))
    return Signature(inputs, tuple(tensor(meta.output_tensor_meta(i)) for i in range(meta.num_outputs())))


def _compare(given: Mapping[str, Signature], wanted: Mapping[str, Signature]) -> None:
    """Refuse a program whose methods are not those of its manifest."""
    if given.keys() != wanted.keys():
        raise InvalidBundle(
            f"The program's methods are {', '.join(sorted(given))}; its manifest asks for {', '.join(sorted(wanted))}"
        )
    for name, signature in wanted.items():
        if given[name] != signature:
            raise InvalidBundle(
                f"The program's method '{name}' is {_described(given[name])}, its manifest says {_described(signature)}"
            )


def _described(signature: Signature) -> str:
    sides = (signature.inputs, signature.outputs)
    return " -> ".join(", ".join(f"{dtype} {list(shape)}" for dtype, shape in side) for side in sides)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


@contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Keep what the library writes to standard error; the value is a function to its last line, without its place.

    It logs why a program is refused, and its search for an ARM processor on every machine: some of it through Python's
    ``sys.stderr``, some of it past Python.
    """
    said = io.StringIO()

    def last_line(text: str) -> str:
        messages = [line.partition("] ")[2] or line for line in text.splitlines() if line.strip()]
        return messages[-1].strip()[:300] if messages else ""

    with contextlib.redirect_stderr(said), tempfile.TemporaryFile() as file:
        try:
            saved = os.dup(2)
        except OSError:  # a process without standard error has nothing to keep clean
            yield lambda: last_line(said.getvalue())
            return
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: last_line(said.getvalue()) or last_line(_content(file))
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
