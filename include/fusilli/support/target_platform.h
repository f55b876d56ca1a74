// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operating system, and the environment variables of the process.

#ifndef FUSILLI_SUPPORT_TARGET_PLATFORM_H
#define FUSILLI_SUPPORT_TARGET_PLATFORM_H

#include <fusilli/support/export.h>

#if defined(__linux__)
#define FUSILLI_PLATFORM_LINUX 1
#elif defined(_WIN32)
#define FUSILLI_PLATFORM_WINDOWS 1
#else
#error "fusilli supports Linux and Windows only"
#endif

namespace fusilli {

/// Sets environment variable `name` to `value`, replacing any earlier value.
/// Returns 0 on success. Not safe while other threads read the environment.
FUSILLI_EXPORT int setEnv(const char *name, const char *value);

/// Removes environment variable `name`. Returns 0 on success, also when it was
/// not set. Not safe while other threads read the environment.
FUSILLI_EXPORT int unsetEnv(const char *name);

} // namespace fusilli

#endif // FUSILLI_SUPPORT_TARGET_PLATFORM_H
