// The one exception of the runner: a line that says what was given, what is allowed and how to mend it.
#pragma once

#include <stdexcept>
#include <string>

namespace trm_edge {

/// Bad input, a damaged bundle, or a program that cannot run. what() is one line.
class Error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace trm_edge
