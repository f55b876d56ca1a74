// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Phases, loops, and what is worth keeping between phases: values that take
// long to compute again, and, where rows lie side by side in memory, all that
// is read again, because the lines of one row then share few sets of a cache.

#include "compiler/Codegen/CPU/RowLoops.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace fusilli::compiler {

unsigned RowLoops::phaseOf(Value tensor) const {
  // Ops in program order: producers come first.
  llvm::DenseMap<Value, unsigned> phases;
  for (const Stage &stage : model.getStages()) {
    auto op = stage.op;
    unsigned needed = 0;
    for (Value input : op.getInputs())
      needed = std::max(needed, phases.lookup(input));
    phases[op.getResult(0)] = needed + (op.getNumReductionLoops() ? 1 : 0);
    if (op.getResult(0) == tensor)
      break;
  }
  return phases.lookup(tensor);
}

bool RowLoops::isFull(AffineMap position) const {
  for (unsigned d = 0; d < model.getNumDims(); ++d)
    if (reduced[d] && position.isFunctionOfDim(d))
      return true;
  return false;
}

Extent RowLoops::getDepth() const {
  Extent depth = 1;
  for (const LoopGroup &g : reducedGroups)
    depth = depth * g.extent;
  return depth;
}

int64_t RowLoops::getBytesPerElement() const {
  int64_t bytes = 0;
  for (Type element : slots)
    bytes += std::max(8u, element.getIntOrFloatBitWidth()) / 8;
  return bytes;
}

bool RowLoops::hasSums(unsigned phase) const {
  return llvm::any_of(reductions, [&](const RowReduction &r) {
    return r.phase == phase && isa<arith::AddFOp>(r.combiner().op);
  });
}

void RowLoops::analyse() {
  auto stages = model.getReductions();
  if (stages.empty()) {
    defect = "has no reduction";
    return;
  }
  reduced.assign(model.getNumDims(), false);
  for (unsigned d : stages.front()->reducedDims)
    reduced[d] = true;
  for (const Stage *stage : stages) {
    if (!stage->combiner) {
      defect = "has a reduction whose body is not understood";
      return;
    }
    auto op = stage->op;
    bool same =
        stage->position && stage->reducedDims == stages.front()->reducedDims;
    // Every kernel dim is a loop of every reduction.
    for (unsigned d = 0; same && d < model.getNumDims(); ++d)
      same = stage->position.isFunctionOfDim(d);
    if (!same) {
      defect = "has reductions over different iteration spaces";
      return;
    }
    if (!op.getBody()->getOps<linalg::IndexOp>().empty()) {
      defect = "has a reduction that reads an index";
      return;
    }
    for (Value input : op.getInputs())
      if (auto pad = input.getDefiningOp<tensor::PadOp>()) {
        defect = "reads a padded operand";
        return;
      }
    unsigned phase = phaseOf(op.getResult(0)) - 1;
    reductions.push_back({stage, phase});
    numPhases = std::max(numPhases, phase + 1);
  }
  bool linear = true;
  auto isReduction = [&](Value v) {
    auto op = v.getDefiningOp<linalg::GenericOp>();
    return op && op.getNumReductionLoops();
  };
  for (const Stage *stage : stages) {
    auto op = stage->op;
    for (auto [i, input] : llvm::enumerate(op.getInputs()))
      linear &= model.collect(
          input, KernelModel::getOperandPosition(op, i, stage->position),
          accesses, isReduction);
  }
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    AffineMap position = model.getResultPosition(i);
    std::optional<Access> store;
    if (position)
      store = model.getAccess(model.getResultBinding(i), position);
    if (!store) {
      defect = "has a result outside of the reductions' iteration space";
      return;
    }
    linear &=
        model.collect(model.getResultValue(i), position, accesses, isReduction);
    accesses.push_back(*store);
    if (isFullShape(i))
      numPhases = std::max(numPhases, phaseOf(model.getResultValue(i)) + 1);
  }
  if (!linear || accesses.empty()) {
    defect = "reads an operand that is not addressed linearly";
    return;
  }
  chooseLoops();
  chooseKept();
}

void RowLoops::chooseLoops() {
  // The operand with the most elements says what innermost means.
  ArrayRef<Extent> extents = model.getExtents();
  auto volume = [&](const Access &a) {
    double v = a.binding == Access::kIndex ? 0 : 1;
    for (size_t d = 0; d < extents.size(); ++d)
      if (!a.coefs[d].is(0))
        v *= extents[d].representative();
    return v;
  };
  const Access *primary = &accesses.front();
  for (const Access &a : accesses)
    if (volume(a) > volume(*primary))
      primary = &a;
  SmallVector<unsigned> kept, over;
  int innermost = -1;
  auto coef = [&](unsigned d) { return primary->coefs[d].representative(); };
  for (unsigned d = 0; d < extents.size(); ++d) {
    (reduced[d] ? over : kept).push_back(d);
    if (!extents[d].is(1) && coef(d) &&
        (innermost < 0 || coef(d) < coef(innermost)))
      innermost = d;
  }
  keptGroups = formGroups(kept, extents, *primary, accesses);
  reducedGroups = formGroups(over, extents, *primary, accesses);
  if (reducedGroups.empty()) { // only unit dims are reduced
    LoopGroup g;
    g.dims.push_back(over.empty() ? model.getNumDims() : over.front());
    reducedGroups.push_back(g);
  }
  vectorReduced = innermost < 0 || reduced[innermost] || keptGroups.empty();
}

