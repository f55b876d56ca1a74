// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of decisions: contractions and attentions take their epilogues,
// then reductions their producers and users, then what is left merges; last,
// cheap ops that broadcast move to where they are used.
#include "compiler/Dialect/Fusilli/Transforms/FusionGroups.h"

#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>

using namespace mlir;

namespace fusilli::ir {

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

FusionShape shapeOf(Value value) { return getFusionShape(value); }
FusionShape shapeOf(Operation *op) { return shapeOf(op->getResult(0)); }

/// The extents without the mark of dynamic ones.
SmallVector<int64_t> getExtents(const FusionShape &shape) {
  return llvm::map_to_vector(shape,
                             [](int64_t extent) { return std::abs(extent); });
}

bool isReturned(Operation *op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    return isa<func::ReturnOp>(user);
  });
}

} // namespace

FusionGroups::FusionGroups(func::FuncOp main, const FusionPolicy &policy)
    : main(main), policy(policy) {
  for (Operation &op : main.front())
    if (!isa<ConstantOp, ReshapeOp, func::ReturnOp>(op))
      addGroup(&op);
}

void FusionGroups::addGroup(Operation *op) {
  graph.addGroup(op);
  KernelGroup &group = infos.emplace_back();
  group.shape = shapeOf(op);
  group.isPrepared = isPreparable(op);
  if (auto pointwise = dyn_cast<PointwiseOp>(op)) {
    int64_t weight = policy.getWeight(pointwise.getMode());
    int64_t volume = getVolume(op);
    bool expands = true;
    for (Value input : pointwise.getInputs())
      if (typeOf(input).getNumElements() == volume) {
        auto it = expansionWeights.find(input.getDefiningOp());
        expands &= it != expansionWeights.end();
        weight += expands ? it->second : 0;
      }
    if (expands)
      expansionWeights[op] = weight;
  } else if (auto reduction = dyn_cast<ReductionOp>(op)) {
    group.kind = KernelKind::Reduction;
    group.fullShape = shapeOf(reduction.getX());
    group.reducedDims = reduction.getReducedDims();
    for (Value root : collectRoots(reduction.getX()))
      reductionsOf[root].push_back(op);
  } else if (isa<SdpaOp>(op)) {
    group.kind = KernelKind::Attention;
  } else if (isa<CustomOp>(op)) {
    group.kind = KernelKind::Custom;
  } else {
    assert(isContraction(op));
    group.kind = KernelKind::Contraction;
    group.contraction = op;
  }
}

bool FusionGroups::isPreparable(Operation *op) {
  if (isReturned(op))
    return false;
  auto count = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getNumElements();
  };
  bool dependsOnParameter = false;
  int64_t largest = 0;
  for (Value operand : op->getOperands()) {
    auto argument = dyn_cast<BlockArgument>(operand);
    Operation *def = operand.getDefiningOp();
    bool known = argument ? isConstantParameter(main, argument.getArgNumber())
                          : def && graph.groupOf(def) != FusionGraph::kNone &&
                                isPrepared(def);
    if (!known && !isa_and_nonnull<ConstantOp>(def))
      return false;
    dependsOnParameter |= known;
    largest = std::max(largest, count(operand));
  }
  // What only spreads values over a larger shape is cheaper computed than read.
  return dependsOnParameter &&
         (!isa<PointwiseOp>(op) || count(op->getResult(0)) <= largest);
}

bool FusionGroups::canMerge(GroupId a, GroupId b) const {
  return get(a).isPrepared == get(b).isPrepared &&
         graph.getOps(a).size() + graph.getOps(b).size() <=
             policy.getMaxOps() &&
         graph.canMerge(a, b);
}

Operation *FusionGroups::cloneOp(Operation *op, GroupId into) {
  ++numRecomputed;
  return graph.clone(op, into);
}

