// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Levels are kept while groups merge: a merged group has the higher level of
// the two, and what used the lower one is raised where it must be.
#include "compiler/Dialect/Fusilli/Transforms/FusionGraph.h"

#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fusilli::ir {

namespace {

/// Groups that one search for a path visits at most. A longer way round is no
/// loss: what lies so far apart shares no cache.
constexpr size_t kMaxSearch = 64;

/// Distance of program numbers, so that clones fit in between.
constexpr uint64_t kStep = uint64_t(1) << 24;

} // namespace

FusionGraph::GroupId FusionGraph::addGroup(Operation *op) {
  GroupId id = groups.size();
  numbers[op] = (numbers.size() + 1) * kStep;
  groupIds[op] = id;
  groups.emplace_back();
  groups.back().ops.push_back(op);
  groups.back().level = getLevelAfterDefs(id);
  return id;
}

FusionGraph::GroupId FusionGraph::groupOf(Operation *op) const {
  auto it = groupIds.find(op);
  return it == groupIds.end() ? kNone : it->second;
}

void FusionGraph::sort(SmallVectorImpl<Operation *> &ops) const {
  llvm::sort(ops, [&](Operation *a, Operation *b) {
    return numbers.lookup(a) < numbers.lookup(b);
  });
}

void FusionGraph::forEachUser(
    Operation *op, function_ref<void(Operation *, bool)> visit) const {
  for (Operation *user : op->getUsers()) {
    if (groupIds.contains(user))
      visit(user, false);
    else if (isa<ReshapeOp>(user))
      forEachUser(user, [&](Operation *behind, bool) { visit(behind, true); });
  }
}

SmallVector<Operation *>
FusionGraph::getOuterUsers(GroupId id, ArrayRef<Operation *> ops) const {
  llvm::SmallSetVector<Operation *, 8> users;
  for (Operation *op : ops)
    forEachUser(op, [&](Operation *user, bool isView) {
      if (!isView && groupOf(user) != id)
        users.insert(user);
    });
  SmallVector<Operation *> sorted(users.getArrayRef());
  sort(sorted);
  return sorted;
}

SmallVector<Operation *>
FusionGraph::getOuterDefs(GroupId id, ArrayRef<Operation *> ops) const {
  llvm::SmallSetVector<Operation *, 8> defs;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp())
        if (GroupId other = groupOf(def); other != kNone && other != id)
          defs.insert(def);
  SmallVector<Operation *> sorted(defs.getArrayRef());
  sort(sorted);
  return sorted;
}

bool FusionGraph::isInner(GroupId id, Operation *op) const {
  return llvm::all_of(op->getUsers(),
                      [&](Operation *user) { return groupOf(user) == id; });
}

void FusionGraph::forEachUserGroup(
    GroupId id, function_ref<void(GroupId, bool)> visit) const {
  for (Operation *op : groups[id].ops)
    forEachUser(op, [&](Operation *user, bool isView) {
      if (GroupId other = groupOf(user); other != id || isView)
        visit(other, isView);
    });
}

bool FusionGraph::hasIndirectPath(GroupId from, GroupId to) const {
  unsigned limit = groups[to].level;
  llvm::SmallDenseSet<GroupId, 16> seen = {from};
  SmallVector<GroupId> pending = {from};
  bool found = false;
  while (!pending.empty() && !found) {
    GroupId id = pending.pop_back_val();
    forEachUserGroup(id, [&](GroupId user, bool isView) {
      if (user == to)
        found |= id != from || isView;
      else if (groups[user].level < limit && seen.insert(user).second)
        pending.push_back(user);
    });
    found |= seen.size() > kMaxSearch;
  }
  return found;
}

bool FusionGraph::uses(GroupId user, GroupId def) const {
  bool found = false;
  forEachUserGroup(def, [&](GroupId id, bool) { found |= id == user; });
  return found;
}

bool FusionGraph::canMerge(GroupId a, GroupId b) const {
  if (a == b)
    return false;
  // A way can only lead to a higher level.
  if (groups[a].level < groups[b].level)
    return !hasIndirectPath(a, b);
  return groups[a].level == groups[b].level || !hasIndirectPath(b, a);
}

bool FusionGraph::mayDepend(GroupId a, GroupId b) const {
  if (groups[a].level == groups[b].level)
    return false;
  if (groups[a].level > groups[b].level)
    std::swap(a, b);
  return uses(b, a) || hasIndirectPath(a, b);
}

void FusionGraph::raise(GroupId id, unsigned level) {
  if (groups[id].level >= level)
    return;
  groups[id].level = level;
  raiseUsers(id);
}

void FusionGraph::raiseUsers(GroupId id) {
  SmallVector<GroupId> pending = {id};
  while (!pending.empty()) {
    GroupId next = pending.pop_back_val();
    unsigned level = groups[next].level + 1;
    forEachUserGroup(next, [&](GroupId user, bool) {
      if (groups[user].level >= level)
        return;
      groups[user].level = level;
      pending.push_back(user);
    });
  }
}

unsigned FusionGraph::getLevelAfterDefs(GroupId id) const {
  unsigned level = 0;
  for (Operation *op : groups[id].ops)
    for (Value operand : op->getOperands())
      if (Operation *def = skipReshape(operand).getDefiningOp())
        if (GroupId other = groupOf(def); other != kNone && other != id)
          level = std::max(level, groups[other].level + 1);
  return level;
}

void FusionGraph::add(Operation *op, GroupId into) {
  groupIds[op] = into;
  groups[into].ops.push_back(op);
}

void FusionGraph::merge(GroupId into, GroupId from) {
  for (Operation *op : groups[from].ops)
    add(op, into);
  unsigned lower = std::min(groups[into].level, groups[from].level);
  groups[into].level = std::max(groups[into].level, groups[from].level);
  groups[from].ops.clear();
  if (lower != groups[into].level)
    raiseUsers(into);
}

void FusionGraph::move(Operation *op, GroupId into) {
  llvm::erase(groups[groupOf(op)].ops, op);
  add(op, into);
  raise(into, getLevelAfterDefs(into));
}

Operation *FusionGraph::clone(Operation *op, GroupId into) {
  OpBuilder builder(op);
  Operation *clone = builder.clone(*op);
  // Clones of one op in a row share its place.
  numbers[clone] = numbers.lookup(op) - 1;
  op->getResult(0).replaceUsesWithIf(clone->getResult(0), [&](OpOperand &use) {
    return groupOf(use.getOwner()) == into;
  });
  add(clone, into);
  raise(into, getLevelAfterDefs(into));
  return clone;
}

void FusionGraph::erase(Operation *op) {
  llvm::erase(groups[groupOf(op)].ops, op);
  groupIds.erase(op);
  numbers.erase(op);
  op->erase();
}

SmallVector<FusionGraph::GroupId> FusionGraph::finish() {
  SmallVector<GroupId> order;
  for (GroupId id = 0; id < groups.size(); ++id) {
    if (groups[id].ops.empty())
      continue;
    sort(groups[id].ops);
    order.push_back(id);
  }
  // Levels have become too high where groups between two others went away.
  llvm::sort(order, [&](GroupId a, GroupId b) {
    return std::pair(groups[a].level, a) < std::pair(groups[b].level, b);
  });
  for (GroupId id : order)
    groups[id].level = getLevelAfterDefs(id);
  llvm::sort(order, [&](GroupId a, GroupId b) {
    return std::pair(groups[a].level, numbers.lookup(groups[a].ops.front())) <
           std::pair(groups[b].level, numbers.lookup(groups[b].ops.front()));
  });
  return order;
}

} // namespace fusilli::ir
