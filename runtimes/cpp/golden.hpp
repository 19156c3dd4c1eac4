// Golden vectors: what the float model answered, so that every runtime can prove itself on the device.
//
// Knows arrays and JSON; does not know how to run anything. The counterpart of trm_edge/bundle/golden.py.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "manifest.hpp"

namespace trm_edge {

/// `n` puzzles and what the float model made of them.
struct GoldenVectors {
    std::vector<std::vector<std::int32_t>> tokens;   // [n, seq_len]
    std::vector<std::int32_t> puzzle_ids;            // original ids, not rows [n]
    std::vector<std::vector<std::int32_t>> answers;  // at the halting step of the bundle's default policy [n, seq_len]
    std::vector<std::int32_t> halting_steps;         // counted from 1 [n]
    std::int64_t steps;                              // the budget that they were made with
};

/// How many of them a runtime must reproduce, as a share; the bounds of `trm-edge verify`.
struct GoldenBounds {
    double answers;
    double halting_steps;
};

/// Read and validate. Throws Error, which names the field that is missing, ragged, mistyped or out of range.
GoldenVectors parse_golden(const std::string& text, const Manifest& manifest);

/// What a precision must reproduce.
GoldenBounds golden_bounds(const std::string& precision);

/// Whether `equal` of `n` is enough: a share below 1 forgives one of several, as a bundle holds but a handful.
bool enough(std::size_t equal, std::size_t n, double share);

}  // namespace trm_edge
