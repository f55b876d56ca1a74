// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs shell commands and captures what they print.

#ifndef FUSILLI_SUPPORT_PROCESS_H
#define FUSILLI_SUPPORT_PROCESS_H

#include <fusilli/support/export.h>

#include <cstdio>
#include <optional>
#include <string>

namespace fusilli {

/// Closes a stream that was opened by `popen`.
struct FUSILLI_EXPORT PopenDeleter {
  void operator()(FILE *stream) const;
};

/// Runs `cmd` through the shell, waits for its end and returns what it wrote to
/// standard output, whatever its exit code. Nothing only if the pipe to the
/// shell cannot be opened.
FUSILLI_EXPORT std::optional<std::string> execCommand(const std::string &cmd);

} // namespace fusilli

#endif // FUSILLI_SUPPORT_PROCESS_H
