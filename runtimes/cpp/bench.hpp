// Measuring a bundle: every puzzle through all supervision steps, and solved as its halting policy says.
//
// Writes the samples of trm_edge/profile/samples.py as JSON, which 'trm-edge profile' makes its report of. Knows
// clocks; knows nothing about tasks: an answer is right where it equals the one that came with the puzzle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "policy.hpp"

namespace trm_edge {

constexpr std::int64_t MAX_BENCH_STEPS = 1024;  // as many as a reader of the samples takes

struct BenchOptions {
    std::string bundle;
    std::string puzzles;  // {"puzzles": [{"tokens": [...], "answer": [...] or null, "puzzle_id": 0}]}
    std::string out;      // must not be there
    std::int64_t rounds = 1;
    std::optional<std::int64_t> steps;   // of the puzzles that go through all steps; default: the bundle's
    std::optional<Policy> policy;        // default: the bundle's
    std::optional<std::int64_t> budget;  // of that policy; default: the bundle's
    std::optional<std::int64_t> threads;
};

/// Measure and write. Throws Error: bad input, a program that fails, or a file that cannot be written.
void bench(const BenchOptions& options);

}  // namespace trm_edge
