// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of decisions: contractions take their epilogues, then reductions
// their producers and epilogues, then what is left merges; last, cheap ops that
// broadcast move to where they are used.
#include "compiler/Dialect/Fusilli/Transforms/FusionGroups.h"

#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionCost.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>

using namespace mlir;

namespace fusilli::ir {

namespace {

/// A kernel of kind rows has at least this many rows, or little work.
constexpr int64_t kMinRows = 8;
constexpr int64_t kSmallBytes = 65536;

/// Keeps the compile time of one kernel bounded.
constexpr size_t kMaxKernelOps = 256;

bool isReturned(Operation *op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    return isa<func::ReturnOp>(user);
  });
}

/// Values of shape `shape` that `value` is computed from by pointwise ops
/// alone.
void collectRoots(Value value, ArrayRef<int64_t> shape,
                  llvm::SmallDenseSet<Value> &roots, unsigned depth = 0) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() != shape)
    return;
  roots.insert(value);
  if (auto op = value.getDefiningOp<PointwiseOp>(); op && depth < 16)
    for (Value input : op.getInputs())
      collectRoots(input, shape, roots, depth + 1);
}

} // namespace

FusionGroups::FusionGroups(func::FuncOp main, const FusionLimits &limits)
    : main(main), limits(limits) {
  for (Operation &op : main.front())
    if (!isa<ConstantOp, func::ReturnOp>(op))
      addGroup(&op);
}

void FusionGroups::addGroup(Operation *op) {
  auto group = std::make_unique<KernelGroup>();
  group->shape.assign(getResultShape(op).begin(), getResultShape(op).end());
  group->ops.push_back(op);
  if (isContraction(op)) {
    group->kind = KernelKind::Contraction;
    group->contraction = op;
  } else if (isa<SdpaOp>(op)) {
    group->kind = KernelKind::Attention;
  } else if (isa<CustomOp>(op)) {
    group->kind = KernelKind::Custom;
  } else if (auto reduction = dyn_cast<ReductionOp>(op)) {
    group->kind = KernelKind::Reduction;
    ArrayRef<int64_t> full = reduction.getX().getType().getShape();
    group->fullShape.assign(full.begin(), full.end());
    group->reducedDims = reduction.getReducedDims();
  }
  groupIds[op] = groups.size();
  groups.push_back(std::move(group));
}

void FusionGroups::sortOps(GroupId id) {
  llvm::sort(get(id).ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
}

SmallVector<Operation *> FusionGroups::getOuterUsers(GroupId id) const {
  llvm::SetVector<Operation *> users;
  for (Operation *op : get(id).ops)
    for (Operation *user : op->getUsers())
      if (isGrouped(user) && groupOf(user) != id)
        users.insert(user);
  SmallVector<Operation *> sorted = users.takeVector();
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return sorted;
}

SmallVector<Operation *> FusionGroups::getOuterDefs(GroupId id) const {
  llvm::SetVector<Operation *> defs;
  for (Operation *op : get(id).ops)
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp())
        if (isGrouped(def) && groupOf(def) != id)
          defs.insert(def);
  SmallVector<Operation *> sorted = defs.takeVector();
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return sorted;
}

bool FusionGroups::hasIndirectPath(GroupId from, GroupId to) const {
  llvm::SmallDenseSet<GroupId> seen = {from};
  SmallVector<GroupId> pending;
  auto visitUsers = [&](GroupId id) {
    for (Operation *op : get(id).ops)
      for (Operation *user : op->getUsers()) {
        if (!isGrouped(user))
          continue;
        GroupId next = groupOf(user);
        if (next == to) {
          if (id != from)
            return true;
          continue;
        }
        if (seen.insert(next).second)
          pending.push_back(next);
      }
    return false;
  };
  if (visitUsers(from))
    return true;
  while (!pending.empty())
    if (visitUsers(pending.pop_back_val()))
      return true;
  return false;
}

bool FusionGroups::hasAnyPath(GroupId from, GroupId to) const {
  for (Operation *user : getOuterUsers(from))
    if (groupOf(user) == to)
      return true;
  return hasIndirectPath(from, to);
}

bool FusionGroups::canMerge(GroupId a, GroupId b) const {
  return a != b && get(a).ops.size() + get(b).ops.size() <= kMaxKernelOps &&
         !hasIndirectPath(a, b) && !hasIndirectPath(b, a);
}

void FusionGroups::merge(GroupId into, GroupId from) {
  for (Operation *op : get(from).ops) {
    groupIds[op] = into;
    get(into).ops.push_back(op);
  }
  get(from).ops.clear();
  sortOps(into);
}

