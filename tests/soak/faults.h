// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Failures on request, and the count of who got them. Allocation failures are
// per thread, so that an error which nobody asked for can be told from one that
// was; fault points are for the whole process and name themselves in their
// text.
#ifndef TESTS_SOAK_FAULTS_H
#define TESTS_SOAK_FAULTS_H

#include "support/fault.h"
#include "support/host_allocator.h"

#include <fusilli/support/logging.h>

#include <random>

namespace fusilli::soak {

/// The runtime's host allocator during a soak.
/// Thread safety: thread-safe.
class FaultyAllocator final : public HostAllocator {
public:
  void *allocate(size_t size, size_t alignment) noexcept override;
  void deallocate(void *pointer, size_t alignment) noexcept override;

  AllocationCounts counts() const noexcept { return counting_.counts(); }
  uint64_t failures() const noexcept { return failures_.load(); }

  /// The n-th allocation of this thread from now on fails, once; 0: none.
  static void failNthOfThisThread(uint64_t n) noexcept;
  /// Whether that has happened since.
  static bool failedThisThread() noexcept;

private:
  CountingAllocator counting_;
  std::atomic<uint64_t> failures_{0};
};

/// Arms one of the fault points that a running process can meet, once.
void armRandomFault(std::mt19937_64 &random);
void disarmFaults();
/// Failures that fault points have given since the process began.
uint64_t faultPointFailures();

/// Whether this error is one that was asked for.
bool isInjected(const ErrorObject &error);

} // namespace fusilli::soak

#endif // TESTS_SOAK_FAULTS_H
