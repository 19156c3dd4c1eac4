"""Quantized graphs in ONNX Runtime: their answers against the simulation in PyTorch, and the kernels that gave them."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray

from trm_edge.errors import InvalidCheckpoint
from trm_edge.export.calibration import calibrate
from trm_edge.export.graph_builder import Constants, GraphBuilder, make_model
from trm_edge.export.graphs import Graph, build_graph
from trm_edge.export.onnx import to_bytes
from trm_edge.export.precision import INTEGER_RULES, Arithmetic
from trm_edge.export.products import Products
from trm_edge.export.quantization import Plan, Scale, Site, model_sites, simulated, uniform_sites
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant, TensorSpec

BuildModel = Callable[..., RecursiveModel]
Array = NDArray[np.float32]

STEP, UNROLLED, LOOP = GraphVariant.STEP, GraphVariant.UNROLLED, GraphVariant.LOOP
FLOAT, WEIGHTS, DYNAMIC, STATIC = Arithmetic.FLOAT, Arithmetic.WEIGHTS, Arithmetic.DYNAMIC, Arithmetic.STATIC
QUANTIZED = (WEIGHTS, DYNAMIC, STATIC)
INTEGER_KERNELS = ("MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QLinearMatMul", "MatMulInteger")


def processor() -> str:
    """Whose integer rules this machine computes exactly: without VNNI, sums of 8-bit weights saturate."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return "arm64"
    info = Path("/proc/cpuinfo")
    return "x86-64" if info.exists() and "vnni" in info.read_text() else "x86-64-avx2"


RULES = INTEGER_RULES[processor()]


def opened(model: onnx.ModelProto, *, profile: Path | None = None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile / "profile")
    return ort.InferenceSession(to_bytes(model), options, providers=["CPUExecutionProvider"])


# -- one product ------------------------------------------------------------------------------

SITE = "L0.c.in"
SCALE = Scale(0.03, 120, "uint8")


def written(plan: Plan, x: Array, weights: dict[str, Array], *, left: bool = False, opset: int = 23) -> list[Array]:
    """What ONNX Runtime makes of the products of one site."""
    constants = Constants()
    g = GraphBuilder(constants)
    names = Products(constants, "float32", plan).write(g, SITE, "x", weights, left=left)
    outputs = [TensorSpec(name, ("batch", "rows", "columns"), "float32") for name in names]
    model = make_model(g, [TensorSpec("x", ("batch", *x.shape[1:]), "float32")], outputs, opset=opset)
    results: list[Array] = opened(model).run(names, {"x": x})
    return results


def by_hand(plan: Plan, x: Array, weights: dict[str, Array], *, left: bool = False) -> list[NDArray[np.float64]]:
    site, results = plan.site(SITE), []
    given = x.astype(np.float64)
    if site.arithmetic in (STATIC, DYNAMIC):
        scale = site.scale or Scale.of_range(float(x.min()), float(x.max()), "uint8")
        channels = 1 if site.channels is None else site.channels[:, None]
        given = scale.rounded(torch.from_numpy(x / channels)).numpy().astype(np.float64) * channels
    for weight in weights.values():
        stored, scales = plan.weight(weight)
        wide = weight if site.arithmetic is FLOAT else stored * scales[:, None].astype(np.float64)
        results.append(wide @ given if left else given @ wide.T)
    return results


@pytest.mark.parametrize("opset", [18, 23])
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize(
    ("arithmetic", "left"),
    [(FLOAT, False), (FLOAT, True), (WEIGHTS, False), (WEIGHTS, True), (DYNAMIC, False), (STATIC, False)],
)
def test_one_site(arithmetic: Arithmetic, left: bool, per_channel: bool, opset: int) -> None:
    """Without recursion nothing is rounded differently, and the numbers agree to the last bits of float32."""
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 8, 8)).astype(np.float32)
    sizes = random.uniform(0.1, 2, (12, 1))
    weights = {f"L0.c.{name}": (random.standard_normal((12, 8)) * sizes).astype(np.float32) for name in ("gate", "up")}
    site = Site(arithmetic, SCALE if arithmetic is STATIC else None)
    plan = Plan({SITE: site}, per_channel=per_channel, weight_limit=RULES.weight_limit)
    got, expected = written(plan, x, weights, left=left, opset=opset), by_hand(plan, x, weights, left=left)
    exact = by_hand(Plan(), x, weights, left=left)
    assert len(got) == 2
    for one, other, plain in zip(got, expected, exact, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
        assert bool(np.abs(one - plain).max() > 1e-3) is (arithmetic is not FLOAT)


def test_channels_are_scaled_before_and_after() -> None:
    random = np.random.default_rng(1)
    channels = np.exp2(np.arange(6)).astype(np.float32)  # powers of two: the reciprocal is exact
    x = random.standard_normal((2, 6, 8)).astype(np.float32) * channels[:, None]
    weights = {"L0.c.down": random.standard_normal((4, 8)).astype(np.float32)}
    plan = Plan({SITE: Site(STATIC, SCALE, channels)}, weight_limit=RULES.weight_limit)
    (got,), (expected,) = written(plan, x, weights), by_hand(plan, x, weights)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)
    (unscaled,) = by_hand(Plan({SITE: Site(STATIC, SCALE)}), x, weights)
    assert np.abs(got - unscaled).max() > 1


