// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packs and addresses the panels of a contraction's second operand.

#include "compiler/Codegen/CPU/Emit/PackedColumns.h"

#include "compiler/Codegen/CPU/Emit/Packing.h"

using namespace mlir;

namespace fusilli::compiler {

InnerProduct::Convert getConvert(const Contraction &c, bool isA,
                                 const InnerProduct &inner,
                                 Evaluator &evaluator, KernelBuilder &k) {
  const ContractionOperand &o = isA ? c.a : c.b;
  InnerProduct::Convert fromBody;
  if (!o.isPlain())
    fromBody = [&](Value v) -> Value {
      SmallVector<Value> args(3);
      args[o.input] = v;
      return *evaluator.payload(c.getOp(), args, o.inBody);
    };
  return inner.getConvert(k, isA, fromBody);
}

PackedColumns::PackedColumns(const Contraction &c, const InnerProduct &inner,
                             int64_t lanes, int64_t nv, ArrayRef<Run> all)
    : c(c), inner(inner), lanes(lanes), nv(nv), granule(inner.getGranule()),
      panels(llvm::divideCeil(c.n, nv * lanes)) {
  for (auto [i, run] : llvm::enumerate(all)) {
    bool makesGranules = granule > 1 && i + 1 == all.size();
    if (run.extent == 1 && !makesGranules)
      continue;
    if (!runs.empty() && runs.back().stride == run.stride * run.extent &&
        run.extent % granule == 0)
      runs.back() = {runs.back().extent * run.extent, run.stride};
    else
      runs.push_back(run);
  }
  if (runs.empty())
    runs.push_back({1, 1});
  for (const Run &run : llvm::drop_end(runs))
    numLines *= run.extent;
  numLines *= llvm::divideCeil(runs.back().extent, granule);
  panelSize = (numLines + (inner.isCompensated() ? 1 : 0)) * getWidth();
  if (c.groupLoop >= 0 && c.b.coefs[c.groupLoop])
    matrixLoops.push_back(c.groupLoop);
  for (int l : c.batchLoops)
    if (c.b.coefs[l])
      matrixLoops.push_back(l);
}

Type PackedColumns::getWordType() const {
  MLIRContext *context = c.model.getContext();
  return granule > 1 ? Type(IntegerType::get(context, 32))
                     : inner.getPackedType(c);
}

void PackedColumns::allocate(KernelBuilder &k, int64_t slots) {
  memory = k.local(getWordType(), slots * panelSize);
}

void PackedColumns::prepare(KernelBuilder &k) {
  prepared = true;
  int64_t count = panels;
  SmallVector<Extent> extents;
  for (int l : matrixLoops) {
    extents.push_back(c.extents[l]);
    count *= c.extents[l];
  }
  extents.push_back(panels);
  KernelBuilder &packing =
      k.addPacking(c.b.binding, getWordType(), count * panelSize);
  memory = k.binding(c.b.binding);
  packing.setWorkgroups(count);
  packing.loop(packing.begin(), packing.end(), 1, [&](Value id) {
    SmallVector<Value> at = packing.delinearize(id, extents);
    Counters loops;
    for (auto [l, iv] : llvm::zip(matrixLoops, at))
      loops[l] = iv;
    pack(packing, packing.binding(0), packing.binding(1),
         packing.mulIndex(id, panelSize), getFirstColumn(packing, at.back()),
         loops);
  });
}

Value PackedColumns::getFirstColumn(KernelBuilder &k, Value panel) const {
  Value n0 = k.mulIndex(panel, getWidth());
  return c.n >= getWidth() ? k.minIndex(n0, c.n - getWidth()) : n0;
}

Value PackedColumns::getBase(KernelBuilder &k, Value slot, Value panel,
                             const Counters &loops) const {
  if (!prepared)
    return k.mulIndex(slot, panelSize);
  Value matrix = k.index(0);
  for (int l : matrixLoops)
    matrix = k.addIndex(k.mulIndex(matrix, c.extents[l]), loops.lookup(l));
  return k.mulIndex(k.addIndex(k.mulIndex(matrix, panels), panel), panelSize);
}

void PackedColumns::pack(KernelBuilder &k, Value to, Value n0,
                         const Counters &loops) const {
  pack(k, k.binding(c.b.binding), memory, to, n0, loops);
}

void PackedColumns::pack(KernelBuilder &k, Value source, Value target, Value to,
                         Value n0, const Counters &loops) const {
  Evaluator e(c.model, k);
  Packer packer(k, inner.getPackedType(c), lanes, granule,
                getConvert(c, /*isA=*/false, inner, e, k));
  int64_t nStride = c.b.coefs[c.nLoop];
  Value base = k.addIndex(k.mulIndex(n0, nStride), c.b.offset);
  for (auto [l, iv] : loops)
    base = k.addIndex(base, k.mulIndex(iv, c.b.coefs[l]));
  // The innermost run is a packed block, unless it is walked backwards.
  Run block{1, 1};
  ArrayRef<Run> outer(runs);
  if (outer.back().stride >= 0) {
    block = outer.back();
    outer = outer.drop_back();
  }
  int64_t blockLines = llvm::divideCeil(block.extent, granule);
  std::function<void(ArrayRef<Run>, Value, Value)> nest =
      [&](ArrayRef<Run> rest, Value from, Value line) {
        if (rest.empty()) {
          packer.packPanel(
              {source, from, block.stride, nStride}, block.extent,
              std::min(c.n, getWidth()), getWidth(), target,
              k.addIndex(to, k.mulIndex(line, blockLines * getWidth())));
          return;
        }
        k.loop(k.index(0), k.index(rest[0].extent), 1, [&](Value i) {
          Value next = rest[0].stride < 0
                           ? k.subIndex(from, k.mulIndex(i, -rest[0].stride))
                           : k.addIndex(from, k.mulIndex(i, rest[0].stride));
          nest(rest.drop_front(), next,
               k.addIndex(k.mulIndex(line, rest[0].extent), i));
        });
      };
  nest(outer, base, k.index(0));
  if (inner.isCompensated())
    packCompensation(k, target, to);
}

void PackedColumns::packCompensation(KernelBuilder &k, Value target,
                                     Value to) const {
  SmallVector<Value> zeros(nv, k.zero(k.vectorType(c.acc, lanes)));
  SmallVector<Value> total =
      k.loop(k.index(0), k.index(numLines), 1, zeros,
             [&](Value line, ValueRange carried) {
               SmallVector<Value> next;
               Value from = k.addIndex(to, k.mulIndex(line, getWidth()));
               for (int64_t j = 0; j < nv; ++j) {
                 Value word = k.load(target, k.addIndex(from, j * lanes), lanes,
                                     lanes, 1);
                 next.push_back(inner.compensate(k, word, carried[j]));
               }
               return next;
             });
  for (int64_t j = 0; j < nv; ++j)
    k.store(total[j], target, k.addIndex(to, numLines * getWidth() + j * lanes),
            lanes, 1);
}

SmallVector<Value> PackedColumns::getStart(KernelBuilder &k, Value base) const {
  if (!inner.isCompensated())
    return SmallVector<Value>(nv, k.zero(k.vectorType(c.acc, lanes)));
  SmallVector<Value> start;
  for (int64_t j = 0; j < nv; ++j)
    start.push_back(k.load(memory,
                           k.addIndex(base, numLines * getWidth() + j * lanes),
                           lanes, lanes, 1));
  return start;
}

} // namespace fusilli::compiler
