"""The float model alone; its numbers are held against the official code in ``test_official.py``."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from trm_edge.model.config import ModelConfig
from trm_edge.model.network import Attention, RecursiveModel, SwiGLU, apply_rotary, rms_norm, rotary_table

SEQ, VOCAB, HIDDEN, BATCH = 16, 6, 16, 3

VARIANTS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "mlp-learned": {"pos_encodings": "learned"},
    "attention-rope": {"mlp_t": False, "pos_encodings": "rope"},
    "attention-rope-2d": {"mlp_t": False, "pos_encodings": "rope_2d", "grid_columns": 4},
    "attention-learned": {"mlp_t": False, "pos_encodings": "learned"},
    "attention-none": {"mlp_t": False},
    "hrm": {"H_layers": 1},
    "hrm-attention": {"H_layers": 2, "mlp_t": False, "pos_encodings": "rope", "no_ACT_continue": False},
    "puzzles": {"num_puzzle_identifiers": 4, "puzzle_emb_ndim": 24},
    "long-prefix": {"num_puzzle_identifiers": 4, "puzzle_emb_ndim": 16, "puzzle_emb_len": 3, "mlp_t": False},
}


def build(**changes: Any) -> RecursiveModel:
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        **{"vocab_size": VOCAB, "seq_len": SEQ, "hidden_size": HIDDEN, "num_heads": 4, "H_cycles": 2, "L_cycles": 3},
        **changes,
    }
    model = RecursiveModel(ModelConfig(**settings)).eval()
    with torch.no_grad():
        torch.nn.init.normal_(model.q_head.weight)
        if model.puzzle_emb is not None:
            torch.nn.init.normal_(model.puzzle_emb.weight)
    return model


def puzzles(batch: int = BATCH) -> Tensor:
    return torch.randint(0, VOCAB, (batch, SEQ), generator=torch.Generator().manual_seed(1), dtype=torch.int32)


@pytest.fixture(params=VARIANTS)
def model(request: pytest.FixtureRequest) -> RecursiveModel:
    return build(**VARIANTS[request.param])


# -- the step as a whole ----------------------------------------------------------------------


def test_shapes(model: RecursiveModel) -> None:
    states = (BATCH, model.config.total_len, HIDDEN)
    z_H, z_L, logits, q = model(*model.initial_carry(BATCH), puzzles())
    assert (z_H.shape, z_L.shape, logits.shape, q.shape) == (states, states, (BATCH, SEQ, VOCAB), (BATCH, 2))
    z_H, z_L, logits, halting = model.step(*model.initial_carry(BATCH), puzzles())
    assert (logits.shape, halting.shape) == ((BATCH, SEQ, VOCAB), (BATCH,))
    assert logits.dtype == halting.dtype == torch.float32
    assert not z_H.requires_grad


def test_forward_is_recurse_then_heads(model: RecursiveModel) -> None:
    z_H, z_L = model.recurse(*model.initial_carry(BATCH), puzzles())
    for got, expected in zip(model(*model.initial_carry(BATCH), puzzles()), (z_H, z_L, *model.heads(z_H)), strict=True):
        assert torch.equal(got, expected)


def test_rows_do_not_see_each_other(model: RecursiveModel) -> None:
    together = model.step(*model.initial_carry(BATCH), puzzles())
    for row in range(BATCH):
        alone = model.step(*model.initial_carry(1), puzzles()[row : row + 1])
        for one, all_rows in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], all_rows[row], rtol=0, atol=1e-5)


def test_int64_tokens_are_the_same(model: RecursiveModel) -> None:
    narrow, wide = (model.step(*model.initial_carry(BATCH), tokens) for tokens in (puzzles(), puzzles().long()))
    assert torch.equal(narrow[2], wide[2])


def test_the_carry_matters(model: RecursiveModel) -> None:
    z_H, z_L, first, _ = model.step(*model.initial_carry(BATCH), puzzles())
    assert not torch.allclose(model.step(z_H, z_L, puzzles())[2], first, atol=1e-3)


@pytest.mark.parametrize(("continues", "expected"), [(True, [1.0, -2.0]), (False, [-2.0, 1.0])])
def test_halting_logit(continues: bool, expected: list[float]) -> None:
    q = torch.tensor([[1.0, 3.0], [-2.0, -3.0]])
    assert build(no_ACT_continue=continues).halting_logit(q).tolist() == expected


def test_heads_read_the_puzzle_and_the_first_position() -> None:
    model = build(puzzle_emb_ndim=24)
    z_H = torch.zeros(1, model.config.total_len, HIDDEN)
    assert model.config.prefix_len == 2
    z_H[0, 0] = 1
    logits, q = model.heads(z_H)
    assert not logits.any()
    torch.testing.assert_close(q[0], model.q_head.weight.sum(1) + model.q_head.bias)
    z_H[0, 2] = 1  # the first token of the puzzle
    torch.testing.assert_close(model.heads(z_H)[0][0, 0], model.lm_head.weight.sum(1))


def backward(output: Tensor) -> None:
    torch.autograd.backward(output.square().mean())


# -- TRM and HRM ------------------------------------------------------------------------------


def by_hand(model: RecursiveModel, tokens: Tensor, answer_net: Any) -> tuple[Tensor, Tensor]:
    """The recursion as the paper writes it (section 2), in full."""
    z_H, z_L = model.initial_carry(len(tokens))
    x = model.embed(tokens)
    for _ in range(model.config.H_cycles):
        for _ in range(model.config.L_cycles):
            z_L = model.L_level(z_L + z_H + x, None)
        z_H = answer_net(z_H + z_L, None)
    return z_H, z_L


def test_trm_uses_one_network_for_both_states() -> None:
    model = build()
    assert model.H_level is None
    for got, expected in zip(
        model.recurse(*model.initial_carry(2), puzzles(2)), by_hand(model, puzzles(2), model.L_level), strict=True
    ):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)


def test_hrm_has_a_network_for_the_answer() -> None:
    model = build(H_layers=1)
    assert model.H_level is not None
    for got, expected in zip(
        model.recurse(*model.initial_carry(2), puzzles(2)), by_hand(model, puzzles(2), model.H_level), strict=True
    ):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)


def test_states_start_apart() -> None:
    model = build()
    z_H, z_L = model.initial_carry(2)
    assert torch.equal(z_H[1, 5], model.H_init)
    assert torch.equal(z_L[1, 5], model.L_init)


@pytest.mark.parametrize(("kind", "latent_calls"), [("trm", 3 + 1), ("hrm", 1)])
def test_gradients_flow_through_the_last_cycle_only(kind: str, latent_calls: int) -> None:
    """TRM: all latent updates of the last cycle, and the answer update; HRM: the last one of each network."""
    model = build(H_layers=0 if kind == "trm" else 1)
    calls: dict[str, list[bool]] = {"L": [], "H": []}

    def watch(name: str, network: Any) -> None:
        network.register_forward_hook(lambda _module, _inputs, output: calls[name].append(output.requires_grad))

    watch("L", model.L_level)
    if model.H_level is not None:
        watch("H", model.H_level)
    _, _, logits, _ = model.train()(*model.initial_carry(2), puzzles(2))
    answer_calls = 2 if kind == "trm" else 0
    assert calls["L"] == [False] * (6 + answer_calls - latent_calls) + [True] * latent_calls
    assert calls["H"] == ([] if kind == "trm" else [False, True])
    backward(logits)
    trained = [model.L_level, model.lm_head, model.embed_tokens, *([model.H_level] if model.H_level else [])]
    for module in trained:
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in module.parameters())


def test_gradients_equal_those_of_the_last_cycle_alone() -> None:
    model = build(H_cycles=3)
    carry = model.initial_carry(2)
    backward(model.recurse(*carry, puzzles(2))[0])
    got = [p.grad.clone() for p in model.L_level.parameters() if p.grad is not None]
    model.zero_grad()
    shorter, last = build(H_cycles=2), build(H_cycles=1)
    z_H, z_L = shorter.step(*carry, puzzles(2))[:2]
    backward(last.recurse(z_H.clone(), z_L.clone(), puzzles(2))[0])
    expected = [p.grad for p in last.L_level.parameters() if p.grad is not None]
    assert len(got) == len(expected) == len(list(model.L_level.parameters()))
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_no_gradients_where_none_are_asked_for() -> None:
    model = build()
    with torch.no_grad():
        assert not model(*model.initial_carry(1), puzzles(1))[2].requires_grad


# -- the layers -------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [-1, 1])
def test_rms_norm(dim: int) -> None:
    x = torch.randn(2, 5, 7)
    expected = x / (x.square().mean(dim, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(rms_norm(x, 1e-5, dim=dim), expected)


def test_rms_norm_sums_in_float32() -> None:
    x = torch.full((1, 4), 300.0, dtype=torch.float16)  # its square overflows float16
    normed = rms_norm(x, 1e-5)
    assert normed.dtype == torch.float16
    torch.testing.assert_close(normed, torch.ones(1, 4, dtype=torch.float16))


def test_token_mixing_is_normalised_over_the_tokens() -> None:
    model = build()
    seen: list[Tensor] = []
    block: Any = model.L_level.layers[0]
    block.mlp.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    block(torch.randn(2, SEQ, HIDDEN) * 7, None)
    torch.testing.assert_close(seen[0].square().mean(1), torch.ones(2, HIDDEN), rtol=0, atol=1e-3)
    assert (seen[0].square().mean(2) - 1).abs().max() > 0.1


@pytest.mark.parametrize("name", ["mlp", "attention-rope"])
def test_layers_end_normalised_over_the_channels(name: str) -> None:
    out = build(**VARIANTS[name]).step(*build(**VARIANTS[name]).initial_carry(2), puzzles(2))[0]
    torch.testing.assert_close(out.square().mean(-1), torch.ones(2, SEQ), rtol=0, atol=1e-3)


def test_swiglu_over_tokens_is_swiglu_on_the_transposed() -> None:
    torch.manual_seed(0)
    mlp, x = SwiGLU(SEQ, 32), torch.randn(2, SEQ, HIDDEN)
    over_tokens = SwiGLU(SEQ, 32, over_tokens=True)
    over_tokens.load_state_dict(mlp.state_dict())
    torch.testing.assert_close(over_tokens(x), mlp(x.transpose(1, 2)).transpose(1, 2))


def rotary_scores(**changes: Any) -> Tensor:
    """Scores [total, total] of one query and key put at every position, heads of 8."""
    config = ModelConfig(vocab_size=6, seq_len=12, hidden_size=8, num_heads=1, mlp_t=False, **changes)
    rotary = rotary_table(config)
    assert rotary is not None
    q, k = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    every = torch.ones(1, 1, config.total_len, 1)
    scores: Tensor = (apply_rotary(q * every, *rotary) @ apply_rotary(k * every, *rotary).transpose(-1, -2))[0, 0]
    torch.testing.assert_close(scores[3, 3], q @ k)
    return scores


def test_rotary_scores_depend_on_distance_only() -> None:
    scores = rotary_scores(pos_encodings="rope")
    torch.testing.assert_close(scores[:-1, :-1], scores[1:, 1:], rtol=0, atol=1e-4)
    assert scores[0].std() > 0.1


@pytest.mark.parametrize("prefix", [0, 2])
def test_rotary_scores_in_two_dimensions_depend_on_both_distances(prefix: int) -> None:
    scores = rotary_scores(pos_encodings="rope_2d", grid_columns=4, puzzle_emb_ndim=8 * prefix)
    grid = scores[prefix:, prefix:].view(3, 4, 3, 4)
    torch.testing.assert_close(grid[:, :-1, :, :-1], grid[:, 1:, :, 1:], rtol=0, atol=1e-4)  # one column on
    torch.testing.assert_close(grid[:-1, :, :-1], grid[1:, :, 1:], rtol=0, atol=1e-4)  # one row on
    assert (grid[0, 3, 0, 0] - grid[0, 3, 1, 0]).abs() > 0.01  # the end of a row is not beside the next one's start
    if prefix:  # it lies in the row above
        torch.testing.assert_close(scores[prefix - 1, prefix + 3], grid[1, 3, 2, 3], rtol=0, atol=1e-4)


def test_a_grid_in_one_row_has_one_dimension() -> None:
    """Half of the head then does nothing."""
    table = rotary_table(ModelConfig(6, 12, 16, num_heads=1, mlp_t=False, pos_encodings="rope_2d", grid_columns=12))
    line = rotary_table(ModelConfig(6, 12, 8, num_heads=1, mlp_t=False, pos_encodings="rope"))
    assert table is not None
    assert line is not None
    for turned, plain in zip(table, line, strict=True):
        torch.testing.assert_close(turned[:, 4:8], plain[:, :4])
        assert (turned[:, :4] == turned[0, 0]).all()


def test_rotary_table_is_not_saved() -> None:
    assert not [name for name in build(mlp_t=False, pos_encodings="rope").state_dict() if name.startswith("rotary")]


# -- positions --------------------------------------------------------------------------------


def same_everywhere(model: RecursiveModel) -> float:
    """Greatest difference between positions when every token is the same."""
    logits = model.step(*model.initial_carry(1), torch.full((1, SEQ), 2))[2][0]
    return float((logits - logits[0]).abs().max())


def test_attention_without_positions_cannot_tell_them_apart() -> None:
    assert same_everywhere(build(mlp_t=False)) < 1e-5


@pytest.mark.parametrize("name", ["mlp", "mlp-learned", "attention-learned"])
def test_positions_can_be_told_apart(name: str) -> None:
    assert same_everywhere(build(**VARIANTS[name])) > 1e-3


def test_rope_sees_where_another_token_is() -> None:
    def first_logits(model: RecursiveModel, place: int) -> Tensor:
        tokens = torch.zeros(1, SEQ, dtype=torch.int64)
        tokens[0, place] = 5
        return model.step(*model.initial_carry(1), tokens)[2][0, 0]

    rope, blind = build(mlp_t=False, pos_encodings="rope"), build(mlp_t=False)
    assert (first_logits(rope, 3) - first_logits(rope, 9)).abs().max() > 1e-4
    assert (first_logits(blind, 3) - first_logits(blind, 9)).abs().max() < 1e-5


def test_learned_positions_keep_the_variance() -> None:
    model = build(pos_encodings="learned", puzzle_emb_ndim=HIDDEN)
    assert model.embed_pos is not None
    assert model.embed_pos.weight.shape == (SEQ + 1, HIDDEN)
    x = model.embed(puzzles(1))[0, 1:]
    tokens = model.embed_tokens.weight[puzzles(1)[0].long()]
    torch.testing.assert_close(x, HIDDEN**0.5 * 0.5**0.5 * (tokens + model.embed_pos.weight[1:]))


# -- the puzzle embedding ---------------------------------------------------------------------


def test_a_row_is_padded_with_zeros_and_cut_into_tokens() -> None:
    model = build(num_puzzle_identifiers=4, puzzle_emb_ndim=24, puzzle_emb_len=3)
    assert model.puzzle_emb is not None
    prefix = model.embed(puzzles(2), torch.tensor([3, 1]))[:, :3].flatten(1) / HIDDEN**0.5
    torch.testing.assert_close(prefix[:, :24], model.puzzle_emb.weight[[3, 1]])
    assert prefix.shape == (2, 48)
    assert not prefix[:, 24:].any()


def test_length_of_the_prefix_is_found_from_the_row() -> None:
    assert build(puzzle_emb_ndim=HIDDEN).prefix_len == 1
    assert build(puzzle_emb_ndim=HIDDEN + 1).prefix_len == 2


def test_row_0_is_the_default_and_rows_differ() -> None:
    model = build(num_puzzle_identifiers=4, puzzle_emb_ndim=24)
    carry = model.initial_carry(2)
    default = model.step(*carry, puzzles(2))[2]
    assert torch.equal(default, model.step(*carry, puzzles(2), torch.tensor([0, 0]))[2])
    other = model.step(*carry, puzzles(2), torch.tensor([0, 2]))[2]
    torch.testing.assert_close(other[0], default[0], rtol=0, atol=1e-5)
    assert (other[1] - default[1]).abs().max() > 1e-3


# -- initial weights --------------------------------------------------------------------------


def test_initial_weights_are_those_of_the_official_code() -> None:
    torch.manual_seed(0)
    model = RecursiveModel(ModelConfig(vocab_size=64, seq_len=81, hidden_size=256, puzzle_emb_ndim=256))
    assert model.puzzle_emb is not None
    assert not model.puzzle_emb.weight.any()
    assert not model.q_head.weight.any()
    assert model.q_head.bias.tolist() == [-5, -5]
    down = model.get_parameter("L_level.layers.0.mlp.down_proj.weight")
    for weight, std in ((down, 768**-0.5), (model.embed_tokens.weight, 256**-0.5), (model.lm_head.weight, 256**-0.5)):
        assert float(weight.detach().std()) == pytest.approx(std, rel=0.05)
        assert float(weight.detach().abs().max()) <= 2 * std / 0.8796


def test_attention_written_out_is_the_fused_one() -> None:
    """Training on a CPU uses the former, everything else the latter."""

    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=9, hidden_size=32, num_heads=4, mlp_t=False, pos_encodings="rope")
    attention, x = Attention(config), torch.randn(2, 9, 32)
    rotary = rotary_table(config)
    torch.testing.assert_close(attention.train()(x, rotary), attention.eval()(x, rotary))
