"""Time of one supervision step of the official 9x9 configuration: PyTorch, the plain export, and our three graphs.

    python benchmarks/step_latency.py [--threads 2] [--rounds 15] [--steps 4]

Random weights: speed does not depend on them. Every round runs each side once, in turn, so that a noisy machine
hits all alike; ratios are medians of the rounds' own ratios.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from plain_export import plain_onnx
from record import save
from rounds import eager_side, graph_side, in_turn, onnx_session, step_side, step_times

from trm_edge.export.graphs import build_graph
from trm_edge.export.onnx import graph_stats, to_bytes
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant

OFFICIAL = ModelConfig(vocab_size=11, seq_len=81, hidden_size=512, puzzle_emb_ndim=512, puzzle_emb_len=16)
"""``pretrain_mlp_t_sudoku`` of the official code: 5.0M weights, 3 x 6 recursions, 97 tokens."""

REFERENCES = {"pytorch": "pytorch eager", "plain": "plain torch.onnx.export", "step": "step"}


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4, help="supervision steps of unrolled and loop")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    model, steps = RecursiveModel(OFFICIAL).eval(), options.steps
    tokens = np.random.default_rng(0).integers(1, 11, (1, OFFICIAL.seq_len)).astype(np.int32)
    graphs = {v: to_bytes(build_graph(model, v, puzzles=[0], steps=steps).model) for v in GraphVariant}
    plain = onnx_session(plain_onnx(model), options.threads)
    sides = {
        "pytorch eager": eager_side(model, tokens, steps),
        "plain torch.onnx.export": step_side(plain, model, tokens, steps),
    }
    for variant, data in graphs.items():
        session = onnx_session(data, options.threads)
        sides[variant.value] = graph_side(session, variant, model, tokens, steps)
    results = step_times(in_turn(sides, options.rounds), steps, REFERENCES)
    for name, row in results.items():
        print(name.ljust(26), row)
    sizes = {variant.value: graph_stats(data) for variant, data in graphs.items()}
    print("saved", save("step_latency", vars(options), {"latency": results, "graphs": sizes}).name)


if __name__ == "__main__":
    main()
