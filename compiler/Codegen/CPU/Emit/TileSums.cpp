// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of accumulators between blocks of the reduction.

#include "compiler/Codegen/CPU/Emit/TileSums.h"

using namespace mlir;

namespace fusilli::compiler {

SmallVector<Value> TileSums::start(Value number, Value isFirst,
                                   ArrayRef<Value> columns) {
  SmallVector<Value> init;
  for (int64_t i = 0; i < rows; ++i)
    init.append(columns.begin(), columns.end());
  if (!memory)
    return init;
  auto &b = k.builder();
  SmallVector<Type> types(init.size(), k.vectorType(element, lanes));
  auto branch = scf::IfOp::create(b, types, isFirst, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, init);
  b.setInsertionPointToEnd(branch.elseBlock());
  Value at = k.mulIndex(number, size());
  SmallVector<Value> kept;
  for (int64_t i = 0; i < rows * vectors; ++i)
    kept.push_back(k.load(memory, k.addIndex(at, i * lanes), lanes, lanes, 1));
  scf::YieldOp::create(b, kept);
  return SmallVector<Value>(branch.getResults());
}

void TileSums::finish(ArrayRef<Value> acc, Value number, Value isLast,
                      llvm::function_ref<void()> epilogue) {
  if (!memory) {
    epilogue();
    return;
  }
  k.ifThenElse(isLast, epilogue, [&] {
    Value at = k.mulIndex(number, size());
    for (auto [i, v] : llvm::enumerate(acc))
      k.store(v, memory, k.addIndex(at, int64_t(i) * lanes), lanes, 1);
  });
}

} // namespace fusilli::compiler
