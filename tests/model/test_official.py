"""Import of official checkpoints; the fixtures were written by the official code, with its own outputs beside them."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidConfig, InvalidInput
from trm_edge.model.network import RecursiveModel
from trm_edge.model.official import MAX_CONFIG_BYTES, load_official
from trm_edge.tasks import get_task

TASKS = {"sudoku_mlp": "sudoku-9x9", "hrm": "sudoku-9x9", "arc_attention": "arc-10x10"}
PREFIX = "_orig_mod.model.inner."

State = dict[str, Tensor]
Array = np.ndarray[Any, Any]
Outputs = dict[str, Array]
Copy = Callable[..., Path]


@pytest.fixture
def copy(official_folder: Path, tmp_path: Path) -> Copy:
    """Copy a fixture, changed: ``state`` maps the tensors, ``arch`` edits the yaml's table, ``name`` names the file."""

    def make(
        fixture: str = "sudoku_mlp",
        *,
        state: Callable[[State], Any] | None = None,
        arch: Callable[[dict[str, Any]], Any] | None = None,
        name: str = "step_1000",
    ) -> Path:
        folder = tmp_path / fixture
        folder.mkdir(exist_ok=True)
        tensors: State = torch.load(official_folder / fixture / "step_1000", weights_only=True)
        config = yaml.safe_load((official_folder / fixture / "all_config.yaml").read_text())
        torch.save(tensors if state is None else state(tensors), folder / name)
        if arch is not None:
            arch(config["arch"])
        (folder / "all_config.yaml").write_text(yaml.safe_dump(config))
        return folder

    return make


def expected(folder: Path) -> Outputs:
    with np.load(folder / "expected.npz") as file:
        return {name: file[name] for name in file.files}


def with_tensors(**changes: Tensor) -> Callable[[State], State]:
    """Replace tensors; ``__`` stands for a dot."""
    return lambda tensors: {**tensors, **{PREFIX + name.replace("__", "."): value for name, value in changes.items()}}


def without(name: str) -> Callable[[State], State]:
    return lambda tensors: {key: value for key, value in tensors.items() if key != PREFIX + name}


@torch.no_grad()
def trajectory(model: RecursiveModel, wanted: Outputs) -> list[tuple[Array, Array]]:
    """Logits and halting logits after every step."""
    tokens, ids = torch.from_numpy(wanted["inputs"]), torch.from_numpy(wanted["puzzle_identifiers"])
    z_H, z_L = model.initial_carry(len(tokens))
    steps = []
    for _ in wanted["logits"]:
        z_H, z_L, logits, q = model(z_H, z_L, tokens, ids)
        steps.append((logits.numpy(), q[:, 0].numpy()))
    return steps


def error(model: RecursiveModel, wanted: Outputs) -> float:
    """Largest error of logits and halting logits over all steps, where 1 is all that rounding explains.

    The samples are hardly trained. One of them makes thirty times as much of a rounding in every step, and another
    processor or PyTorch rounds otherwise. What rounding has done to this very model up to a step is seen in float64.
    """
    exact = trajectory(deepcopy(model).double(), wanted)
    worst = rounding = 0.0
    for step, (ours, precise) in enumerate(zip(trajectory(model, wanted), exact, strict=True)):
        official = (wanted["logits"][step], wanted["q_halt_logits"][step])
        rounding = max(rounding, *(np.abs(a - b).max() for a, b in zip(ours, precise, strict=True)))
        for a, b in zip(ours, official, strict=True):
            worst = max(worst, float(np.abs(a - b).max()) / (1e-5 + 4 * rounding))
        if rounding < 1e-3 and (ours[0].argmax(-1) != official[0].argmax(-1)).any():
            return math.inf
    return worst


def refused(folder: Path, task: str = "sudoku-9x9", error: type[Exception] = InvalidCheckpoint) -> str:
    with pytest.raises(error) as caught:
        load_official(folder, get_task(task))
    message = str(caught.value)
    assert "\n" not in message
    return message


