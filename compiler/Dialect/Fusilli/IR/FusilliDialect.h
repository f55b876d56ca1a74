// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect's C++ face: op, attribute and enum classes of namespace
// fusilli::ir, and the dialect class with the names of its function attributes.
#ifndef COMPILER_DIALECT_FUSILLI_IR_FUSILLIDIALECT_H
#define COMPILER_DIALECT_FUSILLI_IR_FUSILLIDIALECT_H

#include "compiler/Dialect/Fusilli/IR/SymbolicDims.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

// clang-format off
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h.inc"
#include "compiler/Dialect/Fusilli/IR/FusilliEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/Fusilli/IR/FusilliAttrs.h.inc"
#include "compiler/Dialect/Fusilli/IR/FusilliInterfaces.h.inc"
#define GET_OP_CLASSES
#include "compiler/Dialect/Fusilli/IR/FusilliOps.h.inc"
// clang-format on

#endif // COMPILER_DIALECT_FUSILLI_IR_FUSILLIDIALECT_H
