// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread for one compile. Passes recurse as deep as a graph is long; the
// caller's stack may be small, and this one is not.
#ifndef COMPILER_DRIVER_COMPILETHREAD_H
#define COMPILER_DRIVER_COMPILETHREAD_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstddef>
#include <optional>
#include <string>

namespace fusilli::compiler {

inline constexpr size_t kCompileStackBytes = size_t{8} << 20;

/// Runs `body` on a thread of its own with a stack of kCompileStackBytes and
/// the default floating-point environment, and returns when it is done. No
/// signal that can be blocked is delivered there. An error text if there is no
/// such thread to be had; `body` has not run then.
///
/// Thread safety: thread-safe.
std::optional<std::string> runOnCompileThread(llvm::function_ref<void()> body);

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_COMPILETHREAD_H
