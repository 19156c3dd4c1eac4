"""Every combination of model kind, format, graph, precision and halting policy on tiny trained models: it runs and
agrees with the float model, or it is refused with a reason. ``benchmarks/matrix.py`` holds the combinations."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import matrix
from matrix import KINDS, MODELS, POLICIES, Combination, Reference

from trm_edge.specs import Format, GraphVariant, Precision

PUZZLES = 64
FLIPS = 4
"""Answers of 64 that may differ from the float model's in formats narrower than float32, one in sixteen.

These move the logits of a step by far more than float32's rounding does. A puzzle that the float model answers late, or
not at all, sits at an edge there: its last cell, or the step at which its halting logit changes sign, falls on either
side. Measured: two at most, of the model that leaves most puzzles unsolved.
"""
LOOP_POLICIES = ("fixed:3", "act", "act:threshold=2")  #: a loop graph halts inside, by a threshold and a budget
COMBINATIONS = [
    pytest.param(
        combination,
        id=str(combination),
    )
    for combination in matrix.combinations()
]
OpenKind = Callable[[str], Reference]


@pytest.fixture(scope="module")
def open_kind() -> OpenKind:
    return cache(lambda kind: matrix.open_kind(kind, PUZZLES))


def refused(combination: Combination) -> bool:
    """What cannot work: in ONNX w8a16, for NPUs; in ExecuTorch graphs that loop, and precisions without kernels."""
    if combination.format is Format.ONNX:
        return combination.precision is Precision.W8A16
    works = {Precision.FP32}
    if combination.backend == "xnnpack":
        works |= {Precision.W8A8, Precision.W8A8_DYNAMIC}
    return combination.graph is not GraphVariant.STEP or combination.precision not in works


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_it_runs_and_agrees_with_the_float_model_or_says_why_not(combination: Combination, open_kind: OpenKind) -> None:
    if combination.format is Format.EXECUTORCH:
        pytest.importorskip("executorch")
    outcome = matrix.run(combination, open_kind(combination.kind))
    assert (outcome.refusal is not None) == refused(combination), outcome.refusal
    if outcome.refusal is not None:
        assert is_a_reason(outcome.refusal)
        return
    assert list(outcome.violations) == []
    assert list(outcome.policies) == list(POLICIES)
    exact = combination.precision is Precision.FP32
    for policy, halting in outcome.policies.items():
        if combination.graph is GraphVariant.LOOP and policy not in LOOP_POLICIES:
            assert halting.refusal is not None
            assert is_a_reason(halting.refusal)
            continue
        assert halting.refusal is None
        assert halting.answers >= PUZZLES - (0 if exact else FLIPS), policy
        if exact:
            assert halting.steps == PUZZLES, policy


def is_a_reason(text: str) -> bool:
    """One line, and more than a word."""
    return len(text.split()) > 3 and "\n" not in text


def test_the_models_have_learnt_what_they_are_compared_on(open_kind: OpenKind) -> None:
    """Agreement of models that guess would mean little, and so would policies that all halt at the first step."""
    solutions = {kind: open_kind(kind).solutions for kind in KINDS}
    for kind in KINDS:
        assert sum(bool(solution.solved) for solution in solutions[kind]["verified"]) >= 0.8 * PUZZLES, kind
    for policy in ("act:threshold=2", "verified"):
        assert len({solution.steps for solution in solutions["hrm"][policy]}) > 1, policy


def test_every_model_is_there_and_small() -> None:
    files = sorted(MODELS.glob("*.safetensors"))
    assert [file.stem for file in files] == sorted(KINDS)
    assert all(file.stat().st_size <= 300_000 for file in files)