@pytest.mark.parametrize("arithmetic", QUANTIZED)
def test_an_activation_of_zeros_gives_zeros(arithmetic: Arithmetic) -> None:
    plan = Plan({SITE: Site(arithmetic, Scale.of_range(0, 0, "uint8") if arithmetic is STATIC else None)})
    (got,) = written(plan, np.zeros((1, 2, 4), np.float32), {"L0.c.up": np.ones((3, 4), np.float32)})
    assert (got == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("arithmetic", Arithmetic)
def test_weights_that_are_not_finite(arithmetic: Arithmetic, value: float) -> None:
    weight = np.ones((3, 4), np.float32)
    weight[1, 1] = value
    plan = Plan({SITE: Site(arithmetic, SCALE if arithmetic is STATIC else None)})
    with pytest.raises(InvalidCheckpoint, match=r"The weight 'L0\.c\.up'"):
        written(plan, np.zeros((1, 2, 4), np.float32), {"L0.c.up": weight})


# -- whole graphs -----------------------------------------------------------------------------
# Rounding to integers is not continuous: where the two sums of a product differ in their last bit, a value beside a
# tie may be stored one level apart, and the recursion carries that on. Such flips are few in a network of one layer
# and one recursion, so there the runtime must come ten times as close to the simulation as the simulation is to the
# float model. Products that are wrong by a level, a zero point or the axis of a scale miss that.

STEPS = 2
SHALLOW = {"H_cycles": 1, "L_cycles": 1, "L_layers": 1}
TABLE = {"num_puzzle_identifiers": 5, "puzzle_emb_ndim": 16}
SHAPES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "mlp": ({}, ()),
    "attention-rope": ({"mlp_t": False, "pos_encodings": "rope"}, ()),
    "attention-learned": ({"mlp_t": False, "pos_encodings": "learned"}, ()),
    "hrm": ({"H_layers": 1, "no_ACT_continue": False}, ()),
    "several-puzzles": ({**TABLE, "puzzle_emb_len": 2}, (4, 1)),
}


class Case:
    """A model, its plan, and what it answers at every step: in float and simulated."""

    def __init__(self, model: RecursiveModel, kept: tuple[int, ...] = (), *, seed: int = 1, rows: int = 3) -> None:
        self.model, self.kept = model, kept
        self.tokens = np.random.default_rng(seed).integers(0, 6, (rows, 16), dtype=np.int32)
        self.rows = np.arange(rows, dtype=np.int32) % max(1, len(kept))
        self.ids = [kept[row] if kept else 0 for row in self.rows]

    def plan(self, arithmetic: Arithmetic, dtype: str = RULES.activations, **form: Any) -> Plan:
        scales = None
        if arithmetic is STATIC:
            found = calibrate(self.model, self.tokens, self.ids, steps=STEPS, threshold=np.inf)
            scales = found.scales(dtype)
        form = {"weight_limit": RULES.weight_limit, **form}
        return Plan(uniform_sites(self.model, arithmetic, scales=scales), **form)

    def answers(self, plan: Plan | None = None) -> tuple[Array, Array]:
        """``logits`` [steps, batch, seq, vocab] and halting logits [steps, batch]."""
        model = self.model if plan is None else simulated(self.model, plan)
        z_H, z_L = model.initial_carry(len(self.rows))
        steps = []
        for _ in range(STEPS):
            z_H, z_L, *heads = model.step(z_H, z_L, torch.from_numpy(self.tokens), torch.tensor(self.ids))
            steps.append(heads)
        logits, q_halt = (np.stack([heads[i].numpy() for heads in steps]) for i in (0, 1))
        return logits, q_halt

    def graph(self, variant: GraphVariant, plan: Plan, opset: int = 23) -> Graph:
        return build_graph(self.model, variant, puzzles=self.kept, steps=STEPS, plan=plan, opset=opset)

    def run(self, session: ort.InferenceSession, variant: GraphVariant) -> tuple[Array, Array]:
        """The answers of a graph; of a loop those after the last step alone."""
        inputs: dict[str, Any] = {"tokens": self.tokens}
        if len(self.kept) > 1:
            inputs["puzzle_ids"] = self.rows
        names = ["logits", "q_halt"]
        if variant is not STEP:
            if variant is LOOP:
                inputs |= {"budget": np.array(STEPS), "threshold": np.array(np.inf, np.float32)}
            logits, q_halt = session.run(names, inputs)
            return (logits[None], q_halt[None]) if variant is LOOP else (logits, q_halt)
        carry = [tensor.numpy() for tensor in self.model.initial_carry(len(self.rows))]
        steps = []
        for _ in range(STEPS):
            *heads, z_H, z_L = session.run(
                [*names, "z_H_next", "z_L_next"], {**inputs, "z_H": carry[0], "z_L": carry[1]}
            )
            carry = [z_H, z_L]
            steps.append(heads)
        return np.stack([heads[0] for heads in steps]), np.stack([heads[1] for heads in steps])


