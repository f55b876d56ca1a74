// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes of the gradient of a convolution's weights.
#include "compiler/Import/ops/ConvCommon.h"

namespace fusilli::compiler {

bool importConvWGrad(const fbs::ConvWGradAttrs &attrs, NodeImport &node) {
  return importConv<ir::ConvWGradOp>(attrs, node);
}

} // namespace fusilli::compiler