void FusionGroups::moveOp(Operation *op, GroupId into) {
  llvm::erase(get(groupOf(op)).ops, op);
  groupIds[op] = into;
  get(into).ops.push_back(op);
  sortOps(into);
}

void FusionGroups::cloneOp(Operation *op, GroupId into) {
  OpBuilder builder(op);
  Operation *clone = builder.clone(*op);
  groupIds[clone] = into;
  op->getResult(0).replaceUsesWithIf(clone->getResult(0), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    return isGrouped(user) && groupOf(user) == into;
  });
  get(into).ops.push_back(clone);
  sortOps(into);
  ++numRecomputed;
}

void FusionGroups::growForward(GroupId id,
                               function_ref<bool(Operation *)> accept) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (Operation *user : getOuterUsers(id)) {
      GroupId other = groupOf(user);
      if (get(other).kind != KernelKind::Pointwise || other == id ||
          !accept(user) || !canMerge(id, other))
        continue;
      merge(id, other);
      changed = true;
    }
  }
}

void FusionGroups::growContraction(GroupId id) {
  ArrayRef<int64_t> shape = get(id).shape;
  growForward(id, [&](Operation *op) { return getResultShape(op) == shape; });
}

void FusionGroups::bundleReductions(GroupId id) {
  auto getInput = [](const KernelGroup &group) {
    return cast<ReductionOp>(group.ops.front()).getX();
  };
  llvm::SmallDenseSet<Value> roots;
  collectRoots(getInput(get(id)), get(id).fullShape, roots);
  for (GroupId other = id + 1; other < groups.size(); ++other) {
    const KernelGroup &group = get(other);
    if (group.kind != KernelKind::Reduction || group.ops.size() != 1 ||
        group.fullShape != get(id).fullShape ||
        group.reducedDims != get(id).reducedDims)
      continue;
    llvm::SmallDenseSet<Value> otherRoots;
    collectRoots(getInput(group), group.fullShape, otherRoots);
    bool shared =
        llvm::any_of(otherRoots, [&](Value v) { return roots.contains(v); });
    if (shared && canMerge(id, other) && !hasAnyPath(id, other) &&
        !hasAnyPath(other, id))
      merge(id, other);
  }
}

void FusionGroups::absorbProducers(GroupId id) {
  int64_t budget = kMaxRecomputeWeight;
  ArrayRef<int64_t> full = get(id).fullShape;
  llvm::SmallPtrSet<Operation *, 8> rejected;
  while (true) {
    Operation *next = nullptr;
    SmallVector<Operation *> defs = getOuterDefs(id);
    for (Operation *def : llvm::reverse(defs))
      if (getResultShape(def) == full && !rejected.contains(def) &&
          get(groupOf(def)).kind == KernelKind::Pointwise) {
        next = def;
        break;
      }
    if (!next)
      return;
    bool inner = !isReturned(next) &&
                 llvm::all_of(next->getUsers(), [&](Operation *user) {
                   return isGrouped(user) && groupOf(user) == id;
                 });
    if (inner) {
      moveOp(next, id);
      continue;
    }
    // Full tensors that computing it again would read, and that are not read
    // anyway: more than one is more than reading its result.
    llvm::SmallDenseSet<Value> reads;
    for (Value operand : next->getOperands())
      if (cast<RankedTensorType>(operand.getType()).getShape() == full &&
          llvm::none_of(operand.getUsers(), [&](Operation *user) {
            return isGrouped(user) && groupOf(user) == id;
          }))
        reads.insert(operand);
    int64_t weight = getWeight(cast<PointwiseOp>(next).getMode());
    if (weight > budget || reads.size() > 1) {
      rejected.insert(next);
      continue;
    }
    budget -= weight;
    cloneOp(next, id);
  }
}

void FusionGroups::growReduction(GroupId id) {
  bundleReductions(id);
  if (limits.rowGroups && canBeRows(get(id))) {
    growRows(id);
    return;
  }
  absorbProducers(id);
  ArrayRef<int64_t> shape = get(id).shape;
  growForward(id, [&](Operation *op) { return getResultShape(op) == shape; });
}

