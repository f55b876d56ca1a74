// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Order between asynchronous executions.

#ifndef FUSILLI_BACKEND_FENCE_H
#define FUSILLI_BACKEND_FENCE_H

#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <chrono>
#include <memory>
#include <span>

namespace fusilli {

namespace detail {
struct EngineAccess;
} // namespace detail

/// A point in time that work waits for, or reaches: once, for good. A failure
/// of the work that should reach it is what its waiters get.
///
///     FUSILLI_ASSIGN_OR_RETURN(Fence done, Fence::create());
///     FUSILLI_CHECK_ERROR(
///         graph.executeAsync(handle, pack, workspace, Fence(), done));
///     FUSILLI_CHECK_ERROR(done.wait());
///
/// Copies are the same fence. Thread safety: thread-safe; a wait may begin
/// before whoever signals is known.
class FUSILLI_EXPORT Fence {
public:
  /// The null fence: reached already; as a signal it tells nobody.
  Fence() = default;
  /// A fence that is not reached yet. RuntimeFailure when out of memory.
  static ErrorOr<Fence> create();
  /// Reached when all of `fences` are; the null fence for none.
  static ErrorOr<Fence> join(std::span<const Fence> fences);

  /// Whether it is the null fence.
  bool isNull() const { return impl_ == nullptr; }
  /// Whether it is reached, without waiting. RuntimeFailure, with its text, if
  /// what should have reached it failed.
  ErrorOr<bool> isReached() const;
  /// Blocks until it is reached. RuntimeFailure as isReached.
  ErrorObject wait() const;
  /// The same for at most `timeout`; RuntimeFailure ("DEADLINE_EXCEEDED") when
  /// that is over.
  ErrorObject waitFor(std::chrono::nanoseconds timeout) const;
  /// Reaches it from the host. RuntimeFailure if it is reached or has failed,
  /// or is a joined fence whose points others reach; OK for the null fence.
  ErrorObject signal();

private:
  friend struct detail::EngineAccess;
  struct Impl;
  explicit Fence(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

} // namespace fusilli

#endif // FUSILLI_BACKEND_FENCE_H
