"""``trm-edge data``: datasets in the official layout, made and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trm_edge.errors import InvalidInput

data = typer.Typer(rich_markup_mode=None, no_args_is_help=True, add_completion=False)


@data.callback()
def group() -> None:
    """Build datasets for training in the official layout, and look into them."""


@data.command()
def build(
    name: Annotated[str, typer.Argument(help="sudoku-extreme, maze-hard, arc-agi-1 or arc-agi-2.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    source: Annotated[
        str | None, typer.Option(help="Folder with train.csv and test.csv; for ARC, files or folders of tasks.")
    ] = None,
    train: Annotated[Path | None, typer.Option(help="CSV file of train puzzles.")] = None,
    test: Annotated[Path | None, typer.Option(help="CSV file of test puzzles.")] = None,
    repo: Annotated[str | None, typer.Option(help="Dataset repository of the hub, instead of the official.")] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Hold answers of files against the rules.")] = True,
    task: Annotated[str | None, typer.Option(help="Task id, for another size: sudoku-6x6, maze-12x12.")] = None,
    generate: Annotated[int | None, typer.Option(help="Make so many train puzzles instead; no download.")] = None,
    generate_test: Annotated[int | None, typer.Option(help="Test puzzles; default: a tenth, at most 1000.")] = None,
    difficulty: Annotated[str | None, typer.Option(help="Generated Sudoku: easy, medium, hard, extreme.")] = None,
    givens: Annotated[str | None, typer.Option(help="Generated Sudoku: clues, 26 or a range 24-30.")] = None,
    min_length: Annotated[int | None, typer.Option(help="Generated maze: least steps of the shortest path.")] = None,
    loops: Annotated[float | None, typer.Option(help="Generated maze: share of walls opened again.")] = None,
    subsample_size: Annotated[int | None, typer.Option(help="Keep so many train puzzles, chosen at random.")] = None,
    min_difficulty: Annotated[int | None, typer.Option(help="Keep puzzles rated so or higher.")] = None,
    num_aug: Annotated[int | None, typer.Option(help="Augmentations a train puzzle; ARC: 1000, Sudoku: 0.")] = None,
    aug: Annotated[bool, typer.Option("--aug", help="Store all turns and flips of a train maze.")] = False,
    subset: Annotated[list[str] | None, typer.Option(help="ARC: a subset to use; may be repeated.")] = None,
    test_set: Annotated[list[str] | None, typer.Option(help="ARC: a subset to hold out; may be repeated.")] = None,
    deduplicate: Annotated[
        str, typer.Option(help="Drop train puzzles that are in test, or repeated: none, exact, symmetry.")
    ] = "none",
    seed: Annotated[int | None, typer.Option(help="Equal seeds give equal datasets.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset in --out.")] = False,
) -> None:
    """Make a dataset in the official layout: from the hub, from files, or generated.

    Under torchrun the processes share the generation of puzzles.
    """
    from trm_edge.cli.progress import counting
    from trm_edge.data.build import build_dataset
    from trm_edge.data.build_options import BuildOptions

    generator = {
        "difficulty": difficulty,
        "givens": None if givens is None else parse_givens(givens),
        "min_length": min_length,
        "loops": loops,
    }
    options = BuildOptions(
        name=name,
        out=out,
        source=source,
        train=train,
        test=test,
        repo=repo,
        check=check,
        task=task,
        generate=generate,
        generate_test=generate_test,
        generator={key: value for key, value in generator.items() if value is not None},
        subsample_size=subsample_size,
        min_difficulty=min_difficulty,
        num_aug=num_aug,
        aug=aug,
        subsets=None if subset is None else tuple(subset),
        test_sets=None if test_set is None else tuple(test_set),
        seed=seed,
        deduplicate=deduplicate,
        overwrite=overwrite,
    )
    with counting("puzzles written") as advance:
        report = build_dataset(options, advance)
    if report is not None:
        print_summary(out)


@data.command()
def inspect(
    folder: Annotated[Path, typer.Argument(help="Dataset in the official layout, whoever made it.")],
    show: Annotated[int, typer.Option(help="Puzzles of each split to draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check a dataset's files and say what they hold."""
    from trm_edge.data.inspection import draw, inspect_dataset

    if as_json:
        import json

        print(json.dumps(inspect_dataset(folder).to_dict()))
        return
    print_summary(folder)
    if show > 0:
        from rich.console import Console

        console = Console()
        for line in draw(folder, show):
            console.print(line, soft_wrap=True, highlight=False, markup=False)


def print_summary(folder: Path) -> None:
    """A few lines about a dataset, after checking its files."""
    from trm_edge.data.inspection import inspect_dataset

    for line in inspect_dataset(folder).lines():
        print(line)


def parse_givens(text: str) -> int | tuple[int, int]:
    """``"26"`` as a number, ``"24-30"`` as a range.

    Raises:
        InvalidInput: neither.
    """
    low, dash, high = text.partition("-")
    if not low.isdecimal() or (dash and not high.isdecimal()):
        raise InvalidInput(f"--givens '{text}' is no number of clues. Write for example --givens 26 or --givens 24-30")
    return (int(low), int(high)) if dash else int(low)