SmallVector<std::pair<Value, AffineMap>>
RowLoops::getRoots(unsigned number) const {
  SmallVector<std::pair<Value, AffineMap>> roots;
  for (const RowReduction &r : reductions)
    if (r.phase == number) {
      auto op = r.stage->op;
      for (auto [i, input] : llvm::enumerate(op.getInputs()))
        roots.emplace_back(
            input, KernelModel::getOperandPosition(op, i, r.stage->position));
    }
  for (unsigned i = 0; i < model.getNumResults(); ++i)
    if (isFullShape(i) && phaseOf(model.getResultValue(i)) == number)
      roots.emplace_back(model.getResultValue(i), model.getResultPosition(i));
  return roots;
}

/// Whether the body takes so long that a load is better than doing it again.
static bool isExpensive(linalg::GenericOp op) {
  return llvm::any_of(*op.getBody(), [](Operation &inner) {
    return isa<arith::DivFOp>(inner) ||
           (isa<math::MathDialect>(inner.getDialect()) &&
            !isa<math::AbsFOp, math::FloorOp, math::CeilOp, math::FmaOp>(
                inner));
  });
}

void RowLoops::chooseKept() {
  // All positions at which each phase needs each tensor.
  using Needs = llvm::MapVector<Value, llvm::SmallSetVector<AffineMap, 2>>;
  auto isReduction = [](Operation *def) {
    auto op = dyn_cast_or_null<linalg::GenericOp>(def);
    return op && op.getNumReductionLoops();
  };
  auto walk = [&](unsigned phase, const llvm::SmallDenseSet<Value> &stop) {
    Needs needs;
    auto pending = getRoots(phase);
    while (!pending.empty()) {
      auto [tensor, position] = pending.pop_back_val();
      if (!position || isReduction(tensor.getDefiningOp()) ||
          !needs[tensor].insert(position) || stop.contains(tensor))
        continue;
      auto op = tensor.getDefiningOp<linalg::GenericOp>();
      if (!op)
        continue;
      AffineMap loops = model.getLoopsAt(op, position);
      for (auto [i, input] : llvm::enumerate(op.getInputs()))
        if (loops)
          pending.emplace_back(input,
                               KernelModel::getOperandPosition(op, i, loops));
    }
    return needs;
  };
  // Only what is read at one position per kernel position: all kept dims and
  // all reduced ones, once.
  auto spansSpace = [&](AffineMap position) {
    for (auto [d, extent] : llvm::enumerate(model.getExtents()))
      if (!extent.is(1) && !position.isFunctionOfDim(d))
        return false;
    return true;
  };
  llvm::SmallDenseSet<Value> chosen;
  SmallVector<Needs> needs;
  for (unsigned phase = 0; phase < numPhases; ++phase)
    needs.push_back(walk(phase, {}));
  for (unsigned phase = 1; phase < numPhases; ++phase)
    for (auto &[tensor, positions] : walk(phase, chosen)) {
      auto op = tensor.getDefiningOp<linalg::GenericOp>();
      bool isWorthIt =
          op ? isExpensive(op) : isa<BlockArgument>(tensor) && !vectorReduced;
      if (!isWorthIt || positions.size() != 1 || !spansSpace(positions.front()))
        continue;
      for (unsigned before = 0; before < phase; ++before) {
        auto found = needs[before].find(tensor);
        if (found == needs[before].end() || found->second.size() != 1 ||
            found->second.front() != positions.front())
          continue;
        if (chosen.insert(tensor).second)
          kept.push_back({tensor, positions.front(), before, phase, 0});
        break;
      }
    }
  // The last phase that really reads it, now that others are not looked into.
  for (unsigned phase = 1; phase < numPhases; ++phase) {
    Needs used = walk(phase, chosen);
    for (RowValue &v : kept)
      if (phase > v.first && used.contains(v.tensor))
        v.last = phase;
  }
  assignSlots();
}

void RowLoops::assignSlots() {
  // In the order of the phases that compute them.
  SmallVector<RowValue *> order;
  for (unsigned phase = 0; phase < numPhases; ++phase)
    for (RowValue &v : kept)
      if (v.first == phase)
        order.push_back(&v);
  SmallVector<unsigned> ends;
  for (RowValue *value : order) {
    RowValue &v = *value;
    Type element = cast<RankedTensorType>(v.tensor.getType()).getElementType();
    // A value may take the place of one that is last read where it is computed.
    auto free = llvm::find_if(llvm::seq<size_t>(0, ends.size()), [&](size_t i) {
      return ends[i] <= v.first && slots[i] == element;
    });
    v.slot = *free;
    if (v.slot == ends.size()) {
      ends.push_back(0);
      slots.push_back(element);
    }
    ends[v.slot] = v.last;
  }
}

} // namespace fusilli::compiler
