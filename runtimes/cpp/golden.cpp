#include "golden.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "fields.hpp"

namespace trm_edge {
namespace {

using Rows = std::vector<std::vector<std::int32_t>>;

/// The whole numbers of an array of `length` in `low..high`.
std::vector<std::int32_t> whole_numbers(const Fields& data, const std::string& name, const Json& values,
                                        std::size_t length, std::int64_t low, std::int64_t high) {
    const auto fits = [&](const Json& value) {
        return value.is_number_unsigned() && value.get<std::uint64_t>() >= static_cast<std::uint64_t>(low) &&
               value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high);
    };
    if (!values.is_array() || values.size() != length || !std::all_of(values.begin(), values.end(), fits)) {
        data.refuse(name, "rows of " + std::to_string(length) + " whole numbers from " + std::to_string(low) + " to " +
                              std::to_string(high));
    }
    return values.get<std::vector<std::int32_t>>();
}

/// Puzzles or answers [n, seq_len]; `n` of 0 takes any number but none.
Rows grids(const Fields& data, const std::string& name, const Manifest& manifest, std::size_t n = 0) {
    const Json& values = data.array(name);
    if (values.empty() || (n != 0 && values.size() != n)) {
        data.refuse(name, n == 0 ? "an array of puzzles" : "an array of " + std::to_string(n) + " rows");
    }
    Rows rows;
    for (const Json& row : values) {
        rows.push_back(whole_numbers(data, name, row, static_cast<std::size_t>(manifest.seq_len), 0,
                                     manifest.vocab_size - 1));
    }
    return rows;
}

/// The number of steps of `q_halt` [steps, n].
std::int64_t count_steps(const Fields& data, std::size_t n) {
    const auto is_float32 = [](const Json& value) {
        return value.is_number() && std::abs(value.get<double>()) <= std::numeric_limits<float>::max();
    };
    const Json& steps = data.array("q_halt");
    for (const Json& row : steps) {
        if (!row.is_array() || row.size() != n || !std::all_of(row.begin(), row.end(), is_float32)) {
            data.refuse("q_halt", "rows of " + std::to_string(n) + " float32 numbers");
        }
    }
    if (steps.empty()) data.refuse("q_halt", "an array of steps");
    return static_cast<std::int64_t>(steps.size());
}

}  // namespace

GoldenVectors parse_golden(const std::string& text, const Manifest& manifest) {
    const Json document = parse_json(text, GOLDEN);
    const Fields data(document, GOLDEN);
    GoldenVectors vectors;
    vectors.tokens = grids(data, "tokens", manifest);
    const std::size_t n = vectors.tokens.size();
    vectors.puzzle_ids = whole_numbers(data, "puzzle_ids", data.array("puzzle_ids"), n, 0, MAX_INT);
    vectors.answers = grids(data, "answers", manifest, n);
    grids(data, "last_answers", manifest, n);  // checked, not replayed: a runner stops at the halting step
    vectors.steps = count_steps(data, n);
    vectors.halting_steps = whole_numbers(data, "halting_steps", data.array("halting_steps"), n, 1, vectors.steps);
    for (const std::int32_t id : vectors.puzzle_ids) {
        const bool kept = std::find(manifest.puzzles.begin(), manifest.puzzles.end(), id) != manifest.puzzles.end();
        if (!manifest.puzzles.empty() && !kept) {
            throw Error(std::string(GOLDEN) + ": puzzle id " + std::to_string(id) +
                        " is not among the kept puzzles of the manifest");
        }
    }
    return vectors;
}

GoldenBounds golden_bounds(const std::string& precision) {
    if (precision == "fp32") return {1.0, 0.99};
    if (precision == "fp16") return {0.95, 0.95};
    if (precision == "w8") return {0.5, 0.95};
    return {0.5, 0.9};  // integer activations
}

bool enough(std::size_t equal, std::size_t n, double share) {
    const bool forgiven = share < 1 && n > 1 && n - equal <= 1;
    return static_cast<double>(equal) / static_cast<double>(n) >= share || forgiven;
}

}  // namespace trm_edge
