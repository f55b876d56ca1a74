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
  // No constructor of its own: its statistics rely on being zeroed first.
  using FuseDispatchesBase::FuseDispatchesBase;

  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    FusionGroups groups(main, *policy);
    groups.run();
    auto schedule = groups.getSchedule();
    numRecomputed += groups.getNumRecomputed();
    numDispatches += schedule.size();
    numKernels += outlineKernels(getOperation(), main, schedule);
  }

  std::shared_ptr<const FusionPolicy> policy = std::make_shared<FusionPolicy>();
};

} // namespace

std::unique_ptr<Pass>
createFuseDispatches(std::shared_ptr<const FusionPolicy> policy) {
  auto pass = std::make_unique<FuseDispatchesPass>();
  pass->policy = std::move(policy);
  return pass;
}

} // namespace fusilli::ir
