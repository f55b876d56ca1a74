// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weighs what a tile computes usefully against the cycles of one step.

#include "compiler/Codegen/CPU/RegisterTile.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

namespace fusilli::compiler {

RegisterTile chooseRegisterTile(int64_t m, int64_t n, int64_t lanes,
                                const TargetInfo &target) {
  RegisterTile tile;
  // One register for the word of A.
  int64_t registers =
      target.numVectorRegisters - 1 - (target.numVectorRegisters <= 16);
  double best = 0;
  int64_t maxVectors = std::clamp<int64_t>(llvm::divideCeil(n, lanes), 1, 4);
  for (int64_t v = 1; v <= maxVectors; ++v) {
    int64_t limit = std::min<int64_t>((registers - v) / v, 14);
    if (v == 4)
      limit = std::min<int64_t>(limit, 6);
    for (int64_t r = 1; r <= std::min(limit, std::max<int64_t>(m, 1)); ++r) {
      // Useful part of what is computed, times how close the inner loop comes
      // to two products a cycle: it needs some 10 in flight and may load two
      // operands a cycle.
      double usefulN = double(n) / (llvm::divideCeil(n, v * lanes) * v * lanes);
      double usefulM = double(m) / (llvm::divideCeil(m, r) * r);
      double products = r * v;
      double cycles = std::max({products, 10.0, 1.15 * (r + v)});
      double score = usefulN * usefulM * products / (cycles + 0.15 * (r + v));
      if (score > best * 1.001) {
        best = score;
        tile.rows = r;
        tile.vectors = v;
      }
    }
  }
  return tile;
}

} // namespace fusilli::compiler
