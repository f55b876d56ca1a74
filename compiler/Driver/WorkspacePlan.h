// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Places intermediate tensors in one workspace: two that are needed at the same
// time do not overlap, others may share memory.
#ifndef COMPILER_DRIVER_WORKSPACEPLAN_H
#define COMPILER_DRIVER_WORKSPACEPLAN_H

#include <cstdint>
#include <span>
#include <vector>

namespace fusilli::compiler {

/// One tensor: `size` bytes, needed from phase `first` to phase `last`, both
/// included. Phases are the stretches of the host program between barriers;
/// kernels of one phase run at the same time.
struct LiveRange {
  uint64_t size = 0;
  unsigned first = 0;
  unsigned last = 0;
};

struct WorkspacePlan {
  std::vector<uint64_t> offsets; ///< bytes, per range, multiples of 64
  uint64_t size = 0;             ///< bytes, a multiple of 64
};

inline constexpr uint64_t kWorkspaceAlignment = 64;

/// Largest first, each at the lowest offset where it fits. Deterministic.
/// The sum of all sizes is below 2^63.
WorkspacePlan planWorkspace(std::span<const LiveRange> ranges);

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_WORKSPACEPLAN_H
