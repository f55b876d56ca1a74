// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modes of the pointwise and reduction ops: names and numbers of the public
// API's enums (0 there is NOT_SET, which never reaches the compiler).
#ifndef FUSILLI_ENUMS
#define FUSILLI_ENUMS

include "mlir/IR/EnumAttr.td"

def Fusilli_PointwiseMode : I32EnumAttr<"PointwiseMode", "what a pointwise op computes", [
  I32EnumAttrCase<"ABS", 1>,
  I32EnumAttrCase<"ADD", 2>,
  I32EnumAttrCase<"ADD_SQUARE", 3>,
  I32EnumAttrCase<"BINARY_SELECT", 4>,
  I32EnumAttrCase<"CEIL", 5>,
  I32EnumAttrCase<"CMP_EQ", 6>,
  I32EnumAttrCase<"CMP_GE", 7>,
  I32EnumAttrCase<"CMP_GT", 8>,
  I32EnumAttrCase<"CMP_LE", 9>,
  I32EnumAttrCase<"CMP_LT", 10>,
  I32EnumAttrCase<"CMP_NEQ", 11>,
  I32EnumAttrCase<"DIV", 12>,
  I32EnumAttrCase<"ELU_FWD", 13>,
  I32EnumAttrCase<"ERF", 14>,
  I32EnumAttrCase<"EXP", 15>,
  I32EnumAttrCase<"FLOOR", 16>,
  I32EnumAttrCase<"GELU_APPROX_TANH_BWD", 17>,
  I32EnumAttrCase<"GELU_APPROX_TANH_FWD", 18>,
  I32EnumAttrCase<"GELU_BWD", 19>,
  I32EnumAttrCase<"GELU_FWD", 20>,
  I32EnumAttrCase<"IDENTITY", 21>,
  I32EnumAttrCase<"LOG", 22>,
  I32EnumAttrCase<"LOGICAL_AND", 23>,
  I32EnumAttrCase<"LOGICAL_NOT", 24>,
  I32EnumAttrCase<"LOGICAL_OR", 25>,
  I32EnumAttrCase<"MAX_OP", 26>,
  I32EnumAttrCase<"MIN_OP", 27>,
  I32EnumAttrCase<"MUL", 28>,
  I32EnumAttrCase<"NEG", 29>,
  I32EnumAttrCase<"RECIPROCAL", 30>,
  I32EnumAttrCase<"RELU_BWD", 31>,
  I32EnumAttrCase<"RELU_FWD", 32>,
  I32EnumAttrCase<"RSQRT", 33>,
  I32EnumAttrCase<"SIGMOID_FWD", 34>,
  I32EnumAttrCase<"SIN", 35>,
  I32EnumAttrCase<"SOFTPLUS_FWD", 36>,
  I32EnumAttrCase<"SQRT", 37>,
  I32EnumAttrCase<"SUB", 38>,
  I32EnumAttrCase<"SWISH_BWD", 39>,
  I32EnumAttrCase<"SWISH_FWD", 40>,
  I32EnumAttrCase<"TAN", 41>,
  I32EnumAttrCase<"TANH_BWD", 42>,
  I32EnumAttrCase<"TANH_FWD", 43>
]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::fusilli::ir";
}

def Fusilli_ReductionMode : I32EnumAttr<"ReductionMode", "how a reduction op combines elements", [
  I32EnumAttrCase<"ADD", 1>,
  I32EnumAttrCase<"SUM", 2>,
  I32EnumAttrCase<"MUL", 3>,
  I32EnumAttrCase<"MIN", 4>,
  I32EnumAttrCase<"MAX", 5>,
  I32EnumAttrCase<"AMAX", 6>,
  I32EnumAttrCase<"AVG", 7>,
  I32EnumAttrCase<"NORM1", 8>,
  I32EnumAttrCase<"NORM2", 9>,
  I32EnumAttrCase<"MUL_NO_ZEROS", 10>
]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::fusilli::ir";
}

def Fusilli_OperandPacking : I32EnumAttr<"OperandPacking",
    "where the inner loop of a contraction reads an operand", [
  I32EnumAttrCase<"None", 0, "none">,          // in place
  I32EnumAttrCase<"InKernel", 1, "in_kernel">, // a copy made by each workgroup
  I32EnumAttrCase<"Prepared", 2, "prepared">,  // packed once, before the kernel
]> {
  let cppNamespace = "::fusilli::ir";
}

#endif // FUSILLI_ENUMS
