// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-fuse-dispatches: fusilli ops in @main in, kernels and their calls
// out. FusionGroups decides what goes together, OutlineKernels makes the
// functions.
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionGroups.h"
#include "compiler/Dialect/Fusilli/Transforms/OutlineKernels.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_FUSEDISPATCHES
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

struct FuseDispatchesPass
    : public impl::FuseDispatchesBase<FuseDispatchesPass> {
  using FuseDispatchesBase::FuseDispatchesBase;

  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    FusionGroups groups(main, {rowGroups, maxRowBytes});
    groups.run();
    auto schedule = groups.getSchedule();
    numRecomputed += groups.getNumRecomputed();
    numDispatches += schedule.size();
    numKernels += outlineKernels(getOperation(), main, schedule);
  }
};

} // namespace
} // namespace fusilli::ir
