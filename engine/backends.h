// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends of this build: the one table that joins the public enumeration
// with drivers and compile targets.
#ifndef ENGINE_BACKENDS_H
#define ENGINE_BACKENDS_H

#include "fusilli/backend/backend.h"

#include <string_view>

namespace fusilli::engine {

struct BackendInfo {
  Backend backend;
  /// As artifacts name it.
  std::string_view name;
  std::string_view driver;
  /// The only compile target; empty: what FUSILLI_TARGET says, or "host".
  std::string_view target;
};

/// Null for a backend that this build lacks.
const BackendInfo *findBackend(Backend backend);

} // namespace fusilli::engine

#endif // ENGINE_BACKENDS_H
