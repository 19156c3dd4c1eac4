// What the system tells about this process and its machine. What it does not tell is left out.
#pragma once

#include <cstdint>
#include <optional>

#include "fields.hpp"

namespace trm_edge {

/// Bytes of this process that lie in memory now.
std::optional<std::int64_t> resident_bytes();

/// The most that ever lay there.
std::optional<std::int64_t> peak_bytes();

/// Seconds since this process was started, loading its libraries included; in hundredths, as Linux counts them.
std::optional<double> age_seconds();

/// Name of the operating system, architecture, cores: flat, as JSON.
Json machine_facts();

}  // namespace trm_edge