# -- the numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", TASKS)
def test_every_step_is_that_of_the_official_code(official_folder: Path, fixture: str) -> None:
    checkpoint = load_official(official_folder / fixture, get_task(TASKS[fixture]))
    wanted = expected(official_folder / fixture)
    assert len(wanted["logits"]) == 6
    assert error(checkpoint.model, wanted) <= 1
    assert checkpoint.task == TASKS[fixture]


def test_what_the_configurations_become(official_folder: Path) -> None:
    mlp, hrm, arc = (load_official(official_folder / name, get_task(TASKS[name])).model.config for name in TASKS)
    assert (mlp.kind, mlp.mlp_t, mlp.prefix_len, mlp.total_len, mlp.L_cycles) == ("trm", True, 16, 97, 6)
    assert (hrm.kind, hrm.H_layers, hrm.prefix_len, hrm.no_ACT_continue) == ("hrm", 2, 1, False)
    assert (arc.pos_encodings, arc.num_puzzle_identifiers, arc.seq_len, arc.no_ACT_continue) == ("rope", 50, 100, True)


def test_hrm_halts_by_comparing_its_two_values(official_folder: Path) -> None:
    model = load_official(official_folder / "hrm", get_task("sudoku-9x9")).model
    wanted = expected(official_folder / "hrm")
    inputs = (*model.initial_carry(4), torch.from_numpy(wanted["inputs"]))
    halting, q = model.step(*inputs)[3], model(*inputs)[3]
    torch.testing.assert_close(halting, q[:, 0] - q[:, 1])


def test_arc_answers_depend_on_the_puzzle_id(official_folder: Path) -> None:
    model = load_official(official_folder / "arc_attention", get_task("arc-10x10")).model
    wanted = expected(official_folder / "arc_attention")
    assert wanted["puzzle_identifiers"].any()
    wanted["puzzle_identifiers"] = np.zeros_like(wanted["puzzle_identifiers"])
    assert error(model, wanted) > 10


# -- other ways to write the same -------------------------------------------------------------


def test_without_the_prefix_of_compiled_models(copy: Copy, official_folder: Path) -> None:
    folder = copy(state=lambda tensors: {name.removeprefix("_orig_mod."): t for name, t in tensors.items()})
    wanted = expected(official_folder / "sudoku_mlp")
    assert error(load_official(folder, get_task("sudoku-9x9")).model, wanted) <= 1


def test_bfloat16_weights(copy: Copy) -> None:
    rounded = {}

    def narrow(tensors: State) -> State:
        rounded.update({name: tensor.bfloat16() for name, tensor in tensors.items()})
        return rounded

    model = load_official(copy(state=narrow), get_task("sudoku-9x9")).model
    assert model.H_init.dtype == model.lm_head.weight.dtype == torch.float32
    assert torch.equal(model.lm_head.weight, rounded[PREFIX + "lm_head.weight"].float())


def test_one_file_instead_of_the_folder(copy: Copy) -> None:
    folder = copy(name="checkpoint")
    assert load_official(folder / "checkpoint", get_task("sudoku-9x9")).task == "sudoku-9x9"


def test_the_newest_step_is_taken(copy: Copy) -> None:
    for step, value in ((900, 1.0), (10000, 2.0), (2000, 3.0)):
        folder = copy(state=with_tensors(q_head__bias=torch.full((2,), value)), name=f"step_{step}")
    (folder / "step_99999_all_preds.0").write_bytes(b"not weights")
    assert load_official(folder, get_task("sudoku-9x9")).model.q_head.bias.tolist() == [2.0, 2.0]


