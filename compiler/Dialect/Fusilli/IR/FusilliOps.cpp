// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Definitions that TableGen generates for the ops.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "compiler/Dialect/Fusilli/IR/FusilliOps.cpp.inc"
