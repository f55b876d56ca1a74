// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A partition of the ops of one block, and the graph of its groups, which has
// no cycles. Every group has a level above those of the groups that it uses, so
// that a search for a path between two groups looks only at what lies between
// their levels.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGRAPH_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGRAPH_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/IR/Block.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

namespace fusilli::ir {

/// Ops are grouped one by one with addGroup; all others do not count, but for
/// reshapes, which hand on what they are a view of.
///
/// Thread safety: externally synchronised with all users of the block.
class FusionGraph {
public:
  using GroupId = unsigned;
  static constexpr GroupId kNone = ~0u;

  /// A group of one op. Ops are added in program order.
  GroupId addGroup(mlir::Operation *op);
  /// Number of groups that were ever made; ids are below it.
  GroupId getNumGroups() const { return groups.size(); }

  /// Group of an op; kNone for ops that are not grouped.
  GroupId groupOf(mlir::Operation *op) const;
  bool contains(GroupId id, mlir::Operation *op) const {
    return groupOf(op) == id;
  }
  /// Ops in no particular order; none once the group has been merged away.
  llvm::ArrayRef<mlir::Operation *> getOps(GroupId id) const {
    return groups[id].ops;
  }
  unsigned getLevel(GroupId id) const { return groups[id].level; }
  /// Sorts by program order, a clone just before what it was cloned from.
  void sort(llvm::SmallVectorImpl<mlir::Operation *> &ops) const;

  /// Calls `visit` for each grouped user of `op`; `isView` if the user sees the
  /// result through a reshape.
  void forEachUser(
      mlir::Operation *op,
      llvm::function_ref<void(mlir::Operation *user, bool isView)> visit) const;
  /// The grouped users and definitions of operands outside of the group, not
  /// through reshapes, in program order.
  llvm::SmallVector<mlir::Operation *>
  getOuterUsers(GroupId id, llvm::ArrayRef<mlir::Operation *> ops) const;
  llvm::SmallVector<mlir::Operation *>
  getOuterDefs(GroupId id, llvm::ArrayRef<mlir::Operation *> ops) const;
  /// Whether all users of `op` are in the group: no other group, no reshape, no
  /// ungrouped op needs it.
  bool isInner(GroupId id, mlir::Operation *op) const;

  /// Whether the two can be one group without a cycle. Gives up, and says no,
  /// after a bounded search.
  bool canMerge(GroupId a, GroupId b) const;
  /// Whether there is a way from one of the two to the other, or the search for
  /// it was given up.
  bool mayDepend(GroupId a, GroupId b) const;

  /// Moves all ops of `from` to `into`; canMerge(into, from) holds.
  void merge(GroupId into, GroupId from);
  /// Moves one op, whose users are all in `into`, there.
  void move(mlir::Operation *op, GroupId into);
  /// Clones `op` in front of itself into the group, whose ops then use the
  /// clone.
  mlir::Operation *clone(mlir::Operation *op, GroupId into);
  /// Erases the op, which nothing uses, from group and block.
  void erase(mlir::Operation *op);

  /// The groups by level, then by their first op, each with its ops sorted:
  /// those of one level do not depend on each other.
  llvm::SmallVector<GroupId> finish();

private:
  struct Group {
    llvm::SmallVector<mlir::Operation *, 2> ops;
    unsigned level = 0;
  };

  /// Calls `visit(group, isView)` for each group that uses results of `id`.
  void forEachUserGroup(GroupId id,
                        llvm::function_ref<void(GroupId, bool)> visit) const;
  /// Whether a way leads from `from` to `to` through other groups or a
  /// reshape, or none was found in a bounded search.
  bool hasIndirectPath(GroupId from, GroupId to) const;
  bool uses(GroupId user, GroupId def) const;
  /// Raises the level to at least `level`, and those of the users above it.
  void raise(GroupId id, unsigned level);
  void raiseUsers(GroupId id);
  unsigned getLevelAfterDefs(GroupId id) const;
  void add(mlir::Operation *op, GroupId into);

  std::vector<Group> groups;
  llvm::DenseMap<mlir::Operation *, GroupId> groupIds;
  llvm::DenseMap<mlir::Operation *, uint64_t> numbers; ///< program order
};

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGRAPH_H
