// Halting policies of the runner: when a puzzle stops stepping. Of the grammar in docs/halting.md it knows
//
//     "fixed" [":" steps] | "act" [":" args],    args = ("threshold=" number | "min=" step) {"," the other one}
//
// Knows nothing about programs. The step budget is the solver's, not the policy's.
#pragma once

#include <cstdint>
#include <string>

#include "manifest.hpp"

namespace trm_edge {

/// "act" halts when the halting logit is greater than the threshold, from `min_steps` on; "fixed" after `fixed_steps`.
struct Policy {
    bool act = true;
    float threshold = 0;
    std::int64_t min_steps = 1;
    std::int64_t fixed_steps = 0;  // 0: never, the budget ends it

    /// Whether a puzzle halts after `step` (counted from 1) with halting logit `q_halt`.
    bool halts(std::int64_t step, float q_halt) const {
        return act ? q_halt > threshold && step >= min_steps : fixed_steps != 0 && step >= fixed_steps;
    }
};

/// Read a policy; spaces do not count. Throws Error: not of the grammar.
Policy parse_policy(const std::string& given);

/// The policy as parse_policy reads it.
std::string described(const Policy& policy);

/// The policy a bundle asks for; its threshold and first step apply to a plain "act".
Policy default_policy(const HaltingDefaults& halting);

/// A finite float32 number. Throws Error, in which `what` is named.
float parse_number(const std::string& what, const std::string& text);

/// A whole number in `low..high`. Throws Error, in which `what` is named.
std::int64_t parse_whole(const std::string& what, const std::string& text, std::int64_t low, std::int64_t high);

}  // namespace trm_edge
