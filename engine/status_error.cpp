// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public error object from the runtime's C status.
#include "engine/status_error.h"

namespace fusilli {

ErrorObject detail::errorFromStatus(iree_status_t status) {
  return engine::toErrorObject(
      Status::adopt(reinterpret_cast<uintptr_t>(status)));
}

ErrorObject::ErrorObject(iree_status_t status)
    : ErrorObject(detail::errorFromStatus(status)) {}

} // namespace fusilli
