// trm-edge-run: solves puzzles with an ExecuTorch bundle, and measures it, without Python.
//
// Exit codes: 0 done; 1 the golden vectors came out differently; 2 bad input, with one line on standard error.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>

#include "bench.hpp"
#include "bundle.hpp"
#include "error.hpp"
#include "golden.hpp"
#include "policy.hpp"
#include "solver.hpp"

namespace {

using namespace trm_edge;

constexpr const char* USAGE =
    R"(Usage: trm-edge-run BUNDLE [--golden | --puzzles FILE] [options]
       trm-edge-run bench BUNDLE PUZZLES.json OUT.json [--rounds N] [--steps N] [options]

  BUNDLE           a folder that 'trm-edge export --format executorch' wrote
  --golden         replay the bundle's golden vectors; exit code 1 if they come out differently
  --puzzles FILE   solve the puzzles in FILE, or of standard input where it is -: a line of tokens each
  --halt POLICY    act, act:threshold=T,min=N, fixed or fixed:N; default: the bundle's
  --threshold T    halt when the halting logit is greater than T
  --budget N       most supervision steps; default: the bundle's
  --puzzle-id ID   the puzzle embedding to use, of those that the bundle keeps; default: the first
  --threads N      threads of the process; default: ExecuTorch's own choice

  bench            measure: {"puzzles": [{"tokens": [...], "answer": [...] or null, "puzzle_id": 0}]} to samples
  --rounds N       times over; default: 1
  --steps N        supervision steps that every puzzle is taken through; default: the bundle's budget

Prints a line a puzzle: the tokens of the answer, the step it halted at and its halting logit, separated by tabs.
)";

struct Options {
    std::string bundle;
    bool golden = false;
    std::optional<std::string> puzzles;
    std::optional<Policy> policy;
    std::optional<float> threshold;
    std::optional<std::int64_t> budget, puzzle_id, threads;
};

/// The command line, sorted: what stands alone, and what options were given.
struct Arguments {
    std::vector<std::string> places;
    std::map<std::string, std::string> given;
    bool golden = false;

    /// Throws Error: an unknown option, one without its value, or more than `most` places.
    Arguments(const std::vector<std::string>& words, const std::vector<std::string>& valued, std::size_t most) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const std::string& name = words[i];
            if (name == "--golden") {
                golden = true;
            } else if (std::find(valued.begin(), valued.end(), name) != valued.end()) {
                if (i + 1 == words.size()) throw Error(name + " needs a value; see --help");
                given[name] = words[++i];
            } else if (!name.empty() && name[0] != '-' && places.size() < most) {
                places.push_back(name);
            } else {
                throw Error("Cannot make sense of '" + name + "'; see --help");
            }
        }
    }

    std::optional<std::int64_t> whole(const std::string& name, std::int64_t low, std::int64_t high) const {
        const auto found = given.find(name);
        if (found == given.end()) return std::nullopt;
        return parse_whole(name, found->second, low, high);
    }

    std::optional<Policy> policy() const {
        const auto found = given.find("--halt");
        if (found == given.end()) return std::nullopt;
        return parse_policy(found->second);
    }
};

constexpr std::int64_t MAX_THREADS = 1024;

Options parse_options(const std::vector<std::string>& words) {
    const Arguments arguments(
        words, {"--puzzles", "--halt", "--threshold", "--budget", "--puzzle-id", "--threads"}, 1);
    const auto& given = arguments.given;
    Options options;
    options.golden = arguments.golden;
    options.budget = arguments.whole("--budget", 1, INT32_MAX);
    options.puzzle_id = arguments.whole("--puzzle-id", 0, INT32_MAX);
    options.threads = arguments.whole("--threads", 1, MAX_THREADS);
    if (given.count("--puzzles")) options.puzzles = given.at("--puzzles");
    options.policy = arguments.policy();
    if (given.count("--threshold")) options.threshold = parse_number("--threshold", given.at("--threshold"));
    if (arguments.places.empty()) throw Error("Name a bundle; see --help");
    options.bundle = arguments.places[0];
    if (options.golden == options.puzzles.has_value()) throw Error("Say either --golden or --puzzles FILE; see --help");
    if (options.golden && (options.policy || options.threshold || options.budget || options.puzzle_id)) {
        throw Error("--golden halts as the bundle says: leave out --halt, --threshold, --budget and --puzzle-id");
    }
    return options;
}

