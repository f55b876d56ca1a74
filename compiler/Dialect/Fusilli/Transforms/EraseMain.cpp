// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-erase-main: the host program is planned, code generation sees
// kernels.
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_ERASEMAIN
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

struct EraseMainPass : public impl::EraseMainBase<EraseMainPass> {
  void runOnOperation() override {
    if (func::FuncOp main = getMain(getOperation()))
      main.erase();
  }
};

} // namespace
} // namespace fusilli::ir
