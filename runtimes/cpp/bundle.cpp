#include "bundle.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "error.hpp"
#include "sha256.hpp"

namespace trm_edge {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t MAX_MANIFEST_BYTES = 4 << 20;
constexpr std::int64_t MAX_GOLDEN_BYTES = 64 << 20;
constexpr std::size_t CHUNK = 1 << 18;

/// `path` in quotes, without what controls a terminal.
std::string shown(const fs::path& path) {
    std::string text = path.string();
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return "'" + text + "'";
}

struct Descriptor {
    ~Descriptor() {
        if (number >= 0) close(number);
    }
    int number;
};

/// An open regular file: neither a link, which could lead out of the bundle, nor a pipe, which would hang.
class RegularFile {
public:
    explicit RegularFile(fs::path path)
        : path_(std::move(path)), file_{open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)} {
        struct stat status{};
        const bool is_link = file_.number < 0 && errno == ELOOP;
        if (!is_link && (file_.number < 0 || fstat(file_.number, &status) != 0)) fail();
        if (is_link || !S_ISREG(status.st_mode)) {
            throw Error(shown(path_) + " is not a regular file: links are not allowed in a bundle");
        }
        size_ = status.st_size;
    }
    RegularFile(const RegularFile&) = delete;
    RegularFile& operator=(const RegularFile&) = delete;

    std::int64_t size() const { return size_; }

    /// The next bytes, none at the end of the file. Valid until the next call.
    std::string_view next() {
        const ssize_t count = read(file_.number, buffer_.data(), buffer_.size());
        if (count < 0) fail();
        return {buffer_.data(), static_cast<std::size_t>(count)};
    }

private:
    [[noreturn]] void fail() const { throw Error("Cannot read " + shown(path_) + ": " + std::strerror(errno)); }

    fs::path path_;
    Descriptor file_;
    std::int64_t size_ = 0;
    std::vector<char> buffer_ = std::vector<char>(CHUNK);
};

std::string read_text(const fs::path& path, std::int64_t limit) {
    RegularFile file(path);
    std::string text;
    for (std::string_view bytes = file.next(); !bytes.empty(); bytes = file.next()) {
        text += bytes;
        if (static_cast<std::int64_t>(text.size()) > limit) {
            throw Error("'" + path.filename().string() + "' is larger than " + std::to_string(limit) + " bytes");
        }
    }
    return text;
}

std::string manifest_text(const fs::path& folder) {
    std::error_code ignored;
    if (folder.extension() == ".zip" && fs::is_regular_file(folder, ignored)) {
        throw Error(shown(folder) + " is an archive: unpack it, and name the folder");
    }
    if (!fs::is_directory(folder, ignored)) {
        throw Error("No bundle at " + shown(folder) + ": expected a folder that 'trm-edge export' wrote");
    }
    if (!fs::exists(fs::symlink_status(folder / MANIFEST, ignored))) {
        throw Error(shown(folder) + " is not a bundle: it has no " + MANIFEST);
    }
    return read_text(folder / MANIFEST, MAX_MANIFEST_BYTES);
}

void check_listing(const fs::path& folder, const Manifest& manifest) {
    std::set<std::string> present;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        present.insert(entry.path().filename().string());
    }
    for (const auto& [name, entry] : manifest.files) {
        if (present.count(name) == 0) {
            throw Error(shown(folder) + " lacks '" + name + "', which its manifest lists: copy the bundle again");
        }
    }
    for (const std::string& name : present) {
        if (manifest.files.count(name) == 0 && name != MANIFEST && !is_litter(name)) {
            throw Error(shown(folder) + " holds " + shown(name) + ", which its manifest does not list: remove it");
        }
    }
}

void check_file(const fs::path& folder, const std::string& name, const FileEntry& entry) {
    const std::string place = "'" + name + "' in " + shown(folder);
    RegularFile file(folder / name);
    if (name == GOLDEN && file.size() > MAX_GOLDEN_BYTES) {
        throw Error(place + " is " + std::to_string(file.size()) + " bytes, at most " +
                    std::to_string(MAX_GOLDEN_BYTES) + " are allowed");
    }
    if (file.size() != entry.bytes) {  // first, so that a file of the wrong size is never read to its end
        throw Error(place + " is " + std::to_string(file.size()) + " bytes, its manifest says " +
                    std::to_string(entry.bytes) + ": copy the bundle again");
    }
    Sha256 digest;
    for (std::string_view bytes = file.next(); !bytes.empty(); bytes = file.next()) {
        digest.update(bytes.data(), bytes.size());
    }
    if (digest.hex_digest() != entry.sha256) {
        throw Error(place + " does not match its SHA-256: damaged or changed, copy the bundle again");
    }
}

}  // namespace

Bundle::Bundle(fs::path folder) : folder_(std::move(folder)), manifest_(parse_manifest(manifest_text(folder_))) {
    try {
        check_listing(folder_, manifest_);
    } catch (const fs::filesystem_error& error) {
        throw Error("Cannot read " + shown(folder_) + ": " + error.code().message());
    }
    for (const auto& [name, entry] : manifest_.files) check_file(folder_, name, entry);
}

std::string Bundle::golden_text() const {
    if (manifest_.files.count(GOLDEN) == 0) {
        throw Error(shown(folder_) + " holds no " + GOLDEN + ": export it again with golden vectors");
    }
    return read_text(folder_ / GOLDEN, MAX_GOLDEN_BYTES);
}

}  // namespace trm_edge