SmallVector<Operation *>
FusionGroups::absorbUsers(GroupId id, SmallVector<Operation *> fresh,
                          Accept accept) {
  SmallVector<Operation *> joined;
  while (!fresh.empty()) {
    SmallVector<Operation *> users = graph.getOuterUsers(id, fresh);
    fresh.clear();
    for (Operation *user : users) {
      GroupId other = groupOf(user);
      if (other == id || !accept(user) || !canMerge(id, other))
        continue;
      llvm::append_range(fresh, graph.getOps(other));
      graph.merge(id, other);
    }
    llvm::append_range(joined, fresh);
  }
  return joined;
}

void FusionGroups::absorbDefs(GroupId id, Accept accept) {
  SmallVector<Operation *> fresh(graph.getOps(id));
  while (!fresh.empty()) {
    SmallVector<Operation *> defs = graph.getOuterDefs(id, fresh);
    fresh.clear();
    for (Operation *def : defs) {
      GroupId other = groupOf(def);
      if (other == id || !accept(def) || !canMerge(id, other))
        continue;
      llvm::append_range(fresh, graph.getOps(other));
      graph.merge(id, other);
    }
  }
}

void FusionGroups::forEachDef(GroupId id,
                              function_ref<Joined(Operation *)> absorb) {
  llvm::SmallDenseSet<Operation *, 16> seen;
  SmallVector<Operation *> pending = graph.getOuterDefs(id, graph.getOps(id));
  seen.insert(pending.begin(), pending.end());
  while (!pending.empty()) {
    Operation *def = pending.pop_back_val();
    if (groupOf(def) == id || isPrepared(def) != get(id).isPrepared)
      continue;
    Joined joined = absorb(def);
    if (joined.empty())
      continue;
    for (Operation *next : graph.getOuterDefs(id, joined))
      if (seen.insert(next).second)
        pending.push_back(next);
    graph.sort(pending);
  }
}

void FusionGroups::absorbEpilogue(GroupId id) {
  const FusionShape &shape = get(id).shape;
  absorbUsers(id, SmallVector<Operation *>(graph.getOps(id)),
              [&](Operation *op) {
                return isKind(groupOf(op), KernelKind::Pointwise) &&
                       shapeOf(op) == shape;
              });
}

void FusionGroups::growContraction(GroupId id) {
  absorbEpilogue(id);
  absorbPrologues(id);
}

void FusionGroups::absorbPrologues(GroupId id) {
  Operation *contraction = get(id).contraction;
  llvm::SmallDenseSet<Operation *, 4> prologues;
  forEachDef(id, [&](Operation *def) -> Joined {
    auto producer = dyn_cast<PointwiseOp>(def);
    if (!producer || !isKind(groupOf(def), KernelKind::Pointwise) ||
        !policy.allowsPrologue(contraction, producer))
      return {};
    // Only the contraction reads it, and what is computed for it.
    for (Operation *user : def->getUsers())
      if (groupOf(user) == id && user != contraction &&
          !prologues.contains(user))
        return {};
    bool isInner = graph.isInner(id, def);
    if (isInner)
      graph.move(def, id);
    Operation *joined = isInner ? def : cloneOp(def, id);
    prologues.insert(joined);
    return {joined};
  });
}

void FusionGroups::bundleReductions(GroupId id) {
  auto first = cast<ReductionOp>(graph.getOps(id).front());
  llvm::SmallSetVector<Operation *, 8> others;
  for (Value root : collectRoots(first.getX())) {
    ArrayRef<Operation *> ops = reductionsOf[root];
    others.insert(ops.begin(), ops.end());
  }
  SmallVector<Operation *> sorted(others.getArrayRef());
  graph.sort(sorted);
  for (Operation *op : sorted) {
    GroupId other = groupOf(op);
    if (other == id || graph.getOps(other).size() != 1 ||
        get(other).fullShape != get(id).fullShape ||
        get(other).reducedDims != get(id).reducedDims || !canMerge(id, other) ||
        graph.mayDepend(id, other))
      continue;
    graph.merge(id, other);
  }
}