bool FusionGroups::canBeRows(const KernelGroup &group) const {
  // The reduced dimensions are the last ones, but for extents of 1.
  int64_t row = 1, rows = 1;
  size_t first = group.reducedDims.front();
  for (size_t i = 0; i < first; ++i)
    rows *= group.fullShape[i];
  for (size_t i = first; i < group.fullShape.size(); ++i) {
    if (group.fullShape[i] != 1 &&
        !llvm::is_contained(group.reducedDims, int64_t(i)))
      return false;
    row *= group.fullShape[i];
  }
  auto reduction = cast<ReductionOp>(group.ops.front());
  int64_t bytes =
      row * getElementBytes(reduction.getX().getType().getElementType());
  // Rows are what threads share: large rows should be many.
  return bytes <= limits.maxRowBytes &&
         (rows >= kMinRows || bytes * rows <= kSmallBytes);
}

void FusionGroups::growRows(GroupId id) {
  auto accept = [&](Operation *op) {
    const KernelGroup &other = get(groupOf(op));
    ArrayRef<int64_t> shape = getResultShape(op);
    if (other.kind == KernelKind::Pointwise)
      return shape == ArrayRef<int64_t>(get(id).fullShape) ||
             shape == ArrayRef<int64_t>(get(id).shape);
    return other.kind == KernelKind::Reduction && other.ops.size() == 1 &&
           other.fullShape == get(id).fullShape &&
           other.reducedDims == get(id).reducedDims;
  };
  bool changed = true;
  while (changed) {
    changed = false;
    SmallVector<Operation *> near = getOuterUsers(id);
    llvm::append_range(near, getOuterDefs(id));
    for (Operation *op : near) {
      GroupId other = groupOf(op);
      if (other == id || !accept(op) || !canMerge(id, other))
        continue;
      merge(id, other);
      changed = true;
    }
  }
  // Full-shape results or users make it more than a reduction.
  for (Operation *op : get(id).ops)
    if (getResultShape(op) == ArrayRef<int64_t>(get(id).fullShape) &&
        (isReturned(op) || llvm::any_of(op->getUsers(), [&](Operation *user) {
           return isGrouped(user) && groupOf(user) != id;
         })))
      get(id).kind = KernelKind::Rows;
  for (Operation *op : get(id).ops)
    if (isa<ReductionOp>(op))
      for (Operation *user : op->getUsers())
        if (isGrouped(user) && groupOf(user) == id &&
            getResultShape(user) == ArrayRef<int64_t>(get(id).fullShape))
          get(id).kind = KernelKind::Rows;
}

void FusionGroups::mergePointwise(GroupId id) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (Operation *def : getOuterDefs(id)) {
      GroupId other = groupOf(def);
      if (other == id || get(other).kind != KernelKind::Pointwise ||
          getResultShape(def) != ArrayRef<int64_t>(get(id).shape) ||
          !canMerge(id, other))
        continue;
      merge(id, other);
      changed = true;
    }
  }
}

void FusionGroups::mergeSiblings(GroupId id) {
  ArrayRef<int64_t> shape = get(id).shape;
  llvm::SmallDenseSet<Value> reads;
  auto addReads = [&](const KernelGroup &group) {
    for (Operation *op : group.ops)
      for (Value operand : op->getOperands())
        if (cast<RankedTensorType>(operand.getType()).getShape() == shape)
          reads.insert(operand);
  };
  addReads(get(id));
  for (GroupId other = id + 1; other < groups.size(); ++other) {
    const KernelGroup &group = get(other);
    if (group.kind != KernelKind::Pointwise || group.ops.empty() ||
        ArrayRef<int64_t>(group.shape) != shape)
      continue;
    bool shared = llvm::any_of(group.ops, [&](Operation *op) {
      return llvm::any_of(op->getOperands(),
                          [&](Value v) { return reads.contains(v); });
    });
    if (!shared || !canMerge(id, other) || hasAnyPath(id, other) ||
        hasAnyPath(other, id))
      continue;
    addReads(group);
    merge(id, other);
  }
}

bool FusionGroups::absorbOne(GroupId id, Operation *op) {
  auto pointwise = dyn_cast<PointwiseOp>(op);
  if (!pointwise || get(groupOf(op)).kind != KernelKind::Pointwise)
    return false;
  // Users inside at whose positions it would be repeated.
  bool cheap = true, used = false;
  for (Operation *user : op->getUsers()) {
    if (!isGrouped(user) || groupOf(user) != id)
      continue;
    if (!isa<PointwiseOp>(user))
      return false; // operands of contractions are stored
    used = true;
    cheap &= isCheapToRepeat(pointwise, getResultShape(user)) &&
             isCheapToRepeat(pointwise, get(id).shape) &&
             (get(id).fullShape.empty() ||
              isCheapToRepeat(pointwise, get(id).fullShape));
  }
  if (!used || !cheap)
    return false;
  bool inner =
      !isReturned(op) && llvm::all_of(op->getUsers(), [&](Operation *user) {
        return isGrouped(user) && groupOf(user) == id;
      });
  if (inner)
    moveOp(op, id);
  else
    cloneOp(op, id);
  return true;
}

