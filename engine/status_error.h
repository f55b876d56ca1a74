// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place where a Status of the layers below becomes the ErrorObject of
// the public interface.
#ifndef ENGINE_STATUS_ERROR_H
#define ENGINE_STATUS_ERROR_H

#include "support/status.h"

#include "fusilli/support/logging.h"

#include <string_view>

namespace fusilli::engine {

/// OK stays OK; anything else becomes `code` with the status's text, behind
/// `what` and a colon when that is given. Consumes the status.
inline ErrorObject toErrorObject(Status status, std::string_view what = {},
                                 ErrorCode code = ErrorCode::RuntimeFailure) {
  if (status.isOk())
    return ok();
  std::string text(what);
  if (!text.empty())
    text += ": ";
  return error(code, text + status.toString());
}

} // namespace fusilli::engine

/// FUSILLI_STATUS_ASSIGN for functions that give an ErrorObject or ErrorOr.
#define FUSILLI_ENGINE_ASSIGN(decl, expr)                                      \
  auto FUSILLI_STATUS_CONCAT(engineResult_, __LINE__) = (expr);                \
  if (!FUSILLI_STATUS_CONCAT(engineResult_, __LINE__).isOk()) [[unlikely]]     \
    return ::fusilli::engine::toErrorObject(                                   \
        std::move(FUSILLI_STATUS_CONCAT(engineResult_, __LINE__)).status());   \
  decl = *std::move(FUSILLI_STATUS_CONCAT(engineResult_, __LINE__))

#endif // ENGINE_STATUS_ERROR_H
