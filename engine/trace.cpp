// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public switch of the runtime's trace.
#include "engine/status_error.h"

#include "runtime/base/trace.h"

#include "fusilli/support/trace.h"

namespace fusilli {

ErrorObject startTrace(size_t capacity) {
  Status status = trace::start(capacity);
  ErrorCode code = ErrorCode::RuntimeFailure;
  if (status.code() == StatusCode::FailedPrecondition)
    code = ErrorCode::InternalError;
  else if (status.code() == StatusCode::InvalidArgument)
    code = ErrorCode::InvalidArgument;
  return engine::toErrorObject(std::move(status), "cannot start a trace", code);
}

ErrorObject stopTrace(const std::string &path) {
  Status status = trace::stop(path);
  ErrorCode code = status.code() == StatusCode::FailedPrecondition
                       ? ErrorCode::InternalError
                       : ErrorCode::FileSystemFailure;
  return engine::toErrorObject(std::move(status), "cannot stop a trace", code);
}

} // namespace fusilli