def test_settings_that_the_yaml_leaves_out_have_official_defaults(copy: Copy, official_folder: Path) -> None:
    """HRM's own repository writes no ``mlp_t``; TRM's class has ``puzzle_emb_len = 16``."""
    hrm = load_official(copy("hrm", arch=lambda arch: arch.pop("mlp_t")), get_task("sudoku-9x9"))
    assert error(hrm.model, expected(official_folder / "hrm")) <= 1
    folder = copy("arc_attention", arch=lambda arch: [arch.pop("puzzle_emb_len"), arch.pop("mlp_t")])
    arc = load_official(folder, get_task("arc-10x10"))
    assert error(arc.model, expected(official_folder / "arc_attention")) <= 1


# -- the wrong task ---------------------------------------------------------------------------


def test_a_task_of_another_vocabulary(official_folder: Path) -> None:
    message = refused(official_folder / "sudoku_mlp", "sudoku-4x4")
    assert (
        "tensor 'embed_tokens.weight' has 11 rows, but task 'sudoku-4x4' has a vocabulary of 6. "
        "Pass the task that the model was trained for."
    ) in message


def test_a_task_of_another_length(copy: Copy) -> None:
    rows = torch.zeros(12, 64)
    folder = copy(state=with_tensors(embed_tokens__embedding_weight=rows, lm_head__weight=rows))
    message = refused(folder, "arc-10x10")
    assert (
        "tensor 'L_level.layers.0.token_mlp.down_proj.weight' has shape (97, 512): puzzles of 81 tokens, "
        "but task 'arc-10x10' has 100."
    ) in message


def test_a_task_of_another_length_with_learned_positions(copy: Copy) -> None:
    state = with_tensors(embed_pos__embedding_weight=torch.zeros(116, 64))
    folder = copy("arc_attention", state=state, arch=lambda arch: arch.update(pos_encodings="learned"))
    assert load_official(folder, get_task("arc-10x10")).model.embed_pos is not None
    message = refused(folder, "arc-12x12")
    assert (
        "tensor 'embed_pos.weight' has shape (116, 64): puzzles of 100 tokens, but task 'arc-12x12' has 144" in message
    )


# -- weights that do not fit ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "L_level.layers.1.mlp.gate_up_proj.weight",
            torch.zeros(256, 64),
            "tensor 'L_level.layers.1.mlp.gate_proj.weight' has shape (128, 64), expected (256, 64).",
        ),
        (
            "L_level.layers.1.mlp.gate_up_proj.weight",
            torch.zeros(3, 64),
            "gate_up_proj.weight' has shape (3, 64), expected two dimensions with the first divisible by 2.",
        ),
        (
            "L_level.layers.0.mlp_t.down_proj.weight",
            torch.tensor(1.0),
            "tensor 'L_level.layers.0.token_mlp.down_proj.weight' has shape (), expected (97, 512).",
        ),
        ("puzzle_emb.weights", torch.tensor(1.0), "tensor 'puzzle_emb.weight' has shape (), expected (1, 64)."),
        ("puzzle_emb.weights", torch.zeros(2, 32), "tensor 'puzzle_emb.weight' has shape (2, 32), expected (2, 64)."),
        ("q_head.bias", torch.tensor([0.0, float("nan")]), "tensor 'q_head.bias' holds NaN or infinite values."),
        ("stranger", torch.zeros(1), "tensor 'stranger' has no place in a trm of this shape."),
    ],
)
def test_a_tensor_that_does_not_fit(copy: Copy, name: str, value: Tensor, words: str) -> None:
    assert words in refused(copy(state=lambda tensors: {**tensors, PREFIX + name: value}))


def test_a_missing_tensor(copy: Copy) -> None:
    assert "tensor 'L_init' is missing; expected shape (64,)." in refused(copy(state=without("L_init")))


@pytest.mark.parametrize("name", ["embed_tokens.embedding_weight", "lm_head.weight", "q_head.weight"])
def test_another_kind_of_model(copy: Copy, name: str) -> None:
    assert "is this a TRM or HRM checkpoint?" in refused(copy(state=without(name)))


# -- files that are missing, damaged or hostile -----------------------------------------------


