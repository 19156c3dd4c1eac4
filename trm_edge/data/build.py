"""``trm-edge data build``: the datasets by name, and how one is made whole or not at all.

A new dataset is one module with a builder and one line in :data:`BUILDERS`; nothing is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

from trm_edge.data.build_options import Advance, Builder, BuildOptions
from trm_edge.data.parts import Ranks
from trm_edge.data.writer import REPORT, DatasetWriter
from trm_edge.errors import InvalidInput, unknown

_COMMON = {"name", "out", "seed", "deduplicate", "overwrite", "source", "subsample_size"}
_GRIDS = _COMMON | {"train", "test", "repo", "check", "task", "generate", "generate_test", "generator"}
_ARC = _COMMON | {"num_aug", "subsets", "test_sets"}


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be built.

    Attributes:
        builder: ``module:function`` of its builder.
        uses: options that it looks at.
        generated: ``module:function`` of the source behind ``--generate``, whose work ranks share.
    """

    builder: str
    uses: set[str]
    generated: str | None = None


BUILDERS = {
    "sudoku-extreme": Dataset(
        "trm_edge.data.sudoku:build", _GRIDS | {"min_difficulty", "num_aug"}, "trm_edge.data.sudoku:generated"
    ),
    "maze-hard": Dataset("trm_edge.data.maze:build", _GRIDS | {"aug"}, "trm_edge.data.maze:generated"),
    "arc-agi-1": Dataset("trm_edge.data.arc:build", _ARC),
    "arc-agi-2": Dataset("trm_edge.data.arc:build", _ARC),
}


def build_dataset(options: BuildOptions, advance: Advance = lambda puzzles: None) -> dict[str, Any] | None:
    """Make ``options.out``, whole or not at all.

    Under ``torchrun`` (or whatever sets ``RANK`` and ``WORLD_SIZE``) the processes share the generation of puzzles,
    rank 0 writes the dataset, and the result is the one that a single process gives.

    Args:
        options: what to make.
        advance: told of what has been written.

    Returns:
        The report, as in ``report.json``; None on ranks other than 0.

    Raises:
        InvalidInput: unknown name, an option that does not apply, out of range, or a folder that is there.
        TrmEdgeError: a download failed, or another rank did not deliver.
    """
    if options.name not in BUILDERS:
        raise InvalidInput(unknown("dataset", options.name, BUILDERS))
    dataset = BUILDERS[options.name]
    _check(options, dataset)
    ranks = Ranks.from_environment()
    if ranks.rank > 0:
        if options.generate is not None and dataset.generated is not None:
            _load(dataset.generated)(options).contribute()
        return None
    builder: Builder = _load(dataset.builder)
    with DatasetWriter(options.out, overwrite=options.overwrite) as writer:
        report = {"name": options.name, "deduplicate": options.deduplicate, **builder(options, writer, advance)}
        writer.write_json(REPORT, report)
    return report


def _check(options: BuildOptions, dataset: Dataset) -> None:
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name not in dataset.uses and value not in (field.default, {}):
            raise InvalidInput(f"{options.name} has no use for --{field.name.replace('_', '-')}: leave it out.")
    for name, least in (("seed", 0), ("subsample_size", 1), ("num_aug", 0)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise InvalidInput(f"--{name.replace('_', '-')} {value}: it must be at least {least}.")
    if options.generate is None and (options.generate_test is not None or options.generator):
        raise InvalidInput("Options of the generator need --generate N.")


def _load(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
