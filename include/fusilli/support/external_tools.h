// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where external tools are found: an environment variable first (an empty value
// counts as unset), then the path the build was given, then the bare tool name.

#ifndef FUSILLI_SUPPORT_EXTERNAL_TOOLS_H
#define FUSILLI_SUPPORT_EXTERNAL_TOOLS_H

#include <fusilli/support/export.h>

#include <string>

namespace fusilli {

/// The compiler executable; environment: FUSILLI_EXTERNAL_IREE_COMPILE.
FUSILLI_EXPORT std::string getIreeCompilePath();

/// The compiler library; environment: FUSILLI_EXTERNAL_IREE_COMPILER_LIB.
FUSILLI_EXPORT std::string getIreeCompilerLibPath();

/// Environment: FUSILLI_EXTERNAL_ROCM_AGENT_ENUMERATOR.
FUSILLI_EXPORT std::string getRocmAgentEnumeratorPath();

/// Environment: FUSILLI_EXTERNAL_AMD_SMI.
FUSILLI_EXPORT std::string getAmdSmiPath();

} // namespace fusilli

#endif // FUSILLI_SUPPORT_EXTERNAL_TOOLS_H
