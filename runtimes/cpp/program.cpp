#include "program.hpp"

#include <executorch/runtime/platform/platform.h>
#include <executorch/runtime/platform/runtime.h>

#include <cstdio>

#include "error.hpp"

// The wheel's libexecutorch_threadpool.so exports the pool, but the wheel lacks the header that declares it. These are
// the declarations of extension/threadpool/threadpool.h that are needed here.
namespace executorch::extension::threadpool {
class ThreadPool {
public:
    bool _unsafe_reset_threadpool(std::uint32_t count);  // "unsafe" while a method runs
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace trm_edge {
namespace {

using executorch::aten::ScalarType;
using executorch::runtime::EValue;
using executorch::runtime::Result;

std::string last_message;  // ExecuTorch logs why it refuses a program, and returns a bare code

void keep_message(et_timestamp_t, et_pal_log_level_t level, const char*, const char*, std::size_t, const char* message,
                  std::size_t length) {
    if (level == kError || level == kFatal) last_message.assign(message, length);
    if (level == kFatal) std::fprintf(stderr, "trm-edge-run: %s\n", last_message.c_str());  // abort() follows
}

const bool messages_are_kept =
    executorch::runtime::register_pal(executorch::runtime::PalImpl::create(keep_message, __FILE__));

[[noreturn]] void fail(const std::string& what, executorch::runtime::Error code) {
    throw Error("executorch " + what + ": " + executorch::runtime::to_string(code) +
                (last_message.empty() ? "" : " (" + last_message + ")"));
}

template <typename T>
T unwrap(Result<T> result, const std::string& what) {
    if (!result.ok()) fail(what, result.error());
    return std::move(result.get());
}

std::string described(const std::vector<TensorType>& tensors) {
    std::string text;
    for (const TensorType& tensor : tensors) {
        std::string sizes;
        for (const auto size : tensor.sizes) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
        const char* dtype = tensor.dtype == ScalarType::Int     ? "int32"
                            : tensor.dtype == ScalarType::Float ? "float32"
                                                                : executorch::runtime::toString(tensor.dtype);
        text += (text.empty() ? "" : ", ") + std::string(dtype) + " [" + sizes + "]";
    }
    return text;
}

std::string described(const Signature& signature) {
    return described(signature.inputs) + " -> " + described(signature.outputs);
}

TensorType tensor_type(const executorch::runtime::TensorInfo& info) {
    return {info.scalar_type(), {info.sizes().begin(), info.sizes().end()}};
}

}  // namespace

std::size_t TensorType::count() const {
    std::size_t count = 1;
    for (const auto size : sizes) count *= static_cast<std::size_t>(size);
    return count;
}

void set_threads(std::uint32_t count) {
    if (!executorch::extension::threadpool::get_threadpool()->_unsafe_reset_threadpool(count)) {
        throw Error("executorch cannot use " + std::to_string(count) + " threads");
    }
}

Program::Program(const std::filesystem::path& path, const std::map<std::string, Signature>& wanted)
    : module_(path.string(), executorch::extension::Module::LoadMode::Mmap) {
    const std::string place = "'" + path.string() + "'";
    const auto loaded = module_.load(executorch::runtime::Program::Verification::InternalConsistency);
    if (loaded != executorch::runtime::Error::Ok) fail("cannot load " + place, loaded);
    const auto names = unwrap(module_.method_names(), "cannot list the methods of " + place);
    for (const auto& [name, expected] : wanted) {
        if (names.count(name) == 0) throw Error("The program lacks the method '" + name + "' of its manifest's model");
        const Signature given = signature(name);
        if (!(given == expected)) {
            throw Error("The program's method '" + name + "' is " + described(given) + ", its manifest says " +
                        described(expected));
        }
    }
    if (names.size() != wanted.size()) throw Error("The program has methods that its manifest's model does not call");
    for (const auto& [name, expected] : wanted) {
        const auto code = module_.load_method(name);
        if (code != executorch::runtime::Error::Ok) fail("cannot load the method '" + name + "' of " + place, code);
    }
}

std::vector<EValue> Program::call(const std::string& method, const std::vector<EValue>& inputs) {
    return unwrap(module_.execute(method, inputs), "could not run '" + method + "'");
}

Signature Program::signature(const std::string& method) {
    const std::string what = "cannot read the tensors of '" + method + "'";
    const auto meta = unwrap(module_.method_meta(method), what);
    Signature signature;
    for (std::size_t i = 0; i < meta.num_inputs(); ++i) {
        signature.inputs.push_back(tensor_type(unwrap(meta.input_tensor_meta(i), what)));
    }
    for (std::size_t i = 0; i < meta.num_outputs(); ++i) {
        signature.outputs.push_back(tensor_type(unwrap(meta.output_tensor_meta(i), what)));
    }
    return signature;
}

}  // namespace trm_edge
