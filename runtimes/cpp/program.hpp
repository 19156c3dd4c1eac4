// An open ExecuTorch program (.pte): its methods, by name.
//
// Knows ExecuTorch's Module and thread pool; knows nothing about bundles, recursion or puzzles.
#pragma once

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace trm_edge {

/// Dtype and sizes of a tensor.
struct TensorType {
    executorch::aten::ScalarType dtype;
    std::vector<executorch::aten::SizesType> sizes;

    bool operator==(const TensorType& other) const { return dtype == other.dtype && sizes == other.sizes; }
    std::size_t count() const;
};

/// What a method takes and gives, in order.
struct Signature {
    std::vector<TensorType> inputs, outputs;

    bool operator==(const Signature& other) const { return inputs == other.inputs && outputs == other.outputs; }
};

/// Size of the thread pool of the process, calling thread included. Call it before any program is opened.
void set_threads(std::uint32_t count);

class Program {
public:
    /// Open a file whose methods must be those of `wanted`, and load them: XNNPACK packs its weights now.
    /// Throws Error: no program, damaged, or with other methods.
    Program(const std::filesystem::path& path, const std::map<std::string, Signature>& wanted);

    /// Call a method. The results are the program's memory: copy them before the method is called again.
    /// Throws Error where it fails.
    std::vector<executorch::runtime::EValue> call(const std::string& method,
                                                  const std::vector<executorch::runtime::EValue>& inputs);

private:
    Signature signature(const std::string& method);

    executorch::extension::Module module_;
};

}  // namespace trm_edge
