#include "bench.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bundle.hpp"
#include "error.hpp"
#include "fields.hpp"
#include "process.hpp"
#include "solver.hpp"

namespace trm_edge {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t MAX_PUZZLES_BYTES = 64 << 20;
constexpr const char* MODEL_CARD = "model-card.md";  // like the golden vectors, a device does not need it

/// A puzzle with its answer, where one is known.
struct Known {
    Puzzle puzzle;
    std::vector<std::int32_t> answer;
    bool has_answer;
};

class Clock {
public:
    double seconds() const { return std::chrono::duration<double>(Steady::now() - began_).count(); }

private:
    using Steady = std::chrono::steady_clock;
    Steady::time_point began_ = Steady::now();
};

std::vector<std::int32_t> grid(const Fields& data, const std::string& name, const Manifest& manifest) {
    const std::vector<std::int32_t> tokens = data.integers(name);
    const auto unknown = [&](std::int32_t token) { return token >= manifest.vocab_size; };
    if (tokens.size() != static_cast<std::size_t>(manifest.seq_len) ||
        std::any_of(tokens.begin(), tokens.end(), unknown)) {
        data.refuse(name, std::to_string(manifest.seq_len) + " tokens from 0 to " +
                              std::to_string(manifest.vocab_size - 1));
    }
    return tokens;
}

std::vector<Known> read_puzzles(const std::string& path, const Manifest& manifest) {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(path, failed);
    std::ifstream file(path, std::ios::binary);
    if (failed || !file) throw Error("Cannot read '" + path + "'");
    if (size > MAX_PUZZLES_BYTES) {
        throw Error("'" + path + "' is larger than " + std::to_string(MAX_PUZZLES_BYTES) + " bytes");
    }
    const Json document = parse_json({std::istreambuf_iterator<char>(file), {}}, "'" + path + "'");
    std::vector<Known> puzzles;
    for (const Fields& data : Fields(document, "'" + path + "'").children("puzzles")) {
        const bool has_answer = !data.raw("answer").is_null();
        const std::int32_t row = puzzle_row(manifest, static_cast<std::int32_t>(data.integer("puzzle_id")));
        puzzles.push_back({{grid(data, "tokens", manifest), row},
                           has_answer ? grid(data, "answer", manifest) : std::vector<std::int32_t>{},
                           has_answer});
    }
    if (puzzles.empty()) throw Error("'" + path + "' holds no puzzles");
    return puzzles;
}

Json verdict(const Known& known, const std::vector<std::int32_t>& answer) {
    return known.has_answer ? Json(answer == known.answer) : Json(nullptr);
}

/// The puzzles of a batch that begins at `low`.
std::vector<Puzzle> batch_of(const std::vector<Known>& known, std::size_t low, const Manifest& manifest) {
    std::vector<Puzzle> puzzles;
    const std::size_t high = std::min(low + static_cast<std::size_t>(manifest.batch), known.size());
    for (std::size_t place = low; place < high; ++place) puzzles.push_back(known[place].puzzle);
    return puzzles;
}

/// Every puzzle through `steps` steps. The first step embeds it, too; a time holds the argmax, not the comparison.
Json through_all_steps(Solver& solver, const std::vector<Known>& known, const Manifest& manifest, std::int64_t steps) {
    Json runs = Json::array();
    for (std::size_t low = 0; low < known.size(); low = runs.size()) {
        const std::vector<Puzzle> puzzles = batch_of(known, low, manifest);
        for (std::size_t row = 0; row < puzzles.size(); ++row) {
            runs.push_back({{"puzzle", low + row}, {"step_seconds", Json::array()}, {"q_halt", Json::array()},
                            {"right", Json::array()}});
        }
        std::vector<std::vector<std::int32_t>> answers(puzzles.size());
        for (std::int64_t step = 1; step <= steps; ++step) {
            const Clock clock;
            if (step == 1) solver.start(puzzles);
            solver.step();
            for (std::size_t row = 0; row < puzzles.size(); ++row) answers[row] = solver.answer(row);
            const double seconds = clock.seconds();
            for (std::size_t row = 0; row < puzzles.size(); ++row) {
                if (!std::isfinite(solver.q_halt(row))) throw Error("The program's halting logit is infinite");
                runs[low + row]["step_seconds"].push_back(seconds);
                runs[low + row]["q_halt"].push_back(solver.q_halt(row));
                runs[low + row]["right"].push_back(verdict(known[low + row], answers[row]));
            }
        }
    }
    return runs;
}

/// Every puzzle solved as the policy says.
Json solved(Solver& solver, const std::vector<Known>& known, const Manifest& manifest, const Policy& policy,
            std::int64_t budget) {
    Json solves = Json::array();
    for (std::size_t low = 0; low < known.size(); low = solves.size()) {
        const std::vector<Puzzle> puzzles = batch_of(known, low, manifest);
        const Clock clock;
        const std::vector<Solution> solutions = solver.solve(puzzles, policy, budget);
        const double seconds = clock.seconds();
        for (std::size_t row = 0; row < puzzles.size(); ++row) {
            solves.push_back({{"puzzle", low + row},
                              {"seconds", seconds},
                              {"steps", solutions[row].steps},
                              {"right", verdict(known[low + row], solutions[row].answer)}});
        }
    }
    return solves;
}

/// Time a fixed piece of work, products of integer matrices: what times of two days are held against. It is the same as
/// that of trm_edge/profile/machine.py, in another language: times compare with those of this runner only.
double reference_seconds() {
    constexpr std::size_t SIDE = 128, PRODUCTS = 8;
    std::vector<std::uint32_t> factors(SIDE * SIDE), product(SIDE * SIDE);
    for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = static_cast<std::uint32_t>(i % 251);
    const Clock clock;
    for (std::size_t count = 0; count < PRODUCTS; ++count) {
        for (std::size_t i = 0; i < SIDE; ++i) {
            for (std::size_t k = 0; k < SIDE; ++k) {
                for (std::size_t j = 0; j < SIDE; ++j) {
                    product[i * SIDE + j] += factors[i * SIDE + k] * factors[k * SIDE + j];
                }
            }
        }
    }
    volatile std::uint32_t used = product[0];  // or a compiler would leave the work out
    static_cast<void>(used);
    return clock.seconds();
}

/// A number of the system as JSON; null where it tells none.
template <typename T>
Json maybe(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

/// Bytes above `floor`.
std::optional<std::int64_t> growth(const std::optional<std::int64_t>& bytes, const std::optional<std::int64_t>& floor) {
    if (!bytes || !floor) return std::nullopt;
    return std::max<std::int64_t>(0, *bytes - *floor);
}

std::int64_t device_bytes(const Manifest& manifest) {
    std::int64_t bytes = 0;
    for (const auto& [name, entry] : manifest.files) {
        if (name != GOLDEN && name != MODEL_CARD) bytes += entry.bytes;
    }
    return bytes;
}

/// Write whole or not at all.
void write(const std::string& path, const std::string& text) {
    const std::string temporary = path + ".tmp";
    std::ofstream file(temporary, std::ios::binary);
    file << text << '\n';
    file.close();
    std::error_code failed;
    if (file) fs::rename(temporary, path, failed);
    if (!file || failed) {
        fs::remove(temporary, failed);
        throw Error("Cannot write '" + path + "'");
    }
}

}  // namespace

void bench(const BenchOptions& options) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(options.out, ignored))) {
        throw Error("'" + options.out + "' exists: choose another name, or remove it");
    }
    const Bundle bundle(options.bundle);
    const Manifest& manifest = bundle.manifest();
    const std::vector<Known> known = read_puzzles(options.puzzles, manifest);
    const Policy policy = options.policy ? *options.policy : default_policy(manifest.halting);
    const std::int64_t budget = options.budget.value_or(manifest.halting.max_steps);
    const std::int64_t steps = options.steps.value_or(std::min(manifest.halting.max_steps, MAX_BENCH_STEPS));
    if (options.threads) set_threads(static_cast<std::uint32_t>(*options.threads));

    const auto floor = resident_bytes();
    const Clock loading;
    Solver solver(bundle);
    const double load_seconds = loading.seconds();
    solver.solve(batch_of(known, 0, manifest), policy, budget);  // not counted below: the first one warms up
    const auto cold_seconds = age_seconds();
    const auto resident = growth(resident_bytes(), floor), peak = growth(peak_bytes(), floor);

    Json runs = Json::array(), rounds = Json::array(), references = Json::array();
    for (std::int64_t round = 0; round < options.rounds; ++round) {
        references.push_back(reference_seconds());
        runs.push_back(through_all_steps(solver, known, manifest, steps));
        rounds.push_back(solved(solver, known, manifest, policy, budget));
    }
    const Json samples = {
        {"name", manifest.name},
        {"task", manifest.task},
        {"format", "executorch"},
        {"graph", "step"},
        {"precision", manifest.precision},
        {"target", manifest.target},
        {"evidence", manifest.evidence},
        {"runtime", "executorch"},
        {"provider", "trm-edge-run"},
        {"threads", maybe(options.threads)},
        {"batch", manifest.batch},
        {"load_seconds", {load_seconds}},
        {"cold_seconds", cold_seconds ? Json::array({*cold_seconds}) : Json::array()},
        {"runs", runs},
        {"whole", {{{"policy", described(policy)}, {"budget", budget}, {"rounds", rounds}}}},
        {"reference_seconds", references},
        {"resident_bytes", maybe(resident)},
        {"peak_bytes", maybe(peak)},
        {"file_bytes", device_bytes(manifest)},
        {"energy_joules", nullptr},
        {"machine", machine_facts()},
    };
    write(options.out, samples.dump());
}

}  // namespace trm_edge
