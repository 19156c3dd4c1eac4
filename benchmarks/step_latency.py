"""Time of one supervision step of the official 9x9 configuration: PyTorch, the plain export, and our three graphs.

    python benchmarks/step_latency.py [--threads 2] [--rounds 15] [--steps 4]

Random weights: speed does not depend on them. Every round runs each side once, in turn, so that a noisy machine
hits all alike; ratios are medians of the rounds' own ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from plain_export import plain_onnx
from record import save

from trm_edge.export.graphs import build_graph
from trm_edge.export.onnx import graph_stats, to_bytes
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes.onnxruntime import load_onnxruntime
from trm_edge.specs import GraphVariant

OFFICIAL = ModelConfig(vocab_size=11, seq_len=81, hidden_size=512, puzzle_emb_ndim=512, puzzle_emb_len=16)
"""``pretrain_mlp_t_sudoku`` of the official code: 5.0M weights, 3 x 6 recursions, 97 tokens."""

PAUSE = 0.1  #: seconds between two sides, so that one's threads have stopped spinning before the other starts


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4, help="supervision steps of unrolled and loop")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    model = RecursiveModel(OFFICIAL).eval()
    ort = load_onnxruntime()

    def session(data: bytes) -> object:
        settings = ort.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.log_severity_level = 3
        return ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])

    tokens = np.random.default_rng(0).integers(1, 11, (1, OFFICIAL.seq_len)).astype(np.int32)
    carry = [z.numpy().copy() for z in model.initial_carry(1)]
    graphs = {v: to_bytes(build_graph(model, v, puzzles=[0], steps=options.steps).model) for v in GraphVariant}
    plain = session(plain_onnx(model))
    ours = {variant: session(data) for variant, data in graphs.items()}
    feeds = {
        GraphVariant.UNROLLED: {"tokens": tokens},
        GraphVariant.LOOP: {
            "tokens": tokens,
            "budget": np.array(options.steps),
            "threshold": np.array(np.inf, dtype=np.float32),
        },
    }

    def step_in_host(target: object, names: list[str]) -> None:
        z_H, z_L = carry
        for _ in range(options.steps):
            _, _, z_H, z_L = target.run(None, dict(zip(names, (tokens, z_H, z_L), strict=True)))

    def eager() -> None:
        z_H, z_L = (torch.from_numpy(z) for z in carry)
        for _ in range(options.steps):
            z_H, z_L, _, _ = model.step(z_H, z_L, torch.from_numpy(tokens))

    plain_names = [value.name for value in plain.get_inputs()]
    sides: dict[str, Callable[[], object]] = {
        "pytorch eager": eager,
        "plain torch.onnx.export": lambda: step_in_host(plain, plain_names),
        "step": lambda: step_in_host(ours[GraphVariant.STEP], ["tokens", "z_H", "z_L"]),
        "unrolled": lambda: ours[GraphVariant.UNROLLED].run(None, feeds[GraphVariant.UNROLLED]),
        "loop": lambda: ours[GraphVariant.LOOP].run(None, feeds[GraphVariant.LOOP]),
    }
    for side in sides.values():  # warm-up
        side()
    seconds = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            time.sleep(PAUSE)
            began = time.perf_counter()
            side()
            seconds[name].append((time.perf_counter() - began) / options.steps)
    results = {}
    for name, values in seconds.items():
        results[name] = {
            "ms_per_step": round(1e3 * float(np.median(values)), 2),
            "ms_per_step_min": round(1e3 * min(values), 2),
            **{
                f"ratio_to_{other.split()[0]}": round(float(np.median(np.divide(values, seconds[other]))), 4)
                for other in ("pytorch eager", "plain torch.onnx.export", "step")
            },
        }
        print(name.ljust(26), results[name])
    sizes = {variant.value: graph_stats(data) for variant, data in graphs.items()}
    print("saved", save("step_latency", vars(options), {"latency": results, "graphs": sizes}).name)


if __name__ == "__main__":
    main()
