#include "solver.hpp"

#include <algorithm>
#include <cmath>

#include "error.hpp"

namespace trm_edge {
namespace {

using executorch::aten::ScalarType;
using executorch::aten::SizesType;

/// The tensors that methods exchange.
struct Types {
    TensorType tokens, puzzle_rows, state, logits, q_halt;

    explicit Types(const Manifest& m) {
        const auto size = [](std::int64_t number) { return static_cast<SizesType>(number); };
        const SizesType batch = size(m.batch), seq_len = size(m.seq_len);
        tokens = {ScalarType::Int, {batch, seq_len}};
        puzzle_rows = {ScalarType::Int, {batch}};
        state = {ScalarType::Float, {batch, size(m.positions()), size(m.hidden())}};
        logits = {ScalarType::Float, {batch, seq_len, size(m.vocab_size)}};
        q_halt = {ScalarType::Float, {batch}};
    }
};

/// The methods that a program of this manifest must have.
std::map<std::string, Signature> signatures(const Manifest& m) {
    const Types types(m);
    const Signature network{{types.state, types.state}, {types.state}};
    std::map<std::string, Signature> methods{{"embed", {{types.tokens}, {types.state}}},
                                             {"network_L", network},
                                             {"heads", {{types.state}, {types.logits, types.q_halt}}}};
    if (m.takes_puzzle_ids) methods["embed"].inputs.push_back(types.puzzle_rows);
    if (m.has_network_H) methods["network_H"] = network;
    return methods;
}

/// Start every position of every row at `vector` [hidden].
void fill(std::vector<float>& state, const std::vector<float>& vector) {
    for (auto place = state.begin(); place != state.end();) place = std::copy(vector.begin(), vector.end(), place);
}

bool has_nan(const float* values, std::size_t count) {
    return std::any_of(values, values + count, [](float value) { return std::isnan(value); });
}

}  // namespace

std::int32_t puzzle_row(const Manifest& manifest, std::int32_t puzzle_id) {
    if (manifest.puzzles.empty()) return 0;
    const auto found = std::find(manifest.puzzles.begin(), manifest.puzzles.end(), puzzle_id);
    if (found == manifest.puzzles.end()) {
        throw Error("Puzzle id " + std::to_string(puzzle_id) + " is not in this bundle, which keeps " +
                    std::to_string(manifest.puzzles.size()) + " of them. Export it again with that id.");
    }
    return static_cast<std::int32_t>(found - manifest.puzzles.begin());
}

Solver::Solver(const Bundle& bundle)
    : manifest_(bundle.manifest()),
      program_(bundle.model_path(), signatures(manifest_)),
      tokens_(Types(manifest_).tokens),
      puzzle_rows_(Types(manifest_).puzzle_rows),
      x_(Types(manifest_).state),
      z_H_(Types(manifest_).state),
      z_L_(Types(manifest_).state),
      injected_(Types(manifest_).state),
      logits_(Types(manifest_).logits),
      q_halt_(Types(manifest_).q_halt) {}

std::vector<Solution> Solver::solve(const std::vector<Puzzle>& puzzles, const Policy& policy, std::int64_t budget) {
    std::vector<Solution> solutions(puzzles.size());
    std::vector<bool> stopped(puzzles.size());
    start(puzzles);
    while (std::find(stopped.begin(), stopped.end(), false) != stopped.end()) {
        step();
        for (std::size_t row = 0; row < puzzles.size(); ++row) {
            if (!stopped[row] && (policy.halts(steps_, q_halt(row)) || steps_ == budget)) {
                stopped[row] = true;
                solutions[row] = {answer(row), steps_, q_halt(row)};
            }
        }
    }
    return solutions;
}

void Solver::start(const std::vector<Puzzle>& puzzles) {
    rows_ = puzzles.size();
    steps_ = 0;
    const auto seq_len = static_cast<std::ptrdiff_t>(manifest_.seq_len);
    for (std::size_t row = 0; row < puzzle_rows_.values.size(); ++row) {
        const Puzzle& puzzle = puzzles[std::min(row, puzzles.size() - 1)];  // rows left over repeat the last puzzle
        std::copy(puzzle.tokens.begin(), puzzle.tokens.end(),
                  tokens_.values.begin() + static_cast<std::ptrdiff_t>(row) * seq_len);
        puzzle_rows_.values[row] = puzzle.puzzle_row;
    }
    std::vector<executorch::runtime::EValue> inputs{*tokens_.tensor};
    if (manifest_.takes_puzzle_ids) inputs.emplace_back(*puzzle_rows_.tensor);
    x_.take(program_.call("embed", inputs)[0]);
    fill(z_H_.values, manifest_.z_H);
    fill(z_L_.values, manifest_.z_L);
}

/// z_L = network_L(z_L, z_H + x), L_cycles times; then z_H = network_H(z_H, z_L); all of it H_cycles times.
void Solver::step() {
    const std::string network_H = manifest_.has_network_H ? "network_H" : "network_L";
    for (std::int64_t cycle = 0; cycle < manifest_.H_cycles; ++cycle) {
        std::transform(z_H_.values.begin(), z_H_.values.end(), x_.values.begin(), injected_.values.begin(),
                       [](float state, float puzzle) { return state + puzzle; });
        for (std::int64_t update = 0; update < manifest_.L_cycles; ++update) {
            z_L_.take(program_.call("network_L", {*z_L_.tensor, *injected_.tensor})[0]);
        }
        z_H_.take(program_.call(network_H, {*z_H_.tensor, *z_L_.tensor})[0]);
    }
    const auto results = program_.call("heads", {*z_H_.tensor});
    logits_.take(results[0]);
    q_halt_.take(results[1]);
    ++steps_;
    const auto cells = static_cast<std::size_t>(manifest_.seq_len * manifest_.vocab_size);
    if (has_nan(q_halt_.values.data(), rows_) || has_nan(logits_.values.data(), rows_ * cells)) {
        throw Error("The program answers NaN at step " + std::to_string(steps_));
    }
}

std::vector<std::int32_t> Solver::answer(std::size_t row) const {
    const auto vocab = static_cast<std::size_t>(manifest_.vocab_size);
    std::vector<std::int32_t> answer(static_cast<std::size_t>(manifest_.seq_len));
    const float* logits = logits_.values.data() + row * answer.size() * vocab;
    for (std::int32_t& token : answer) {
        token = static_cast<std::int32_t>(std::max_element(logits, logits + vocab) - logits);
        logits += vocab;
    }
    return answer;
}

}  // namespace trm_edge
