// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedule of kernels without reductions: one pass over the output in the order
// of its memory. Dims that all operands walk through linearly become one loop;
// the innermost is vectorised, its static tail masked. Workgroups are fixed
// chunks of elements or rows, so that results do not depend on the threads.

#include "compiler/Codegen/CPU/KernelEmitter.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Kernels that touch more than this are limited by memory, not by caches.
constexpr double kStreamBytes = 48e6;

/// Emits the kernel body for one choice of groups and vector length.
class PointwiseBody {
public:
  PointwiseBody(KernelEmitter &e, ArrayRef<int> dims,
                SmallVector<LoopGroup, 4> groups, int64_t lanes, int64_t unroll)
      : e(e), dims(dims), groups(std::move(groups)), lanes(lanes),
        unroll(unroll) {}

  /// Elements [lo, hi) of the innermost group; `inner` is its static extent.
  /// The part past the last multiple of the step is done where `tail` holds
  /// (null: always).
  void row(Value lo, Value hi, int64_t inner, Value tail) {
    int64_t step = lanes * unroll;
    int64_t steps = inner / step * step;
    int64_t full = inner / lanes * lanes;
    if (steps)
      e.loop(lo, hi, step, [&](Value iv) {
        for (int64_t u = 0; u < unroll; ++u)
          position(e.addIndex(iv, u * lanes), lanes);
      });
    auto rest = [&] {
      if (full - steps == lanes)
        position(e.index(steps), lanes);
      else if (full > steps)
        e.loop(e.index(steps), e.index(full), lanes,
               [&](Value iv) { position(iv, lanes); });
      if (inner > full)
        position(e.index(full), inner - full);
    };
    if (inner == steps)
      return;
    if (tail)
      e.ifThen(tail, rest);
    else
      rest();
  }

  MutableArrayRef<LoopGroup> outer() {
    return MutableArrayRef<LoopGroup>(groups).drop_back();
  }
  bool failed() const { return anyFailed; }

private:
  void position(Value iv, int64_t active) {
    Space space;
    space.groups = groups;
    space.vectorGroup = groups.size() - 1;
    space.lanes = lanes;
    space.activeLanes = active;
    space.groups.back().iv = iv;
    if (mlir::failed(e.storeAllResults(dims, space)))
      anyFailed = true;
  }

  KernelEmitter &e;
  SmallVector<int> dims;
  SmallVector<LoopGroup, 4> groups;
  int64_t lanes, unroll;
  bool anyFailed = false;
};

} // namespace

LogicalResult schedulePointwise(KernelEmitter &e) {
  linalg::GenericOp root = e.resultOp(0);
  SmallVector<int64_t> extents = root.getStaticLoopRanges();
  e.setRootRank(extents.size());
  SmallVector<int> dims = identityDims(extents.size());

  SmallVector<Access> accesses;
  for (unsigned i = 0; i < e.numResults(); ++i)
    e.collect(e.resultOp(i), dims, /*withStore=*/true, accesses);
  auto primary =
      llvm::find_if(accesses, [](const Access &a) { return a.isStore; });
  SmallVector<LoopGroup, 4> groups =
      formGroups(dims, extents, primary->coefs, accesses);
  if (groups.empty()) { // one element
    groups.emplace_back();
    if (dims.empty()) {
      e.setRootRank(1);
      groups.back().dims.push_back(0);
    } else {
      groups.back().dims.push_back(dims.back());
    }
  }

  int64_t cost = 0;
  e.source().walk(
      [&](linalg::GenericOp op) { cost += payloadCost(op.getBody()); });
  int64_t lanes = computeLanes(e);
  int64_t inner = groups.back().extent;
  int64_t unroll = cost > 24 ? 1 : 4;
  unroll = std::max<int64_t>(1, std::min(unroll, inner / lanes));
  int64_t rows = 1, elements = inner;
  for (const LoopGroup &g : llvm::drop_end(groups))
    rows *= g.extent;
  elements *= rows;

  double bytes = e.bytesOf(accesses, extents);
  bool inlined = isInlineWork(bytes, double(elements) * cost, e.target());
  // A chunk takes some ten microseconds.
  int64_t chunk = cost > 24 ? 8192 : 16384;
  PointwiseBody body(e, dims, groups, lanes, unroll);
  int64_t workgroups;
  if (rows == 1) {
    chunk = inlined ? inner : std::min(chunk, inner);
    chunk = llvm::alignTo(chunk, lanes * unroll);
    workgroups = llvm::divideCeil(inner, chunk);
    int64_t steps = inner / (lanes * unroll) * (lanes * unroll);
    Value lo = e.mulIndex(e.begin(), chunk);
    Value hi = e.mulIndex(e.end(), chunk);
    Value tail =
        workgroups == 1 ? Value() : e.isEqual(e.end(), e.index(workgroups));
    Value end = e.minIndex(hi, steps);
    // Results that no cache keeps are written past it: that saves reading
    // each line before it is overwritten.
    if (bytes > kStreamBytes)
      e.ifThenElse(
          e.resultsAligned(e.target().vectorBits / 8),
          [&] {
            e.setNonTemporal(true);
            body.row(lo, end, inner, tail);
            e.setNonTemporal(false);
            e.fenceStores();
          },
          [&] { body.row(lo, end, inner, tail); });
    else
      body.row(lo, end, inner, tail);
  } else {
    int64_t perGroup =
        inlined
            ? rows
            : std::clamp<int64_t>(chunk / std::max<int64_t>(inner, 1), 1, rows);
    workgroups = llvm::divideCeil(rows, perGroup);
    Value lo = e.mulIndex(e.begin(), perGroup);
    Value hi = e.minIndex(e.mulIndex(e.end(), perGroup), rows);
    e.loop(lo, hi, 1, [&](Value row) {
      delinearize(e, row, body.outer());
      int64_t steps = inner / (lanes * unroll) * (lanes * unroll);
      body.row(e.index(0), e.index(steps), inner, Value());
    });
  }
  if (body.failed())
    return failure();
  std::string strategy = "pointwise: " + std::to_string(groups.size()) +
                         " loops, " + std::to_string(lanes) + " lanes x " +
                         std::to_string(unroll);
  e.finish({workgroups, 1, 1}, inlined, strategy, elements * cost);
  return success();
}

} // namespace fusilli::compiler
