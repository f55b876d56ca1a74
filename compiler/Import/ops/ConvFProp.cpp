// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution nodes.
#include "compiler/Import/ops/ConvCommon.h"

namespace fusilli::compiler {

bool importConvFProp(const fbs::ConvFPropAttrs &attrs, NodeImport &node) {
  return importConv<ir::ConvFPropOp>(attrs, node);
}

} // namespace fusilli::compiler