void FusionGroups::absorbProducers(GroupId id) {
  int64_t budget = policy.getRecomputeWeight();
  const FusionShape &full = get(id).fullShape;
  forEachDef(id, [&](Operation *def) -> Joined {
    auto pointwise = dyn_cast<PointwiseOp>(def);
    if (!pointwise || shapeOf(def) != full ||
        !isKind(groupOf(def), KernelKind::Pointwise))
      return {};
    if (graph.isInner(id, def)) {
      graph.move(def, id);
      return {def};
    }
    // Full tensors that computing it again would read, and that are not read
    // anyway: more than one is more than reading its result.
    llvm::SmallDenseSet<Value> reads;
    for (Value operand : def->getOperands())
      if (shapeOf(operand) == full &&
          llvm::none_of(operand.getUsers(),
                        [&](Operation *user) { return groupOf(user) == id; }))
        reads.insert(operand);
    int64_t weight = policy.getWeight(pointwise.getMode());
    bool isFree = isBetterRepeated(id, def);
    if (!isFree && (weight > budget || reads.size() > 1))
      return {};
    if (!isFree)
      budget -= weight;
    return {cloneOp(def, id)};
  });
}

bool FusionGroups::isBetterRepeated(GroupId id, Operation *op) const {
  auto it = expansionWeights.find(op);
  return it != expansionWeights.end() &&
         it->second <= 4 * policy.getRecomputeWeight() && !isReturned(op) &&
         !graph.isInner(id, op);
}

void FusionGroups::growReduction(GroupId id) {
  bundleReductions(id);
  if (canBeRows(id)) {
    growRows(id);
    return;
  }
  absorbProducers(id);
  absorbEpilogue(id);
}

bool FusionGroups::canBeRows(GroupId id) const {
  return policy.allowsRows(
      getReductionSpace(cast<ReductionOp>(graph.getOps(id).front())));
}

void FusionGroups::growRows(GroupId id) {
  const FusionShape shape = get(id).shape, full = get(id).fullShape;
  auto accept = [&](Operation *op) {
    GroupId other = groupOf(op);
    if (isKind(other, KernelKind::Pointwise)) {
      FusionShape own = shapeOf(op);
      return own == full || own == shape;
    }
    return isKind(other, KernelKind::Reduction) &&
           graph.getOps(other).size() == 1 && get(other).fullShape == full &&
           get(other).reducedDims == get(id).reducedDims;
  };
  // Users first: only then is it known which producers have users elsewhere.
  absorbUsers(id, SmallVector<Operation *>(graph.getOps(id)), accept);
  forEachDef(id, [&](Operation *def) -> Joined {
    GroupId other = groupOf(def);
    if (!accept(def))
      return {};
    if (shapeOf(def) == full && isBetterRepeated(id, def))
      return {cloneOp(def, id)};
    if (!canMerge(id, other))
      return {};
    Joined joined(graph.getOps(other));
    graph.merge(id, other);
    llvm::append_range(joined, absorbUsers(id, joined, accept));
    return joined;
  });
  // Full-shape results or users make it more than a reduction.
  for (Operation *op : graph.getOps(id))
    if (shapeOf(op) == full && !graph.isInner(id, op))
      get(id).kind = KernelKind::Rows;
}

void FusionGroups::mergePointwise(GroupId id) {
  const FusionShape &shape = get(id).shape;
  absorbDefs(id, [&](Operation *def) {
    return isKind(groupOf(def), KernelKind::Pointwise) && shapeOf(def) == shape;
  });
}

void FusionGroups::mergeSiblings() {
  // Pointwise ops that read one value of their own shape, in program order.
  llvm::MapVector<Value, SmallVector<Operation *, 2>> readers;
  for (Operation &op : main.front()) {
    GroupId id = groupOf(&op);
    if (id == FusionGraph::kNone || !isKind(id, KernelKind::Pointwise))
      continue;
    for (Value operand : op.getOperands())
      if (shapeOf(operand) == get(id).shape)
        readers[operand].push_back(&op);
  }
  for (auto &[value, ops] : readers) {
    GroupId into = groupOf(ops.front());
    for (Operation *op : ArrayRef(ops).drop_front()) {
      GroupId other = groupOf(op);
      if (other == into)
        continue;
      if (canMerge(into, other) && !graph.mayDepend(into, other))
        graph.merge(into, other);
      else
        into = other; // what comes later is nearer to it
    }
  }
}

