// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's version: part of the cache key, written into artifacts.
#ifndef COMPILER_DRIVER_VERSION_H
#define COMPILER_DRIVER_VERSION_H

#include <string>

namespace fusilli::compiler {

/// The project's version, a plus sign, and the start of this library's build
/// id, so that two builds with different code never share cache entries.
/// Without a build id only the version.
///
/// Thread safety: thread-safe.
const std::string &getCompilerVersion();

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_VERSION_H
