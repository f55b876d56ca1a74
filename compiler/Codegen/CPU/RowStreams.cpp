// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of tensors that no cache holds. Phases that work from the cache leave
// the memory idle, so the second one reads the next row ahead; where rows lie
// side by side the hardware does not see that the same columns come next.

#include "compiler/Codegen/CPU/RowEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

constexpr int64_t kLineBytes = 64;
/// Strides from which on the hardware does not follow.
constexpr int64_t kFarBytes = 4096;
/// Reduced positions between a read and what is read ahead of it.
constexpr int64_t kPositionsAhead = 8;
/// The caches that a line is fetched into: both levels, or the second alone.
constexpr unsigned kNear = 3, kFar = 2;

} // namespace

bool RowLoops::isStreamed() const {
  return model.isStatic() && model.getBytes(accesses) > kStreamBytes;
}

bool RowLoops::areStoresAligned(int64_t lanes) const {
  const LoopGroup &vector = (vectorReduced ? reducedGroups : keptGroups).back();
  bool any = false;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    if (!isFullShape(i))
      continue;
    std::optional<Access> store =
        model.getAccess(model.getResultBinding(i), model.getResultPosition(i));
    auto isAligned = [&](const Extent &extent) {
      return extent.isStatic() && extent.get() % lanes == 0;
    };
    if (!store || !isAligned(store->offset) ||
        !coefficientOf(*store, vector).is(1))
      return false;
    for (const auto *groups : {&keptGroups, &reducedGroups})
      for (const LoopGroup &g : *groups)
        if (&g != &vector && !isAligned(coefficientOf(*store, g)))
          return false;
    any = true;
  }
  return any;
}

void RowEmitter::readAhead(unsigned number, const Space &space, unsigned copy) {
  if (!isStreamed || number != (vectorReduced ? 1 : 0) ||
      (vectorReduced && keptGroups.empty()))
    return;
  // A phase that comes between still needs the row in the first level.
  unsigned locality = vectorReduced && numPhases > 2 ? kFar : kNear;
  size_t moved = vectorReduced ? keptGroups.size() - 1
                               : keptGroups.size() + reducedGroups.size() - 2;
  Space ahead = space;
  LoopGroup &group = ahead.groups[moved];
  group.iv = k.addIndex(group.iv, vectorReduced ? 1 : kPositionsAhead);
  for (const Access &access : loops.accesses) {
    if (access.isStore || access.binding == Access::kIndex ||
        coefficientOf(access, group).is(0) ||
        !coefficientOf(access, space.groups[space.vectorGroup]).is(1))
      continue;
    Value buffer = k.binding(access.binding);
    unsigned bits = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth();
    int64_t bytes = std::max(8u, bits) / 8;
    if (copy * lanes * bytes % kLineBytes ||
        (!vectorReduced &&
         coefficientOf(access, group).get() * bytes < kFarBytes))
      continue;
    memref::PrefetchOp::create(b, buffer, ValueRange{e.offset(access, ahead)},
                               /*isWrite=*/false, locality,
                               /*isDataCache=*/true);
  }
}

} // namespace fusilli::compiler