def assert_close(case: Case, plan: Plan, variant: GraphVariant, got: tuple[Array, Array]) -> None:
    first = STEPS - 1 if variant is LOOP else 0
    for one, wanted, plain in zip(got, case.answers(plan), case.answers(), strict=True):
        assert one.shape == wanted[first:].shape
        quantization = np.abs(plain[first:] - wanted[first:]).mean()
        assert quantization > 1e-4
        assert np.abs(one - wanted[first:]).mean() < 0.1 * quantization


@pytest.fixture(params=SHAPES)
def case(request: pytest.FixtureRequest, build_model: BuildModel) -> Case:
    settings, kept = SHAPES[request.param]
    return Case(build_model(**{**SHALLOW, **settings}), kept)


@pytest.mark.parametrize("opset", [18, 23])
@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("arithmetic", QUANTIZED)
def test_graphs_answer_as_the_simulation(case: Case, arithmetic: Arithmetic, variant: GraphVariant, opset: int) -> None:
    plan = case.plan(arithmetic)
    assert_close(case, plan, variant, case.run(opened(case.graph(variant, plan, opset).model), variant))


@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("arithmetic", QUANTIZED)
def test_one_scale_a_matrix(case: Case, arithmetic: Arithmetic, variant: GraphVariant) -> None:
    plan = case.plan(arithmetic, per_channel=False)
    graph = case.graph(variant, plan)
    assert {t.name: t.dims for t in graph.model.graph.initializer if t.name.endswith(".up.scale")}[
        "L0.c.up.scale"
    ] == []
    assert_close(case, plan, variant, case.run(opened(graph.model), variant))


@pytest.mark.parametrize("variant", GraphVariant)
def test_the_rules_of_arm64_give_the_same_numbers(case: Case, variant: GraphVariant) -> None:
    """Signed activations; on x86-64 through slow kernels."""
    plan = case.plan(STATIC, "int8")
    assert_close(case, plan, variant, case.run(opened(case.graph(variant, plan).model), variant))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("variant", GraphVariant)
def test_mixed_plans(case: Case, variant: GraphVariant, seed: int) -> None:
    """Every site in an arithmetic of its own, as a search may leave them."""
    plans = [case.plan(arithmetic) for arithmetic in Arithmetic]
    choice = np.random.default_rng(seed).integers(0, 4, 20)
    names = [place.name for place in model_sites(case.model)]
    sites = {name: plans[which].site(name) for name, which in zip(names, choice, strict=False)}
    plan = Plan(sites, weight_limit=RULES.weight_limit)
    assert_close(case, plan, variant, case.run(opened(case.graph(variant, plan).model), variant))


@pytest.mark.parametrize("variant", GraphVariant)
def test_channel_scales_in_a_whole_graph(build_model: BuildModel, variant: GraphVariant) -> None:
    case = Case(build_model(**SHALLOW))
    channels = {"L0.t.inner": np.exp2(np.arange(16) % 4).astype(np.float32)}
    found = calibrate(case.model, case.tokens, case.ids, steps=STEPS, threshold=np.inf, channels=channels)
    sites = uniform_sites(case.model, STATIC, scales=found.scales(RULES.activations), channels=channels)
    plan = Plan(sites, weight_limit=RULES.weight_limit)
    assert_close(case, plan, variant, case.run(opened(case.graph(variant, plan).model), variant))


# -- what is stored ---------------------------------------------------------------------------


