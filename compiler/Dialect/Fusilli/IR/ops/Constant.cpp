// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

using namespace mlir;

namespace fusilli::ir {

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

} // namespace fusilli::ir
