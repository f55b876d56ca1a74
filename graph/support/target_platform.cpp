// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Environment variables of the process.

#include <fusilli/support/target_platform.h>

#include <cstdlib>

namespace fusilli {

#if defined(FUSILLI_PLATFORM_WINDOWS)
int setEnv(const char *name, const char *value) {
  return _putenv_s(name, value);
}
int unsetEnv(const char *name) { return _putenv_s(name, ""); }
#else
int setEnv(const char *name, const char *value) {
  return setenv(name, value, 1);
}
int unsetEnv(const char *name) { return unsetenv(name); }
#endif

} // namespace fusilli
