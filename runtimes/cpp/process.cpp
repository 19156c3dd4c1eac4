#include "process.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace trm_edge {
namespace {

/// A field of /proc/self/status that counts kilobytes.
std::optional<std::int64_t> status_bytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind(name + ":", 0) == 0) return 1024 * std::stoll(line.substr(name.size() + 1));
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> resident_bytes() { return status_bytes("VmRSS"); }

std::optional<std::int64_t> peak_bytes() { return status_bytes("VmHWM"); }

std::optional<double> age_seconds() {
    std::ifstream file("/proc/self/stat");
    std::string text;
    timespec now{};
    if (!std::getline(file, text) || clock_gettime(CLOCK_BOOTTIME, &now) != 0) return std::nullopt;
    std::istringstream fields(text.substr(text.rfind(')') + 1));  // the program's name may hold anything
    std::string field;
    for (int number = 3; number <= 22; ++number) fields >> field;
    if (!fields) return std::nullopt;
    const double started = std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) - started;
}

Json machine_facts() {
    Json facts = Json::object();
    utsname names{};
    if (uname(&names) == 0) {
        facts["os"] = std::string(names.sysname) + " " + names.release;
        facts["architecture"] = names.machine;
    }
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > 0) facts["cores"] = cores;
    return facts;
}

}  // namespace trm_edge
