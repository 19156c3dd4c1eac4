// Typed reading of untrusted JSON: every complaint names the document and the field.
//
// Knows nothing about bundles; the manifest and the golden vectors are both read through it. The counterpart of
// trm_edge/bundle/fields.py.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace trm_edge {

using Json = nlohmann::json;

constexpr std::int32_t MAX_INT = INT32_MAX;

/// Parse standard JSON, nested at most 100 deep. Throws Error, in which `document` is named.
Json parse_json(const std::string& text, const std::string& document);

/// `names` as "a, b, c", for a complaint.
std::string joined(const std::vector<std::string>& names);

/// One JSON object of a document, read field by field. The parsed document must outlive it.
///
/// Every getter throws Error where the field is missing or is not what the getter promises. Fields nobody asks for are
/// ignored: that is the bundle's forward compatibility promise.
class Fields {
public:
    Fields(const Json& data, std::string document, std::string path = "");

    /// Whether there is such a field.
    bool has(const std::string& name) const { return data_->contains(name); }
    /// The value as parsed, whatever its type.
    const Json& raw(const std::string& name) const;
    /// A non-empty line of at most 1000 characters, none of which controls a terminal.
    std::string text(const std::string& name) const;
    /// A text that is one of `allowed`.
    std::string choice(const std::string& name, const std::vector<std::string>& allowed) const;
    /// A whole number in `low..high`.
    std::int64_t integer(const std::string& name, std::int64_t low = 0, std::int64_t high = MAX_INT) const;
    /// A finite number.
    double number(const std::string& name) const;
    /// An array of finite numbers.
    std::vector<double> numbers(const std::string& name) const;
    /// An array of whole numbers from 0 to MAX_INT.
    std::vector<std::int32_t> integers(const std::string& name) const;
    /// An array of anything.
    const Json& array(const std::string& name) const;
    /// An object, kept as parsed.
    const Json& object(const std::string& name) const;
    /// The object in field `name`.
    Fields child(const std::string& name) const;
    /// The objects in the array of field `name`.
    std::vector<Fields> children(const std::string& name) const;

    /// Complain that field `name` must be `rule`.
    [[noreturn]] void refuse(const std::string& name, const std::string& rule) const;

private:
    const Json* data_;
    std::string document_;
    std::string path_;  // "" or "halting." and the like
};

}  // namespace trm_edge
