// SHA-256 (FIPS 180-4), so that a device needs no library of cryptography to check a bundle.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace trm_edge {

/// The digest of bytes that come in pieces.
class Sha256 {
public:
    /// Take in `size` bytes at `data`.
    void update(const void* data, std::size_t size);

    /// 64 lower-case hexadecimal digits. Ends the digest: call it once, last.
    std::string hex_digest();

private:
    void compress(const std::uint8_t* block);

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> block_{};
    std::uint64_t bytes_ = 0;  // taken in so far
};

}  // namespace trm_edge