@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("arithmetic", QUANTIZED)
def test_weights_are_stored_once_and_only_as_int8(case: Case, arithmetic: Arithmetic, variant: GraphVariant) -> None:
    graph = case.graph(variant, case.plan(arithmetic))
    stored = {t.name: t for t in graph.model.graph.initializer}
    for place in model_sites(case.model):
        for name, linear in zip(place.weight_names, place.weights.values(), strict=True):
            assert stored[name].data_type == onnx.TensorProto.INT8
            assert len(stored[name].raw_data) == linear.weight.numel()
    largest = max(linear.weight.numel() for place in model_sites(case.model) for linear in place.weights.values())
    floats = [t for t in stored.values() if t.data_type == onnx.TensorProto.FLOAT]
    assert max(len(t.raw_data) for t in floats) < largest  # no float weight beside an integer one


# -- what runs --------------------------------------------------------------------------------


def kernels(case: Case, plan: Plan, variant: GraphVariant, folder: Path) -> Counter[str]:
    """Kernels that one call of the runtime launched, by type; those in the body of a loop, too."""
    session = opened(case.graph(variant, plan).model, profile=folder)
    case.run(session, variant)
    events = json.loads(Path(session.end_profiling()).read_text())
    return Counter(
        event["args"]["op_name"]
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    )


@pytest.fixture(params=["mlp", "attention-rope", "hrm"])
def deep(request: pytest.FixtureRequest, build_model: BuildModel) -> Case:
    """The real recursion: two answer updates of two latent updates each."""
    return Case(build_model(**SHAPES[request.param][0]))


def network_products(case: Case, *sites: str) -> int:
    """Products with weights of the network in all steps; of some sites only, where they are named."""
    config = case.model.config
    passes = {"L": config.H_cycles * config.L_cycles, "H": config.H_cycles}
    if case.model.H_level is None:
        passes["L"] += passes.pop("H")
    return STEPS * sum(
        passes[p.name[0]] * len(p.weights) for p in model_sites(case.model) if not sites or p.name in sites
    )


def float_products(case: Case) -> int:
    """Products that stay float in all steps: two heads, and in every attention scores and their sum."""
    attentions = [place.name for place in model_sites(case.model) if place.name.endswith("a.inner")]
    return STEPS * 2 + (2 * network_products(case, *attentions) if attentions else 0)


@pytest.mark.skipif(RULES.id == "arm64", reason="the names of the kernels are those of x86-64")
@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("arithmetic", [DYNAMIC, STATIC])
def test_the_runtime_computes_in_integers(
    deep: Case, arithmetic: Arithmetic, variant: GraphVariant, tmp_path: Path
) -> None:
    ran = kernels(deep, deep.plan(arithmetic), variant, tmp_path)
    assert sum(ran[kind] for kind in INTEGER_KERNELS) == network_products(deep)
    assert sum(ran[kind] for kind in ("MatMul", "FusedMatMul", "Gemm")) == float_products(deep)
    assert not ran["DequantizeLinear"]  # nothing is widened before it is multiplied


@pytest.mark.skipif(RULES.id == "arm64", reason="the names of the kernels are those of x86-64")
@pytest.mark.parametrize("variant", GraphVariant)
def test_the_runtime_computes_as_a_mixed_plan_says(
    build_model: BuildModel, variant: GraphVariant, tmp_path: Path
) -> None:
    case = Case(build_model())
    mixed = {**case.plan(STATIC).sites, "L0.t.inner": Site(DYNAMIC), "L1.c.in": Site(FLOAT)}
    ran = kernels(case, Plan(mixed, weight_limit=RULES.weight_limit), variant, tmp_path)
    as_float = network_products(case, "L1.c.in")
    assert sum(ran[kind] for kind in INTEGER_KERNELS) == network_products(case) - as_float
    assert sum(ran[kind] for kind in ("MatMul", "FusedMatMul", "Gemm")) == float_products(case) + as_float


@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("arithmetic", [FLOAT, WEIGHTS])
def test_the_runtime_computes_in_float(
    deep: Case, arithmetic: Arithmetic, variant: GraphVariant, tmp_path: Path
) -> None:
    """The counts above would notice if it did not. Int8 weights are widened when the file is loaded, not here."""
    ran = kernels(deep, deep.plan(arithmetic), variant, tmp_path)
    assert not any(ran[kind] for kind in (*INTEGER_KERNELS, "MatMulNBits", "DequantizeLinear"))
    norms = network_products(deep, *[p.name for p in model_sites(deep.model) if p.name.endswith("t.inner")])
    means = norms if deep.model.config.mlp_t else 0  # a norm over the tokens takes its mean by a product
    expected = network_products(deep) + float_products(deep) + means
    assert sum(ran[kind] for kind in ("MatMul", "FusedMatMul", "Gemm")) == expected
    bodies = STEPS if variant is LOOP else 0
    assert ran["Cast"] <= 3 * bodies  # those of the loop's own logic