void FusionGroups::absorbSmall(GroupId id) {
  bool changed = true;
  while (changed) {
    changed = false;
    SmallVector<Operation *> defs = getOuterDefs(id);
    for (Operation *def : llvm::reverse(defs)) {
      ArrayRef<int64_t> shape = getResultShape(def);
      if (shape == ArrayRef<int64_t>(get(id).shape) ||
          shape == ArrayRef<int64_t>(get(id).fullShape))
        continue;
      if (absorbOne(id, def)) {
        changed = true;
        break;
      }
    }
  }
}

void FusionGroups::absorbSameShape(GroupId id) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (Operation *def : getOuterDefs(id)) {
      GroupId other = groupOf(def);
      if (get(other).kind != KernelKind::Pointwise ||
          getResultShape(def) != ArrayRef<int64_t>(get(id).shape) ||
          !canMerge(id, other))
        continue;
      // Not where the contraction itself, or an op before a reduction, needs
      // it.
      bool afterwards = llvm::all_of(get(other).ops, [&](Operation *op) {
        return llvm::all_of(op->getUsers(), [&](Operation *user) {
          return !isGrouped(user) || groupOf(user) != id ||
                 (isa<PointwiseOp>(user) &&
                  getResultShape(user) == ArrayRef<int64_t>(get(id).shape));
        });
      });
      if (!afterwards)
        continue;
      merge(id, other);
      changed = true;
      break;
    }
  }
}

void FusionGroups::eraseDead() {
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(main.front()))) {
    if (!op.use_empty() || !isGrouped(&op))
      continue;
    llvm::erase(get(groupOf(&op)).ops, &op);
    groupIds.erase(&op);
    op.erase();
  }
}

void FusionGroups::run() {
  // Groups only ever lose their ops to others; empty ones stay in the list.
  size_t count = groups.size();
  auto forEach = [&](KernelKind kind, void (FusionGroups::*step)(GroupId)) {
    for (GroupId id = 0; id < count; ++id)
      if (!get(id).ops.empty() && get(id).kind == kind)
        (this->*step)(id);
  };
  forEach(KernelKind::Contraction, &FusionGroups::growContraction);
  forEach(KernelKind::Reduction, &FusionGroups::growReduction);
  eraseDead();
  forEach(KernelKind::Pointwise, &FusionGroups::mergePointwise);
  forEach(KernelKind::Contraction, &FusionGroups::absorbSameShape);
  forEach(KernelKind::Reduction, &FusionGroups::absorbSameShape);
  forEach(KernelKind::Pointwise, &FusionGroups::mergeSiblings);
  for (GroupId id = count; id-- > 0;)
    if (!get(id).ops.empty())
      absorbSmall(id);
  eraseDead();
}

SmallVector<const KernelGroup *> FusionGroups::getSchedule() const {
  // By depth in the graph of groups, then by the first op: kernels of one depth
  // need no barrier between them.
  llvm::DenseMap<GroupId, unsigned> depths, missing;
  SmallVector<GroupId> ready;
  auto getDefGroups = [&](GroupId id) {
    llvm::SmallSetVector<GroupId, 4> ids;
    for (Operation *def : getOuterDefs(id))
      ids.insert(groupOf(def));
    return ids;
  };
  for (GroupId id = 0; id < groups.size(); ++id) {
    if (get(id).ops.empty())
      continue;
    missing[id] = getDefGroups(id).size();
    if (missing[id] == 0)
      ready.push_back(id);
  }
  SmallVector<std::pair<unsigned, const KernelGroup *>> order;
  while (!ready.empty()) {
    GroupId id = ready.pop_back_val();
    unsigned depth = depths[id];
    order.emplace_back(depth, groups[id].get());
    llvm::SmallSetVector<GroupId, 4> users;
    for (Operation *user : getOuterUsers(id))
      users.insert(groupOf(user));
    for (GroupId user : users) {
      depths[user] = std::max(depths[user], depth + 1);
      if (--missing[user] == 0)
        ready.push_back(user);
    }
  }
  llvm::sort(order, [](const auto &a, const auto &b) {
    if (a.first != b.first)
      return a.first < b.first;
    return a.second->ops.front()->isBeforeInBlock(b.second->ops.front());
  });
  SmallVector<const KernelGroup *> schedule;
  for (auto [depth, group] : order)
    schedule.push_back(group);
  return schedule;
}

} // namespace fusilli::ir
