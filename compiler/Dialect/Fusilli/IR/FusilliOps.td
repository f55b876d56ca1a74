// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Table of contents of the ops.
#ifndef FUSILLI_OPS
#define FUSILLI_OPS

include "compiler/Dialect/Fusilli/IR/ops/Batchnorm.td"
include "compiler/Dialect/Fusilli/IR/ops/Constant.td"
include "compiler/Dialect/Fusilli/IR/ops/ConvDGrad.td"
include "compiler/Dialect/Fusilli/IR/ops/ConvFProp.td"
include "compiler/Dialect/Fusilli/IR/ops/ConvWGrad.td"
include "compiler/Dialect/Fusilli/IR/ops/CustomOp.td"
include "compiler/Dialect/Fusilli/IR/ops/Dispatch.td"
include "compiler/Dialect/Fusilli/IR/ops/Extent.td"
include "compiler/Dialect/Fusilli/IR/ops/Layernorm.td"
include "compiler/Dialect/Fusilli/IR/ops/Matmul.td"
include "compiler/Dialect/Fusilli/IR/ops/Pointwise.td"
include "compiler/Dialect/Fusilli/IR/ops/Reduction.td"
include "compiler/Dialect/Fusilli/IR/ops/Reshape.td"
include "compiler/Dialect/Fusilli/IR/ops/Rmsnorm.td"
include "compiler/Dialect/Fusilli/IR/ops/Sdpa.td"

#endif // FUSILLI_OPS
