// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A graph's execution with everything decided beforehand.

#ifndef FUSILLI_GRAPH_BOUND_CALL_H
#define FUSILLI_GRAPH_BOUND_CALL_H

#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/backend/buffer.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <memory>

namespace fusilli {

/// What `Graph::bind` gives: the loaded program with checked buffers, for loops
/// that call the same graph millions of times. Keeps program, device and
/// buffers alive; loading the graph again does not change it.
///
///     FUSILLI_ASSIGN_OR_RETURN(BoundCall call,
///                              graph.bind(handle, pack, workspace));
///     for (int i = 0; i < steps; ++i)
///       FUSILLI_CHECK_ERROR(call.execute());
///
/// Thread safety: belongs to one thread at a time; different calls of one
/// graph may run at once on outputs and workspaces of their own.
class FUSILLI_EXPORT BoundCall {
public:
  BoundCall(BoundCall &&other) noexcept;
  BoundCall &operator=(BoundCall &&other) noexcept;
  BoundCall(const BoundCall &) = delete;
  BoundCall &operator=(const BoundCall &) = delete;
  ~BoundCall();

  /// Runs; done on return (CPU). No lookup, no check, no allocation.
  /// RuntimeFailure when a kernel fails; NotCompiled after a move.
  ErrorObject execute();

  /// Uses another buffer for `tensor` from now on. VariantPackError if the
  /// tensor is no argument of the program or the buffer is null;
  /// InvalidArgument or RuntimeFailure, as `Graph::execute`, if it does not
  /// fit: the old one stays then.
  ErrorObject setBuffer(const std::shared_ptr<TensorAttr> &tensor,
                        const std::shared_ptr<Buffer> &buffer);

private:
  friend class Graph;
  struct Impl;
  explicit BoundCall(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace fusilli

#endif // FUSILLI_GRAPH_BOUND_CALL_H
