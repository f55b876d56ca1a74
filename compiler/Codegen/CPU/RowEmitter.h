// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The emitter of strategy `rows`: one class, whose loops are in RowEmitter.cpp
// and whose sums of columns are in RowColumns.cpp.
#ifndef COMPILER_CODEGEN_CPU_ROWEMITTER_H
#define COMPILER_CODEGEN_CPU_ROWEMITTER_H

#include "compiler/Codegen/CPU/RowLoops.h"
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

namespace fusilli::compiler {

/// Emits one kernel, once. Thread safety: one thread.
class RowEmitter {
public:
  RowEmitter(RowLoops &loops, ir::ScheduleAttr schedule, KernelBuilder &k)
      : loops(loops), model(loops.model), k(k), b(k.builder()), e(model, k),
        reductions(loops.reductions), keptGroups(loops.keptGroups),
        reducedGroups(loops.reducedGroups), vectorReduced(loops.vectorReduced),
        numPhases(loops.numPhases), lanes(schedule.getLanes()),
        unroll(schedule.getUnroll()), schedule(schedule),
        isStreamed(loops.isStreamed()) {}
  LogicalResult run();

private:
  /// All rows, with buffers for what they keep.
  void rows();
  /// The rows of the builder's workgroups.
  void rowsOfWorkgroups();
  /// The rows of a strip, the first of them at the counter of the last group.
  void strip(Space base, Value stripId);
  /// Column sums of tall inputs: accumulators in local memory, so that whole
  /// stretches of several input rows are read at a time.
  void columns(Space base, int64_t width);
  /// One row (or `lanes` neighbouring rows) with everything in it.
  void row(Space base, int64_t copies, const ActiveLanes &active);
  /// The loops over the reduced dims of one phase.
  void phase(unsigned number, std::vector<Space> &spaces);
  SmallVector<Value> sweep(unsigned number, unsigned depth,
                           std::vector<Space> &spaces, ValueRange carried);
  /// A loop of `count` iterations from `lo`, each of which adds `steps`
  /// elements to every accumulator; split where that is too many for one.
  SmallVector<Value> boundedLoop(unsigned number, Value lo, const Extent &count,
                                 int64_t step, int64_t steps,
                                 ValueRange carried,
                                 KernelBuilder::LoopBody body);
  /// A loop from `lo` to `hi` whose parts of `size` have accumulators of their
  /// own.
  SmallVector<Value>
  partialLoop(unsigned number, Value lo, Value hi, int64_t size,
              ValueRange carried,
              llvm::function_ref<SmallVector<Value>(Value lo, Value hi,
                                                    ValueRange part)>
                  body);
  /// Elements that every accumulator takes in one sweep from `depth` inwards,
  /// before any split; kMaxSteps where that is symbolic.
  int64_t getSteps(unsigned depth) const;
  SmallVector<Value> initAccumulators(unsigned number);
  SmallVector<Value> combineAccumulators(unsigned number, ValueRange parts,
                                         ValueRange carried);
  /// Loads the values that earlier phases kept for this one, then computes and
  /// stores those that it keeps for later ones.
  LogicalResult passKept(unsigned number, Space &space, unsigned copy);
  SmallVector<Value> step(unsigned number, std::vector<Space> &spaces,
                          ValueRange carried, Value iv,
                          const ActiveLanes &active, unsigned copies);
  /// Fetches what a later row, or a later position of this one, reads.
  void readAhead(unsigned number, const Space &space, unsigned copy);
  FailureOr<Value> element(RowReduction &r, Space &space);
  Value initVector(RowReduction &r, int64_t lanes) {
    return k.constant(r.combiner().identity, lanes);
  }
  Value combine(RowReduction &r, Value value, Value acc) {
    return e.combine(r.combiner(), acc, value);
  }
  Value horizontal(RowReduction &r, Value v);
  /// The complete value: accumulators start from the identity.
  Value fromInit(RowReduction &r, Value total) {
    const Combiner &c = r.combiner();
    if (c.init == c.identity)
      return total;
    auto type = mlir::dyn_cast<mlir::VectorType>(total.getType());
    return combine(r, total,
                   k.constant(c.init, type ? type.getNumElements() : 0));
  }

  /// Elements that one accumulator takes.
  static constexpr int64_t kMaxSteps = 256;
  /// Bytes of the row buffers where the length of a row is symbolic.
  static constexpr int64_t kSymbolicBytes = 2 << 20;

  RowLoops &loops;
  const KernelModel &model;
  KernelBuilder &k;
  mlir::ImplicitLocOpBuilder &b;
  Evaluator e;
  SmallVector<RowReduction, 4> &reductions;
  SmallVector<LoopGroup, 4> &keptGroups, &reducedGroups;
  bool vectorReduced;
  unsigned numPhases;
  int64_t lanes, unroll;
  ir::ScheduleAttr schedule;
  SmallVector<Value, 2> buffers; ///< of the values kept between phases
  const bool isStreamed;
  bool pastCache = false; ///< results that span the reduced dims
  bool failedAny = false;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_ROWEMITTER_H
