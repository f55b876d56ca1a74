// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `fusilli` dialect: one op per graph node, on logical tensors. Its place is
// between the import of a GraphDef and the lowering to linalg.
#ifndef FUSILLI_DIALECT
#define FUSILLI_DIALECT

include "mlir/IR/OpBase.td"

def FusilliDialect : Dialect {
  let name = "fusilli";
  let cppNamespace = "::fusilli::ir";
  let summary = "deep-learning operators of one graph, on logical tensors";
  let description = [{
    Tensors are builtin ranked tensors with a static shape. The shape is the
    logical one; arithmetic is defined on logical indices. Where the elements lie
    is the encoding `#fusilli.layout`; without one the tensor is contiguous, the
    last dimension innermost.

    Element types: `f16`, `bf16`, `f32`, `f64`, the signless integers `i8`, `i16`,
    `i32`, `i64` (signed arithmetic), and `i1` for Boolean, stored as one byte
    that is 0 or 1.

    A graph is `func.func @main`, its parameters and results named by the
    attribute `fusilli.name`, both sorted by name. The optional attribute `node`
    of an op is the name of the graph node that it came from.

    After fusion `@main` holds only `fusilli.dispatch` ops, and each kernel is a
    private function with the unit attribute `fusilli.kernel`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    /// Of a function's parameter or result: the tensor's name in the graph.
    static constexpr ::llvm::StringLiteral kNameAttr = "fusilli.name";
    /// Unit attribute of a kernel function.
    static constexpr ::llvm::StringLiteral kKernelAttr = "fusilli.kernel";
    /// Of a kernel function: array of the names of the nodes fused in it.
    static constexpr ::llvm::StringLiteral kNodesAttr = "fusilli.nodes";

    /// Of a kernel function: its #fusilli.schedule.
    static constexpr ::llvm::StringLiteral kScheduleAttr = "fusilli.schedule";
    /// Of a kernel function: array of texts "strategy: why it declined".
    static constexpr ::llvm::StringLiteral kDeclinedAttr = "fusilli.declined";

    void registerAttributes();
  }];
}

#endif // FUSILLI_DIALECT
