// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether this process is the one that something was made in: after fork the
// child has copies of all objects and none of their threads.
#ifndef RUNTIME_BASE_FORK_H
#define RUNTIME_BASE_FORK_H

#include <cstdint>

namespace fusilli {

/// Another number in a child process than in its parent, from the first call
/// on. Thread-safe.
uint32_t forkGeneration() noexcept;

} // namespace fusilli

#endif // RUNTIME_BASE_FORK_H
