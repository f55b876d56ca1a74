// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the op definitions share: element types, tensors, the op class.
#ifndef FUSILLI_BASE
#define FUSILLI_BASE

include "compiler/Dialect/Fusilli/IR/FusilliAttrs.td"
include "compiler/Dialect/Fusilli/IR/FusilliInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Fusilli_Element
    : AnyTypeOf<[F16, BF16, F32, F64, I1, I8, I16, I32, I64]>;
def Fusilli_Tensor : StaticShapeTensorOf<[Fusilli_Element]>;

/// An op that computes tensors from tensors: no effects, a node name, and
/// results that are stored in full (no broadcast strides).
class Fusilli_Op<string mnemonic, list<Trait> traits = []>
    : Op<FusilliDialect, mnemonic, !listconcat([Pure], traits)>;

#endif // FUSILLI_BASE