def test_no_yaml(copy: Copy) -> None:
    folder = copy()
    (folder / "all_config.yaml").unlink()
    message = refused(folder, error=InvalidInput)
    assert message.startswith(f"{folder / 'all_config.yaml'} is missing.")


def test_no_weights(copy: Copy) -> None:
    folder = copy(name="weights.bin")
    assert "Expected a file 'step_N' beside 'all_config.yaml'" in refused(folder, error=InvalidInput)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[",
        "arch: 3",
        "other: {}",
        "arch: {day: 2001-13-45}",
        "[" * 3000,
        "\0",
        "arch: !!python/name:os.system",
    ],
)
def test_a_yaml_that_is_none(copy: Copy, text: str) -> None:
    folder = copy()
    (folder / "all_config.yaml").write_text(text)
    assert f"{folder / 'all_config.yaml'} is not an official configuration: " in refused(folder)


def test_a_yaml_in_another_encoding(copy: Copy) -> None:
    folder = copy()
    (folder / "all_config.yaml").write_bytes(b"arch: \xff\xfe")
    assert "is not an official configuration" in refused(folder)


def test_a_yaml_that_is_too_large(copy: Copy) -> None:
    folder = copy()
    (folder / "all_config.yaml").write_bytes(b"#" * (MAX_CONFIG_BYTES + 1))
    assert "larger than" in refused(folder, error=InvalidInput)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_size": "64"}, "hidden_size = '64' is not of type int."),
        ({"L_cycles": 0}, "L_cycles = 0 is out of range. Allowed: 1 to 256."),
        ({"pos_encodings": "alibi"}, "Unknown pos_encodings 'alibi'."),
    ],
)
def test_a_setting_out_of_range(copy: Copy, change: dict[str, Any], words: str) -> None:
    assert words in refused(copy(arch=lambda arch: arch.update(change)), error=InvalidConfig)


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_with_code_is_refused_and_not_run(copy: Copy, tmp_path: Path) -> None:
    folder, marker = copy(), tmp_path / "owned"
    torch.save({"weight": Malicious(marker)}, folder / "step_1000")
    assert "Cannot read" in refused(folder)
    assert not marker.exists()
    torch.load(folder / "step_1000", weights_only=False)
    assert marker.exists()  # so it was dangerous


def test_a_bare_pickle_with_code_is_refused_and_not_run(copy: Copy, tmp_path: Path) -> None:
    folder, marker = copy(), tmp_path / "owned"
    (folder / "step_1000").write_bytes(pickle.dumps({"weight": Malicious(marker)}, protocol=2))
    assert "Cannot read" in refused(folder)
    assert not marker.exists()


@pytest.mark.parametrize("data", [b"", b"abcdef" * 100, b"PK\3\4" + bytes(100)])
def test_weights_that_are_none(copy: Copy, data: bytes) -> None:
    folder = copy()
    (folder / "step_1000").write_bytes(data)
    assert f"Cannot read {folder / 'step_1000'} as a file of tensors: " in refused(folder)


def test_truncated_weights(copy: Copy) -> None:
    folder = copy()
    data = (folder / "step_1000").read_bytes()
    (folder / "step_1000").write_bytes(data[: len(data) // 2])
    assert "Cannot read" in refused(folder)


@pytest.mark.parametrize("change", [lambda tensors: {"model": tensors}, lambda tensors: list(tensors.values())])
def test_weights_in_another_wrapping(copy: Copy, change: Callable[[State], Any]) -> None:
    assert "is not a state_dict: expected a table of tensors." in refused(copy(state=change))


def test_fixtures_are_those_of_the_shared_data(official_folder: Path) -> None:
    shared = Path(__file__).parents[3] / "shared" / "data" / "official_checkpoints"
    if not shared.is_dir():
        pytest.skip("../shared is not here")
    for name in TASKS:
        for file in (shared / name).iterdir():
            assert (official_folder / name / file.name).read_bytes() == file.read_bytes()
