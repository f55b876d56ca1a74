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
  explicit FuseDispatchesPass(std::shared_ptr<const FusionPolicy> policy =
                                  std::make_shared<FusionPolicy>())
      : policy(std::move(policy)) {}

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

private:
  std::shared_ptr<const FusionPolicy> policy;
};

} // namespace

std::unique_ptr<Pass>
createFuseDispatches(std::shared_ptr<const FusionPolicy> policy) {
  return std::make_unique<FuseDispatchesPass>(std::move(policy));
}

} // namespace fusilli::ir
