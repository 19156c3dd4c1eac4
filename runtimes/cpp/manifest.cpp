#include "manifest.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <set>

#include "error.hpp"
#include "fields.hpp"

namespace trm_edge {
namespace {

constexpr std::int64_t SCHEMA_VERSION = 1;
constexpr std::size_t MAX_FILES = 64;
constexpr std::int64_t MAX_FILE_BYTES = std::int64_t{2} << 30;
constexpr std::int64_t MAX_BUNDLE_BYTES = std::int64_t{4} << 30;
constexpr std::int64_t MAX_CYCLES = 256;

/// A tensor of the graph; sizes are numbers, or names of sizes that vary.
struct TensorSpec {
    std::string name;
    Json shape;
    std::string dtype;
};

[[noreturn]] void refuse(const std::string& reason) { throw Error(std::string(MANIFEST) + ": " + reason); }

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

// -- files ------------------------------------------------------------------------------------

/// Why `name` cannot name a file of a bundle: a bundle is flat, and its names are portable.
std::optional<std::string> unsafe_name(const std::string& name) {
    const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (name.empty() || name.size() > 100 || name.find_first_not_of(allowed) != std::string::npos) {
        return "use 1 to 100 letters, digits, '.', '_' and '-', without folders";
    }
    if (name.front() == '.' || name.front() == '-' || name.back() == '.') {
        return "it must not start with '.' or '-' nor end with '.'";
    }
    if (lower(name) == MANIFEST) return "that is the manifest itself";
    return std::nullopt;
}

void check_name(const std::string& name) {
    const auto reason = unsafe_name(name);
    if (reason) refuse("unsafe file name " + Json(name).dump(-1, ' ', /*ensure_ascii=*/true) + ": " + *reason);
}

std::map<std::string, FileEntry> parse_files(const Fields& data) {
    const Fields listing = data.child("files");
    std::map<std::string, FileEntry> files;
    std::set<std::string> folded;
    std::int64_t declared = 0;
    for (const auto& item : data.object("files").items()) {
        const Fields entry = listing.child(item.key());
        const std::string digest = entry.text("sha256");
        if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
            entry.refuse("sha256", "64 lower-case hexadecimal digits");
        }
        files[item.key()] = {digest, entry.integer("bytes", 0, MAX_FILE_BYTES)};
        declared += files[item.key()].bytes;
        folded.insert(lower(item.key()));
    }
    if (files.size() > MAX_FILES) {
        refuse("field 'files' lists " + std::to_string(files.size()) + " files, at most " + std::to_string(MAX_FILES) +
               " are allowed");
    }
    for (const auto& [name, entry] : files) check_name(name);
    if (declared > MAX_BUNDLE_BYTES) {
        refuse("field 'files' declares " + std::to_string(declared) + " bytes together, at most " +
               std::to_string(MAX_BUNDLE_BYTES) + " are allowed");
    }
    if (folded.size() != files.size()) refuse("field 'files' holds names that differ only in case");
    return files;
}

// -- the contract of a step graph ---------------------------------------------------------------

TensorSpec parse_tensor(const Fields& data) {
    const Json& shape = data.array("shape");
    for (const Json& size : shape) {
        const bool is_size = size.is_number_unsigned() && size.get<std::uint64_t>() >= 1;
        if (!is_size && !size.is_string()) data.refuse("shape", "an array of sizes >= 1 and names");
    }
    return {data.text("name"), shape,
            data.choice("dtype", {"float32", "float16", "int64", "int32", "int16", "uint16", "int8", "uint8", "bool"})};
}

std::vector<TensorSpec> parse_tensors(const Fields& data, const std::string& name) {
    std::vector<TensorSpec> tensors;
    for (const Fields& item : data.children(name)) tensors.push_back(parse_tensor(item));
    return tensors;
}

std::string described(const TensorSpec& tensor) { return tensor.dtype + " " + tensor.shape.dump(); }

/// Refuse tensors that are not, by name and in any order, the expected ones.
void check_tensors(const std::string& field, const std::vector<TensorSpec>& expected,
                   const std::vector<TensorSpec>& given) {
    std::map<std::string, TensorSpec> by_name;
    std::vector<std::string> names, given_names;
    for (const TensorSpec& tensor : expected) names.push_back(tensor.name);
    for (const TensorSpec& tensor : given) {
        by_name[tensor.name] = tensor;
        given_names.push_back(tensor.name);
    }
    const auto is_given = [&](const std::string& name) { return by_name.count(name) == 1; };
    if (given.size() != names.size() || by_name.size() != names.size() ||
        !std::all_of(names.begin(), names.end(), is_given)) {
        refuse("field '" + field + "' must hold exactly " + joined(names) + ", not " + joined(given_names));
    }
    for (const TensorSpec& tensor : expected) {
        const TensorSpec& other = by_name[tensor.name];
        if (other.dtype != tensor.dtype || other.shape != tensor.shape) {
            refuse("field '" + field + "': '" + tensor.name + "' must be " + described(tensor) + ", not " +
                   described(other));
        }
    }
}

std::vector<float> initial_vector(const Fields& carry) {
    const std::vector<double> values = carry.numbers("init");
    const auto fits = [](double value) { return std::abs(value) <= std::numeric_limits<float>::max(); };
    if (values.empty() || !std::all_of(values.begin(), values.end(), fits)) {
        refuse("the initial vector of '" + carry.text("input") + "' must hold float32 numbers, at least one");
    }
    return {values.begin(), values.end()};
}

/// Refuse an integer state without a usable scale and zero point, and a state of floats with either.
void check_scale(const Fields& state, const std::string& dtype) {
    const std::string what = "the " + dtype + " state '" + state.text("input") + "' must have ";
    const double scale = state.has("scale") ? state.number("scale") : 0;
    const std::int64_t zero = state.has("zero_point") ? state.integer("zero_point") : -1;
    if (dtype != "uint8" && dtype != "uint16") {
        if (state.has("scale") || state.has("zero_point")) refuse(what + "neither 'scale' nor 'zero_point'");
        return;
    }
    const std::int64_t largest = dtype == "uint8" ? 255 : 65535;
    if (!(scale >= 1e-30 && scale <= std::numeric_limits<float>::max())) refuse(what + "a 'scale' of at least 1e-30");
    if (zero < 0 || zero > largest) refuse(what + "a 'zero_point' from 0 to " + std::to_string(largest));
}

/// Read the tensors, and refuse what leaves the contract of docs/bundle.md for step graphs.
void parse_graph(const Fields& data, Manifest& m) {
    const std::vector<TensorSpec> inputs = parse_tensors(data, "inputs"), outputs = parse_tensors(data, "outputs");
    const auto find = [&](const std::string& name) {
        return std::find_if(inputs.begin(), inputs.end(), [&](const TensorSpec& spec) { return spec.name == name; });
    };
    const auto tokens = find("tokens");
    if (tokens == inputs.end() || tokens->shape.size() != 2) {
        refuse("field 'inputs' must hold 'tokens' of shape [batch, seq_len]");
    }
    const Json batch = tokens->shape[0];
    m.takes_puzzle_ids = find("puzzle_ids") != inputs.end();
    if (m.takes_puzzle_ids != (m.puzzles.size() > 1) && !(m.takes_puzzle_ids && !m.puzzles.empty())) {
        refuse(std::to_string(m.puzzles.size()) + " kept 'puzzles' do not fit " +
               (m.takes_puzzle_ids ? "an" : "no") + " input 'puzzle_ids'");
    }
    std::vector<TensorSpec> in{{"tokens", Json::array({batch, m.seq_len}), "int32"}}, out;
    if (m.takes_puzzle_ids) in.push_back({"puzzle_ids", Json::array({batch}), "int32"});
    out.push_back({"logits", Json::array({batch, m.seq_len, m.vocab_size}), "float32"});
    out.push_back({"q_halt", Json::array({batch}), "float32"});
    const auto z_H = find("z_H");
    const std::vector<std::string> others{"float16", "uint8", "uint16"};
    const bool is_other = z_H != inputs.end() && std::count(others.begin(), others.end(), z_H->dtype) > 0;
    const std::string dtype = is_other ? z_H->dtype : "float32";
    std::map<std::string, std::vector<float>> carry;
    for (const Fields& state : data.children("carry")) {
        const std::string name = state.text("input");
        carry[name] = initial_vector(state);
        check_scale(state, dtype);
        const Json shape = Json::array({batch, m.positions(), carry[name].size()});
        in.push_back({name, shape, dtype});
        out.push_back({state.text("output"), shape, dtype});
    }
    if (carry.empty()) refuse("a step graph must have a 'carry'");
    check_tensors("inputs", in, inputs);
    check_tensors("outputs", out, outputs);
    if (carry.size() != 2 || carry.count("z_H") == 0 || carry.count("z_L") == 0) {
        refuse("field 'carry' must hold z_H and z_L for this runner");
    }
    m.z_H = carry["z_H"];
    m.z_L = carry["z_L"];
    if (m.z_H.size() != m.z_L.size()) refuse("z_H and z_L in 'carry' must have one width");
    m.state_dtype = dtype;
    m.batch = batch.is_number() ? batch.get<std::int64_t>() : 0;
}

// -- the rest -----------------------------------------------------------------------------------

void check_date(const std::string& created) {
    int year = 0, month = 0, day = 0;
    const bool has_shape = created.size() >= 10 && created[4] == '-' && created[7] == '-';
    if (!has_shape || std::sscanf(created.c_str(), "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 ||
        month > 12 || day < 1 || day > 31) {
        refuse("field 'created' must be an ISO 8601 date, not '" + created + "'");
    }
}

HaltingDefaults parse_halting(const Fields& data) {
    const HaltingDefaults halting{data.text("policy"), data.number("threshold"), data.integer("min_steps", 1),
                                  data.integer("max_steps", 1)};
    if (halting.max_steps < halting.min_steps) {
        refuse("halting.max_steps " + std::to_string(halting.max_steps) + " is less than halting.min_steps " +
               std::to_string(halting.min_steps));
    }
    return halting;
}

/// How often to call the networks; what the configuration leaves out has the official default.
void parse_recursion(const Fields& model, Manifest& m) {
    const auto setting = [&](const std::string& name, std::int64_t low, std::int64_t usual) {
        return model.has(name) ? model.integer(name, low, MAX_CYCLES) : usual;
    };
    m.H_cycles = setting("H_cycles", 1, 3);
    m.L_cycles = setting("L_cycles", 1, 6);
    m.has_network_H = setting("H_layers", 0, 0) > 0;
}

/// Fields that this runner makes no use of, but that every reader checks.
void check_unused(const Fields& data) {
    check_date(data.text("created"));
    data.integer("steps", 1);
    data.object("graph_stats");
    const Fields tools = data.child("tools");
    for (const auto& item : data.object("tools").items()) tools.text(item.key());
    if (!data.raw("parity").is_null()) data.object("parity");
    const Json& latency = data.array("latency");
    const auto is_object = [](const Json& item) { return item.is_object(); };
    if (!std::all_of(latency.begin(), latency.end(), is_object)) data.refuse("latency", "an array of objects");
}

}  // namespace

Manifest parse_manifest(const std::string& text) {
    const Json document = parse_json(text, MANIFEST);
    const Fields data(document, MANIFEST);
    const std::int64_t schema = data.integer("schema_version", 1);
    if (schema > SCHEMA_VERSION) {  // before any other field: a newer schema may have renamed them
        refuse("written by a newer trm-edge (schema " + std::to_string(schema) + ", this reads " +
               std::to_string(SCHEMA_VERSION) + "): upgrade");
    }
    Manifest m;
    m.name = data.text("name");
    m.task = data.text("task");
    m.target = data.text("target");
    m.evidence = data.choice("evidence", {"hardware", "simulator", "compiled", "declared"});
    m.seq_len = data.integer("seq_len", 1);
    m.vocab_size = data.integer("vocab_size", 2);
    m.puzzle_prefix_len = data.integer("puzzle_prefix_len");
    m.precision = data.choice("precision", {"fp32", "fp16", "w8", "w8a8-dynamic", "w8a8", "w8a16", "auto"});
    m.halting = parse_halting(data.child("halting"));
    m.puzzles = data.integers("puzzles");
    if (std::set<std::int32_t>(m.puzzles.begin(), m.puzzles.end()).size() != m.puzzles.size()) {
        refuse("field 'puzzles' names an id twice");
    }
    m.model_file = data.text("model_file");
    check_name(m.model_file);
    m.files = parse_files(data);
    if (m.files.count(m.model_file) == 0) refuse("model_file '" + m.model_file + "' is not listed under 'files'");
    check_unused(data);
    const std::string format = data.choice("format", {"onnx", "executorch"});
    const std::string graph = data.choice("graph", {"step", "unrolled", "loop"});
    if (graph != "step" && !data.array("carry").empty()) refuse("a " + graph + " graph must not have a 'carry'");
    const Fields model = data.child("model");
    parse_recursion(model, m);
    if (graph == "step") parse_graph(data, m);
    if (format != "executorch") refuse("this runner opens executorch programs, this bundle holds " + format);
    if (graph != "step") refuse("this runner runs step graphs, this bundle holds " + graph + ": export it as a step");
    if (m.state_dtype != "float32") {
        refuse("this runner keeps float32 states, those of this bundle are " + m.state_dtype);
    }
    if (m.batch == 0) refuse("'inputs' leave the batch open; an executorch program has a fixed one");
    return m;
}

bool is_litter(const std::string& name) {
    const std::string folded = lower(name);
    return folded == ".ds_store" || folded == "thumbs.db" || folded == "desktop.ini" || name.rfind("._", 0) == 0;
}

}  // namespace trm_edge
