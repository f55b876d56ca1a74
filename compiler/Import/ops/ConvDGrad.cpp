// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes of the gradient of a convolution's data.
#include "compiler/Import/ops/ConvCommon.h"

namespace fusilli::compiler {

bool importConvDGrad(const fbs::ConvDGradAttrs &attrs, NodeImport &node) {
  return importConv<ir::ConvDGradOp>(attrs, node,
                                     /*phase=*/mlir::DenseI64ArrayAttr());
}

} // namespace fusilli::compiler
