#include "fields.hpp"

#include <algorithm>
#include <cmath>

#include "error.hpp"

namespace trm_edge {
namespace {

constexpr int MAX_DEPTH = 100;  // printing a value recurses, and the stack is finite
constexpr std::size_t MAX_TEXT = 1000;

std::string shown(const Json& value) {
    const std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

bool is_whole(const Json& value, std::int64_t low, std::int64_t high) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return false;
    return value.is_number_integer() && low <= value.get<std::int64_t>() && value.get<std::int64_t>() <= high;
}

bool is_finite_number(const Json& value) { return value.is_number() && std::isfinite(value.get<double>()); }

/// Whether UTF-8 text holds a control character: C0, DEL, or C1, which is encoded as C2 80 to C2 9F.
bool has_controls(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) return true;
    }
    return false;
}

std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

Json parse_json(const std::string& text, const std::string& document) {
    const auto shallow = [&](int depth, Json::parse_event_t, Json&) {
        if (depth > MAX_DEPTH) {
            throw Error(document + " is nested more than " + std::to_string(MAX_DEPTH) + " deep");
        }
        return true;
    };
    try {
        return Json::parse(text, shallow);
    } catch (const Json::exception& error) {
        throw Error(document + " is not valid JSON: " + error.what());
    }
}

std::string joined(const std::vector<std::string>& names) {
    std::string line;
    for (const std::string& name : names) line += (line.empty() ? "" : ", ") + name;
    return line;
}

Fields::Fields(const Json& data, std::string document, std::string path)
    : data_(&data), document_(std::move(document)), path_(std::move(path)) {
    if (!data.is_object()) {
        const std::string where = path_.empty() ? "the document" : "field '" + path_ + "'";
        throw Error(document_ + ": " + where + " must be an object, not " + shown(data));
    }
}

const Json& Fields::raw(const std::string& name) const {
    const auto found = data_->find(name);
    if (found == data_->end()) throw Error(document_ + ": field '" + path_ + name + "' is missing");
    return *found;
}

std::string Fields::text(const std::string& name) const {
    const Json& value = raw(name);
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    if (text.empty() || characters(text) > MAX_TEXT || has_controls(text)) {
        refuse(name, "one printable line of 1 to " + std::to_string(MAX_TEXT) + " characters");
    }
    return text;
}

std::string Fields::choice(const std::string& name, const std::vector<std::string>& allowed) const {
    const std::string value = text(name);
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) refuse(name, "one of " + joined(allowed));
    return value;
}

std::int64_t Fields::integer(const std::string& name, std::int64_t low, std::int64_t high) const {
    const Json& value = raw(name);
    if (!is_whole(value, low, high)) {
        refuse(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return value.get<std::int64_t>();
}

double Fields::number(const std::string& name) const {
    const Json& value = raw(name);
    if (!is_finite_number(value)) refuse(name, "a finite number");
    return value.get<double>();
}

std::vector<double> Fields::numbers(const std::string& name) const {
    const Json& values = array(name);
    if (!std::all_of(values.begin(), values.end(), is_finite_number)) refuse(name, "an array of finite numbers");
    return values.get<std::vector<double>>();
}

std::vector<std::int32_t> Fields::integers(const std::string& name) const {
    const Json& values = array(name);
    for (const Json& value : values) {
        if (is_whole(value, 0, MAX_INT)) continue;
        refuse(name, "an array of whole numbers from 0 to " + std::to_string(MAX_INT));
    }
    return values.get<std::vector<std::int32_t>>();
}

const Json& Fields::array(const std::string& name) const {
    const Json& value = raw(name);
    if (!value.is_array()) refuse(name, "an array");
    return value;
}

const Json& Fields::object(const std::string& name) const {
    const Json& value = raw(name);
    if (!value.is_object()) refuse(name, "an object");
    return value;
}

Fields Fields::child(const std::string& name) const { return Fields(raw(name), document_, path_ + name + "."); }

std::vector<Fields> Fields::children(const std::string& name) const {
    std::vector<Fields> items;
    for (const Json& item : array(name)) {
        items.emplace_back(item, document_, path_ + name + "[" + std::to_string(items.size()) + "].");
    }
    return items;
}

void Fields::refuse(const std::string& name, const std::string& rule) const {
    const auto given = data_->find(name);
    throw Error(document_ + ": field '" + path_ + name + "' must be " + rule + ", not " +
                (given == data_->end() ? "missing" : shown(*given)));
}

}  // namespace trm_edge
