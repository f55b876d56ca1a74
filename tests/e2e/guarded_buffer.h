// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers over host memory with a guard zone on each side, for every dtype, and
// handles with a given number of threads.

#ifndef TESTS_E2E_GUARDED_BUFFER_H
#define TESTS_E2E_GUARDED_BUFFER_H

#include <fusilli.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fusilli::e2e {

/// A handle whose worker pool has `threads` threads; made once per number.
const Handle &handleWithThreads(int threads);

/// Memory for one tensor. The memory outlives the Buffer by reference.
class GuardedBuffer {
public:
  /// `bytes` of content, `misalignment` bytes behind a 64-byte boundary.
  GuardedBuffer(size_t bytes, size_t misalignment);

  std::span<uint8_t> content() { return {begin_, size_}; }
  /// Whether all bytes before and behind the content are as they were.
  bool guardsIntact() const;
  /// A buffer over the content, of the tensor's physical shape (a view's span)
  /// and dtype, for the device of `handle`.
  ErrorOr<std::shared_ptr<Buffer>> makeBuffer(const Handle &handle,
                                              const TensorAttr &tensor);

private:
  static constexpr size_t kGuard = 256;
  std::shared_ptr<std::vector<uint8_t>> memory_;
  uint8_t *begin_;
  size_t size_;
};

} // namespace fusilli::e2e

#endif // TESTS_E2E_GUARDED_BUFFER_H
