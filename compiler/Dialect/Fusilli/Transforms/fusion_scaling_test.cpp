// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The time of fusion grows with the number of ops, not with its square.

#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

using namespace mlir;

namespace fusilli::ir {
namespace {

class SmallKernels : public FusionPolicy {
public:
  size_t getMaxOps() const override { return 256; }
};

using Grow = std::function<SmallVector<Value>(OpBuilder &, Location,
                                              SmallVector<Value>)>;

/// `@main` of about `count` ops: `grow` adds some to the values so far.
OwningOpRef<ModuleOp> makeGraph(MLIRContext &context, unsigned count,
                                const Grow &grow) {
  OpBuilder builder(&context);
  Location loc = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  auto type = RankedTensorType::get({64, 64}, builder.getF32Type());
  builder.setInsertionPointToEnd(module->getBody());
  auto main = func::FuncOp::create(builder, loc, kMainName,
                                   builder.getFunctionType({type, type}, type));
  Block *body = main.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  SmallVector<Value> values = {body->getArgument(0), body->getArgument(1)};
  while (body->getOperations().size() < count)
    values = grow(builder, loc, values);
  func::ReturnOp::create(builder, loc, values.front());
  return module;
}

/// Seconds of the fastest of some runs.
double timeFusion(unsigned count, const Grow &grow) {
  MLIRContext context;
  context.loadDialect<FusilliDialect, func::FuncDialect>();
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    OwningOpRef<ModuleOp> module = makeGraph(context, count, grow);
    PassManager passes(&context);
    passes.enableVerifier(false);
    passes.addPass(createFuseDispatches(std::make_shared<SmallKernels>()));
    auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(succeeded(passes.run(*module)));
    std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count());
  }
  return best;
}

Value pointwise(OpBuilder &b, Location loc, PointwiseMode mode,
                ArrayRef<Value> inputs) {
  return PointwiseOp::create(b, loc, inputs.front().getType(), mode, inputs);
}

SmallVector<Value> growChain(OpBuilder &b, Location loc,
                             SmallVector<Value> values) {
  values[0] = pointwise(b, loc, PointwiseMode::RELU_FWD, {values[0]});
  return values;
}

/// A block of a network: matmul, residual, gelu, softmax.
SmallVector<Value> growMixed(OpBuilder &b, Location loc,
                             SmallVector<Value> values) {
  auto type = cast<RankedTensorType>(values[0].getType());
  auto row = RankedTensorType::get({64, 1}, type.getElementType());
  Value x = MatmulOp::create(b, loc, type, values[0], values[1], StringAttr());
  x = pointwise(b, loc, PointwiseMode::ADD, {x, values[0]});
  x = pointwise(b, loc, PointwiseMode::GELU_FWD, {x});
  Value max =
      ReductionOp::create(b, loc, row, ReductionMode::MAX, x, StringAttr());
  x = pointwise(b, loc, PointwiseMode::SUB, {x, max});
  x = pointwise(b, loc, PointwiseMode::EXP, {x});
  Value sum =
      ReductionOp::create(b, loc, row, ReductionMode::SUM, x, StringAttr());
  values[0] = pointwise(b, loc, PointwiseMode::DIV, {x, sum});
  return values;
}

/// Many readers of one value.
SmallVector<Value> growFan(OpBuilder &b, Location loc,
                           SmallVector<Value> values) {
  Value x = pointwise(b, loc, PointwiseMode::EXP, {values[1]});
  values[0] = pointwise(b, loc, PointwiseMode::ADD, {values[0], x});
  return values;
}

void expectNearLinear(const char *name, const Grow &grow) {
  double small = timeFusion(1000, grow), large = timeFusion(8000, grow);
  std::printf("%s: 1000 ops %.2f ms, 8000 ops %.2f ms\n", name, small * 1e3,
              large * 1e3);
  // 8 if linear, 64 if quadratic.
  EXPECT_LT(large, 24 * small) << name;
}

TEST(FusionScaling, Chain) { expectNearLinear("chain", growChain); }
TEST(FusionScaling, Mixed) { expectNearLinear("mixed", growMixed); }
TEST(FusionScaling, Fan) { expectNearLinear("fan", growFan); }

} // namespace
} // namespace fusilli::ir
