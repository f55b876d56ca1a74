// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect itself: registration of ops and attributes, constants.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.cpp.inc"
#include "compiler/Dialect/Fusilli/IR/FusilliEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/Fusilli/IR/FusilliAttrs.cpp.inc"

namespace fusilli::ir {

void FusilliDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "compiler/Dialect/Fusilli/IR/FusilliOps.cpp.inc"
      >();
}

void FusilliDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/Dialect/Fusilli/IR/FusilliAttrs.cpp.inc"
      >();
}

Operation *FusilliDialect::materializeConstant(OpBuilder &builder,
                                               Attribute value, Type type,
                                               Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements, StringAttr());
}

} // namespace fusilli::ir