BenchOptions parse_bench_options(const std::vector<std::string>& words) {
    const Arguments arguments(words, {"--rounds", "--steps", "--halt", "--budget", "--threads"}, 3);
    if (arguments.places.size() != 3 || arguments.golden) {
        throw Error("Say trm-edge-run bench BUNDLE PUZZLES.json OUT.json; see --help");
    }
    BenchOptions options;
    options.bundle = arguments.places[0];
    options.puzzles = arguments.places[1];
    options.out = arguments.places[2];
    options.rounds = arguments.whole("--rounds", 1, 10'000).value_or(1);
    options.steps = arguments.whole("--steps", 1, MAX_BENCH_STEPS);
    options.policy = arguments.policy();
    options.budget = arguments.whole("--budget", 1, INT32_MAX);
    options.threads = arguments.whole("--threads", 1, MAX_THREADS);
    return options;
}

Policy chosen_policy(const Options& options, const Manifest& manifest) {
    Policy policy = options.policy ? *options.policy : default_policy(manifest.halting);
    if (options.threshold) {
        if (!policy.act) throw Error("--threshold is for the halting policy act, not for fixed");
        policy.threshold = *options.threshold;
    }
    return policy;
}

/// Replay the golden vectors; returns the exit code.
int replay(Solver& solver, const Manifest& manifest, const GoldenVectors& vectors) {
    const Policy policy = default_policy(manifest.halting);
    const std::size_t n = vectors.tokens.size(), batch = static_cast<std::size_t>(manifest.batch);
    std::size_t answers = 0, steps = 0;
    for (std::size_t low = 0; low < n; low += batch) {
        std::vector<Puzzle> puzzles;
        for (std::size_t i = low; i < std::min(low + batch, n); ++i) {
            puzzles.push_back({vectors.tokens[i], puzzle_row(manifest, vectors.puzzle_ids[i])});
        }
        const std::vector<Solution> solutions = solver.solve(puzzles, policy, vectors.steps);
        for (std::size_t i = 0; i < solutions.size(); ++i) {
            answers += solutions[i].answer == vectors.answers[low + i];
            steps += solutions[i].steps == vectors.halting_steps[low + i];
        }
    }
    std::cout << "golden vectors: " << answers << " of " << n << " answers, " << steps << " of " << n
              << " halting steps\n";
    const GoldenBounds bounds = golden_bounds(manifest.precision);
    return enough(answers, n, bounds.answers) && enough(steps, n, bounds.halting_steps) ? 0 : 1;
}

/// The tokens on a line. Throws Error: not `seq_len` tokens of the vocabulary.
std::vector<std::int32_t> parse_tokens(const std::string& line, std::int64_t number, const Manifest& manifest) {
    const std::string place = "Line " + std::to_string(number);
    std::vector<std::int32_t> tokens;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
        tokens.push_back(static_cast<std::int32_t>(parse_whole(place + ": a token", word, 0, manifest.vocab_size - 1)));
    }
    if (tokens.size() != static_cast<std::size_t>(manifest.seq_len)) {
        throw Error(place + " holds " + std::to_string(tokens.size()) + " tokens, a puzzle of this bundle has " +
                    std::to_string(manifest.seq_len));
    }
    return tokens;
}

void print(const std::vector<Solution>& solutions) {
    for (const Solution& solution : solutions) {
        const char* separator = "";
        for (const std::int32_t token : solution.answer) {
            std::cout << separator << token;
            separator = " ";
        }
        std::cout << '\t' << solution.steps << '\t' << solution.q_halt << '\n';
    }
    std::cout.flush();
}

/// Solve puzzles as they come; every full batch is printed at once.
void solve(Solver& solver, const Manifest& manifest, const Options& options, std::istream& source) {
    const Policy policy = chosen_policy(options, manifest);
    const std::int64_t budget = options.budget.value_or(manifest.halting.max_steps);
    const std::int32_t row =
        options.puzzle_id ? puzzle_row(manifest, static_cast<std::int32_t>(*options.puzzle_id)) : 0;
    std::vector<Puzzle> puzzles;
    std::int64_t number = 0, solved = 0;
    const auto solve_batch = [&] {
        print(solver.solve(puzzles, policy, budget));
        solved += static_cast<std::int64_t>(puzzles.size());
        puzzles.clear();
    };
    for (std::string line; std::getline(source, line);) {
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        puzzles.push_back({parse_tokens(line, number, manifest), row});
        if (puzzles.size() == static_cast<std::size_t>(manifest.batch)) solve_batch();
    }
    if (!puzzles.empty()) solve_batch();
    if (source.bad()) throw Error("Cannot read '" + *options.puzzles + "' to its end");
    if (solved == 0) throw Error("'" + *options.puzzles + "' holds no puzzles: write the tokens of one on each line");
}

int run(const Options& options) {
    std::ifstream file;
    if (options.puzzles && *options.puzzles != "-") {
        file.open(*options.puzzles);
        if (!file) throw Error("Cannot read '" + *options.puzzles + "'");
    }
    const Bundle bundle(options.bundle);
    const Manifest& manifest = bundle.manifest();
    if (options.threads) set_threads(static_cast<std::uint32_t>(*options.threads));
    int code = 0;
    if (options.golden) {
        const GoldenVectors vectors = parse_golden(bundle.golden_text(), manifest);
        Solver solver(bundle);
        code = replay(solver, manifest, vectors);
    } else {
        Solver solver(bundle);
        solve(solver, manifest, options, file.is_open() ? file : std::cin);
    }
    if (!std::cout.flush()) throw Error("Cannot write to standard output");
    return code;
}

}  // namespace

int main(int count, char** values) {
    try {
        const std::vector<std::string> arguments(values + 1, values + count);
        if (arguments == std::vector<std::string>{"--help"}) {
            std::cout << USAGE;
            return 0;
        }
        if (!arguments.empty() && arguments[0] == "bench") {
            bench(parse_bench_options({arguments.begin() + 1, arguments.end()}));
            return 0;
        }
        std::cout.precision(9);  // float32 survives the way through text
        return run(parse_options(arguments));
    } catch (const std::exception& error) {
        std::cerr << "trm-edge-run: " << error.what() << '\n';
        return 2;
    }
}
