// Reading a bundle safely: a folder with a manifest, a program and golden vectors.
//
// Knows files, hashes and caps. Files are taken to be hostile: names stay inside the bundle, sizes are capped before
// anything is read, and every byte is hashed before ExecuTorch sees it. The counterpart of trm_edge/bundle/reader.py.
#pragma once

#include <filesystem>
#include <string>

#include "manifest.hpp"

namespace trm_edge {

/// A bundle whose files have been checked.
class Bundle {
public:
    /// Open the folder and check the size and SHA-256 of every file in it. Throws Error: no bundle, damaged, tampered
    /// with, unsafe or too new, or a system error.
    explicit Bundle(std::filesystem::path folder);

    const Manifest& manifest() const { return manifest_; }

    /// The program.
    std::filesystem::path model_path() const { return folder_ / manifest_.model_file; }

    /// The text of golden.json. Throws Error where the bundle has none.
    std::string golden_text() const;

private:
    std::filesystem::path folder_;
    Manifest manifest_;
};

}  // namespace trm_edge
