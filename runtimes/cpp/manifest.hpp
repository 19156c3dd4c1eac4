// The manifest of a bundle: what must be known before the program is opened.
//
// Knows JSON and the rules of docs/bundle.md, as far as they concern step graphs; knows nothing about folders or
// ExecuTorch. tests/vectors/refusals.json holds what every reader must refuse.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace trm_edge {

constexpr const char* MANIFEST = "manifest.json";
constexpr const char* GOLDEN = "golden.json";

/// Halting defaults of a bundle.
struct HaltingDefaults {
    std::string policy;
    double threshold;
    std::int64_t min_steps;
    std::int64_t max_steps;
};

/// SHA-256 (lower-case hexadecimal) and size of one file.
struct FileEntry {
    std::string sha256;
    std::int64_t bytes;
};

/// What manifest.json says of an ExecuTorch step graph.
struct Manifest {
    std::string name;
    std::string task;
    std::string target;
    std::string evidence;  // how it is known to work there: hardware, simulator, compiled or declared
    std::string precision;
    std::string model_file;
    std::int64_t seq_len;
    std::int64_t vocab_size;
    std::int64_t puzzle_prefix_len;
    std::int64_t batch;  // built into the program
    HaltingDefaults halting;
    std::string state_dtype;            // float32; this runner keeps no other
    std::vector<float> z_H, z_L;        // the vectors [hidden] that every position starts from
    std::vector<std::int32_t> puzzles;  // original ids of the kept puzzle embeddings, in row order
    bool takes_puzzle_ids;
    std::int64_t H_cycles, L_cycles;
    bool has_network_H;  // an HRM: a second network updates the answer
    std::map<std::string, FileEntry> files;

    /// Positions of a state: the prefix of the puzzle embedding, then the tokens.
    std::int64_t positions() const { return puzzle_prefix_len + seq_len; }
    /// Width of a state.
    std::int64_t hidden() const { return static_cast<std::int64_t>(z_H.size()); }
};

/// Read a document strictly. Throws Error, which names the field that is missing, mistyped or incoherent.
Manifest parse_manifest(const std::string& text);

/// Whether an operating system left this file in a folder it showed.
bool is_litter(const std::string& name);

}  // namespace trm_edge
