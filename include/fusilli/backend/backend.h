// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kinds of device, and the compiler flags of each.

#ifndef FUSILLI_BACKEND_BACKEND_H
#define FUSILLI_BACKEND_BACKEND_H

#include <fusilli/support/export.h>

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace fusilli {

/// A kind of device. More are only ever appended. NullGPU is a device for tests
/// of programs that are to run on GPUs: its memory is reached by transfers
/// only, and it computes element-wise f32 graphs, slowly.
enum class Backend : uint8_t { CPU, AMDGPU, NullGPU };

/// Text of each backend.
inline const std::unordered_map<Backend, std::string> kBackendToStr = {
    {Backend::CPU, "CPU"},
    {Backend::AMDGPU, "AMDGPU"},
    {Backend::NullGPU, "NULL_GPU"},
};

/// Whether `Graph::execute` returns before the work is done.
inline const std::unordered_map<Backend, bool> kBackendExecuteAsync = {
    {Backend::CPU, false},
    {Backend::AMDGPU, true},
    {Backend::NullGPU, false},
};

/// Prints `CPU`, `AMDGPU`, or `UNKNOWN_BACKEND` for no known backend.
FUSILLI_EXPORT std::ostream &operator<<(std::ostream &os, Backend backend);

/// The words of `flags`: separated by white space; double quotes group and are
/// removed, with backslash escapes inside; single quotes are ordinary. Empty
/// for null.
FUSILLI_EXPORT std::vector<std::string> parseCompilerFlags(const char *flags);

/// The compiler flags of `backend` and those of the environment variable
/// FUSILLI_EXTRA_COMPILER_FLAGS; computed once per process, thread-safe.
FUSILLI_EXPORT std::span<const std::string> getBackendFlags(Backend backend);

/// The product in the marketing name of an AMD GPU, in lower case and without
/// spaces (`AMD Instinct MI300X` gives `mi300x`); empty if none is known.
FUSILLI_EXPORT std::string
getGpuSkuFromMarketingName(const std::string &marketingName);

} // namespace fusilli

#endif // FUSILLI_BACKEND_BACKEND_H
