#include "policy.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "error.hpp"

namespace trm_edge {
namespace {

constexpr std::int64_t MAX_STEPS = 999'999'999;

Policy parse_act(const std::string& arguments) {
    Policy policy;
    bool has_threshold = false, has_min = false;
    std::istringstream rest(arguments + ",");  // the last argument ends like the others
    for (std::string argument; std::getline(rest, argument, ',');) {
        if (argument.rfind("threshold=", 0) == 0 && !has_threshold) {
            has_threshold = true;
            policy.threshold = parse_number("act:threshold", argument.substr(10));
        } else if (argument.rfind("min=", 0) == 0 && !has_min) {
            has_min = true;
            policy.min_steps = parse_whole("act:min", argument.substr(4), 1, MAX_STEPS);
        } else {
            throw Error("Halting policy act: '" + argument + "' is not one threshold= or one min=");
        }
    }
    return policy;
}

}  // namespace

Policy parse_policy(const std::string& given) {
    std::string text = given;
    const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
    text.erase(std::remove_if(text.begin(), text.end(), is_space), text.end());
    if (text == "act") return {};
    if (text.rfind("act:", 0) == 0) return parse_act(text.substr(4));
    Policy fixed;
    fixed.act = false;
    if (text == "fixed") return fixed;
    if (text.rfind("fixed:", 0) == 0) {
        fixed.fixed_steps = parse_whole("fixed", text.substr(6), 1, MAX_STEPS);
        return fixed;
    }
    throw Error("This runner has no halting policy '" + text.substr(0, 40) +
                "'. Examples: act, act:threshold=0.5,min=2, fixed, fixed:8");
}

std::string described(const Policy& policy) {
    if (!policy.act) return policy.fixed_steps == 0 ? "fixed" : "fixed:" + std::to_string(policy.fixed_steps);
    std::ostringstream text;
    text << "act";
    if (policy.threshold != 0) text << ":threshold=" << policy.threshold;
    if (policy.min_steps != 1) text << (policy.threshold != 0 ? ",min=" : ":min=") << policy.min_steps;
    return text.str();
}

Policy default_policy(const HaltingDefaults& halting) {
    Policy policy = parse_policy(halting.policy);
    if (policy.act && policy.threshold == 0 && policy.min_steps == 1) {  // a plain "act"
        policy.threshold = static_cast<float>(halting.threshold);
        policy.min_steps = halting.min_steps;
    }
    return policy;
}

float parse_number(const std::string& what, const std::string& text) {
    char* end = nullptr;
    const bool is_decimal = !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string::npos;
    const double value = is_decimal ? std::strtod(text.c_str(), &end) : 0;
    if (!is_decimal || *end != '\0' || !(std::abs(value) <= std::numeric_limits<float>::max())) {
        throw Error(what + " must be a number that float32 holds, not '" + text + "'");
    }
    return static_cast<float>(value);
}

std::int64_t parse_whole(const std::string& what, const std::string& text, std::int64_t low, std::int64_t high) {
    const bool has_digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    const bool is_whole = has_digits && text.size() < 11;  // longer would not fit
    const std::int64_t value = is_whole ? std::strtoll(text.c_str(), nullptr, 10) : low - 1;
    if (value < low || value > high) {
        throw Error(what + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
                    ", not '" + text + "'");
    }
    return value;
}

}  // namespace trm_edge
