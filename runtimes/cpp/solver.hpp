// The loop over supervision steps: puzzles in, solutions out.
//
// Knows the recursion (paper, figure 3) and halting; knows nothing about files. Puzzles go in batches of the size that
// is built into the program; a batch steps until its last puzzle has halted, and each puzzle keeps what it had when it
// halted.
#pragma once

#include <cstdint>
#include <vector>

#include "bundle.hpp"
#include "policy.hpp"
#include "program.hpp"

namespace trm_edge {

struct Puzzle {
    std::vector<std::int32_t> tokens;  // [seq_len]
    std::int32_t puzzle_row;           // row of the kept puzzle embeddings; 0 where there are none
};

struct Solution {
    std::vector<std::int32_t> answer;  // [seq_len]
    std::int64_t steps;                // the step it halted at, counted from 1
    float q_halt;                      // the halting logit at that step
};

/// Row of the kept puzzle embeddings for an original puzzle id; 0 where the model has none.
/// Throws Error: the bundle did not keep that id.
std::int32_t puzzle_row(const Manifest& manifest, std::int32_t puzzle_id);

class Solver {
public:
    /// Open the program of a bundle, which must outlive the solver. Throws Error where it does not fit its manifest.
    explicit Solver(const Bundle& bundle);

    /// Solve 1 to `batch` puzzles. Throws Error where the program fails or answers NaN.
    std::vector<Solution> solve(const std::vector<Puzzle>& puzzles, const Policy& policy, std::int64_t budget);

    // The same, step by step, for whoever wants to look at every step.

    /// Load 1 to `batch` puzzles, embed them, which is the same for all steps, and start the states.
    void start(const std::vector<Puzzle>& puzzles);
    /// Compute a supervision step. Throws Error where the program fails or answers NaN.
    void step();
    /// The answer [seq_len] of a puzzle after the last step: per token the first of the largest logits.
    std::vector<std::int32_t> answer(std::size_t row) const;
    /// The halting logit of a puzzle after the last step.
    float q_halt(std::size_t row) const { return q_halt_.values[row]; }

private:
    /// Contiguous memory that a method reads in place.
    template <typename T>
    struct Buffer {
        explicit Buffer(const TensorType& type)
            : values(type.count()),
              tensor(executorch::extension::from_blob(values.data(), type.sizes, type.dtype)) {}
        /// Copy the tensor that a method gave.
        void take(const executorch::runtime::EValue& result) {
            const auto& given = result.toTensor();
            std::copy_n(given.const_data_ptr<T>(), values.size(), values.begin());
        }

        std::vector<T> values;
        executorch::extension::TensorPtr tensor;
    };

    const Manifest& manifest_;
    Program program_;
    Buffer<std::int32_t> tokens_, puzzle_rows_;
    Buffer<float> x_, z_H_, z_L_, injected_;  // [batch, positions, hidden]
    Buffer<float> logits_, q_halt_;           // [batch, seq_len, vocab], [batch]
    std::size_t rows_ = 0;                    // that hold puzzles of their own
    std::int64_t steps_ = 0;                  // since the start
};

}  // namespace trm_edge
