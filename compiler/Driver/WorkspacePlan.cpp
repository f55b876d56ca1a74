// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Greedy packing by size, the usual near-optimal heuristic for tensor arenas.
#include "compiler/Driver/WorkspacePlan.h"

#include <algorithm>
#include <numeric>

namespace fusilli::compiler {

namespace {

uint64_t align(uint64_t bytes) {
  return (bytes + kWorkspaceAlignment - 1) & ~(kWorkspaceAlignment - 1);
}

} // namespace

WorkspacePlan planWorkspace(std::span<const LiveRange> ranges) {
  WorkspacePlan plan;
  plan.offsets.assign(ranges.size(), 0);
  std::vector<size_t> order(ranges.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return ranges[a].size != ranges[b].size ? ranges[a].size > ranges[b].size
                                            : a < b;
  });
  std::vector<size_t> placed; // by offset
  for (size_t i : order) {
    uint64_t offset = 0;
    for (size_t other : placed) {
      const LiveRange &range = ranges[other];
      if (range.last < ranges[i].first || ranges[i].last < range.first)
        continue;
      if (offset + align(ranges[i].size) <= plan.offsets[other])
        break;
      offset = std::max(offset, plan.offsets[other] + align(range.size));
    }
    plan.offsets[i] = offset;
    plan.size = std::max(plan.size, offset + align(ranges[i].size));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) {
                                     return plan.offsets[a] < plan.offsets[b];
                                   }),
                  i);
  }
  return plan;
}

} // namespace fusilli::compiler