void FusionGroups::absorbSmall(GroupId id) {
  const KernelGroup &group = get(id);
  SmallVector<int64_t> extents = getExtents(group.shape);
  SmallVector<int64_t> fullExtents = getExtents(group.fullShape);
  forEachDef(id, [&](Operation *def) -> Joined {
    auto pointwise = dyn_cast<PointwiseOp>(def);
    if (!pointwise || !isKind(groupOf(def), KernelKind::Pointwise))
      return {};
    FusionShape shape = shapeOf(def);
    if (shape == group.shape || shape == group.fullShape)
      return {};
    // Users inside at whose positions it would be repeated.
    for (Operation *user : def->getUsers()) {
      if (groupOf(user) != id)
        continue;
      if (!isa<PointwiseOp>(user))
        return {}; // operands of contractions are stored
      if (!policy.isCheapToRepeat(pointwise, getResultShape(user)) ||
          !policy.isCheapToRepeat(pointwise, extents) ||
          (!fullExtents.empty() &&
           !policy.isCheapToRepeat(pointwise, fullExtents)))
        return {};
    }
    if (graph.getOps(id).size() >= policy.getMaxOps())
      return {};
    if (!graph.isInner(id, def))
      return {cloneOp(def, id)};
    graph.move(def, id);
    return {def};
  });
}

void FusionGroups::absorbSameShape(GroupId id) {
  const FusionShape &shape = get(id).shape;
  absorbDefs(id, [&](Operation *def) {
    GroupId other = groupOf(def);
    // Not where the contraction itself, or an op before a reduction, needs
    // it.
    return isKind(other, KernelKind::Pointwise) && shapeOf(def) == shape &&
           llvm::all_of(graph.getOps(other), [&](Operation *op) {
             return llvm::all_of(op->getUsers(), [&](Operation *user) {
               return groupOf(user) != id ||
                      (isa<PointwiseOp>(user) && shapeOf(user) == shape);
             });
           });
  });
}

void FusionGroups::eraseDead() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(main.front())))
    if (op.use_empty() && groupOf(&op) != FusionGraph::kNone)
      graph.erase(&op);
}

void FusionGroups::run() {
  // Groups only ever lose their ops to others; empty ones stay in the list.
  GroupId count = graph.getNumGroups();
  auto forEach = [&](KernelKind kind, void (FusionGroups::*step)(GroupId)) {
    for (GroupId id = 0; id < count; ++id)
      if (isKind(id, kind))
        (this->*step)(id);
  };
  forEach(KernelKind::Contraction, &FusionGroups::growContraction);
  forEach(KernelKind::Attention, &FusionGroups::absorbEpilogue);
  forEach(KernelKind::Reduction, &FusionGroups::growReduction);
  eraseDead();
  for (GroupId id = count; id-- > 0;)
    if (isKind(id, KernelKind::Pointwise))
      mergePointwise(id);
  forEach(KernelKind::Contraction, &FusionGroups::absorbSameShape);
  forEach(KernelKind::Attention, &FusionGroups::absorbSameShape);
  forEach(KernelKind::Reduction, &FusionGroups::absorbSameShape);
  mergeSiblings();
  for (GroupId id = count; id-- > 0;)
    if (!graph.getOps(id).empty())
      absorbSmall(id);
  eraseDead();
}

SmallVector<const KernelGroup *> FusionGroups::getSchedule() {
  SmallVector<const KernelGroup *> schedule;
  for (GroupId id : graph.finish()) {
    get(id).ops.assign(graph.getOps(id).begin(), graph.getOps(id).end());
    schedule.push_back(&get(id));
  }
  return schedule;
}

} // namespace fusilli::ir
