from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from trm_edge.errors import InvalidBundle, InvalidInput, Refused
from trm_edge.profile.candidates import beside, common_puzzles, open_candidates
from trm_edge.specs import GraphVariant

Exported = Callable[..., Path]


def opened(*paths: Path, **settings: object) -> list[str]:
    with ExitStack() as stack:
        return [c.name for c in open_candidates(stack, paths, threads=1, **settings)]  # type: ignore[arg-type]


def test_any_graphs_of_one_task(exported: Exported) -> None:
    paths = [exported(graph=graph) for graph in GraphVariant]
    with ExitStack() as stack:
        found = open_candidates(stack, paths, policy="fixed:1", budget=2, threads=1)
        assert [c.name for c in found] == [f"tiny.fp32.onnx-{graph}" for graph in GraphVariant]
        assert [c.path for c in found] == paths
        assert {str(c.solver.policy) for c in found} == {"fixed:1"}
        beside_them = beside(found, found[0].session)
        assert (beside_them.name, beside_them.path, str(beside_them.solver.policy)) == ("float model", None, "fixed:1")
    with pytest.raises(InvalidInput, match="closed"):
        next(found[0].solver.solve_many(common_puzzles(found, None, 1)))


def test_two_of_one_name_are_told_apart(exported: Exported, tmp_path: Path) -> None:
    one, other = exported(), exported("tiny", suffix="-again", graph=GraphVariant.LOOP)
    again = exported(graph=GraphVariant.STEP, ids=3, kept=(1, 2))
    names = opened(one, other, again)
    assert names == [f"tiny.fp32.onnx-step ({one})", "tiny.fp32.onnx-loop", f"tiny.fp32.onnx-step ({again})"]


def test_the_same_bundle_twice(exported: Exported, tmp_path: Path) -> None:
    copy = shutil.copytree(exported(), tmp_path / "copy")
    for other in (exported(), copy):
        with pytest.raises(InvalidInput, match="are the same bundle"):
            opened(exported(), other)


def test_other_tasks(exported: Exported) -> None:
    with pytest.raises(InvalidInput, match=r"is for sudoku-4x4, .* for sudoku-9x9: compare bundles of one task"):
        opened(exported(), exported(task="sudoku-9x9"))


@pytest.mark.parametrize("count", [0, 1, 17])
def test_too_few_and_too_many(exported: Exported, count: int) -> None:
    with pytest.raises(InvalidInput, match=f"Give 2 to 16 bundles to compare, not {count}"):
        opened(*[exported()] * count)


def test_what_is_no_bundle_or_cannot_follow(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle):
        opened(exported(), tmp_path / "nothing")
    with pytest.raises(Refused, match="loop graph halts inside"):
        opened(exported(), exported(graph=GraphVariant.LOOP), policy="stable:2")


def test_puzzle_embeddings_that_all_keep(exported: Exported) -> None:
    paths = [exported(ids=4, kept=kept) for kept in ((1, 2), (2, 3), (3, 1))]
    with ExitStack() as stack:
        first, second, third = (open_candidates(stack, [path, exported()], threads=1)[0] for path in paths)
        assert {p.puzzle_id for p in common_puzzles([first, second], None, 3)} == {2}
        with pytest.raises(InvalidInput, match="no puzzle embedding in common"):
            common_puzzles([first, second, third], None, 3)


def test_an_empty_file(exported: Exported, tmp_path: Path) -> None:
    data = tmp_path / "empty.csv"
    data.write_text("question\n")
    with ExitStack() as stack:
        found = open_candidates(stack, [exported(), exported(graph=GraphVariant.LOOP)], threads=1)
        with pytest.raises(InvalidInput, match="no puzzles"):
            common_puzzles(found, data, 3)
