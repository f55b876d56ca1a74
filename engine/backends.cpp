// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "engine/backends.h"

namespace fusilli::engine {

const BackendInfo *findBackend(Backend backend) {
  static constexpr BackendInfo backends[] = {
      {Backend::CPU, "CPU", "local-task", ""},
      {Backend::NullGPU, "NULL_GPU", "null-gpu", "null-gpu"},
  };
  for (const BackendInfo &info : backends)
    if (info.backend == backend)
      return &info;
  return nullptr;
}

} // namespace fusilli::engine
