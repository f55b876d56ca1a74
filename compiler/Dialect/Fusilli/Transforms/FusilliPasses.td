// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the fusilli dialect: from one function of graph ops to a function of
// kernel calls.
#ifndef FUSILLI_PASSES
#define FUSILLI_PASSES

include "mlir/Pass/PassBase.td"

def VerifyGraph : Pass<"fusilli-verify-graph", "::mlir::ModuleOp"> {
  let summary = "check that a module is one well-formed graph";
  let description = [{
    The module holds one function, `@main`, of one block with nothing but ops of
    this dialect and the return, and the functions that its custom ops name.
    Parameters and results are tensors with unique
    names (`fusilli.name`), parameters sorted by name, results sorted by name. A
    dynamic dim is one that its op allows, and every tensor in which it appears
    marks it.
  }];
}

def SplitGradients : Pass<"fusilli-split-gradients", "::mlir::ModuleOp"> {
  let summary = "make gradients of convolutions with stride ones without";
  let description = [{
    A `fusilli.conv_dgrad` with stride becomes one with `phase` for each remainder
    of the positions, and a `fusilli.custom` that puts the results together:
    sub-pixel convolutions, which do no work for the zeros between the outputs.
  }];
  let dependentDialects = ["::fusilli::ir::FusilliDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numSplit", "split", "gradients split">];
}

def PrepareCustom : Pass<"fusilli-prepare-custom", "::mlir::ModuleOp"> {
  let summary = "bring the functions of custom ops into normal form";
  let description = [{
    Named linalg ops and element-wise ops on tensors become `linalg.generic`;
    constants move into the bodies; an op of several results is taken apart where
    the results do not depend on each other. The function is cut where a tensor
    is better stored than computed again: after a reduction that another one or
    several ops use, and before an op that reads its elements several times.
    Each part becomes a `fusilli.custom` of its own.

    What remains are, with static shapes, `linalg.generic` and fills of
    constants, `tensor.empty`, `pad`, `extract_slice`, `expand_shape` and
    `collapse_shape`, and constants. Anything else is refused.
  }];
  let dependentDialects = ["::fusilli::ir::FusilliDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numPrepared", "prepared", "custom ops prepared">,
  ];
}

def NormalizeGraph : Pass<"fusilli-normalize-graph", "::mlir::ModuleOp"> {
  let summary = "drop what computes nothing; give every result an op of its own";
  let description = [{
    Erases ops whose results are not used. Forwards the operand of an IDENTITY
    that changes neither shape nor element type and is not returned. Where the
    graph returns a parameter, a constant, or one value twice, an IDENTITY copies
    it.

    ```mlir
    func.func @main(%x: tensor<4xf32> {fusilli.name = "x"})
        -> (tensor<4xf32> {fusilli.name = "y"}) {
      return %x : tensor<4xf32>
    }
    // becomes
    func.func @main(%x: tensor<4xf32> {fusilli.name = "x"})
        -> (tensor<4xf32> {fusilli.name = "y"}) {
      %0 = fusilli.pointwise IDENTITY %x : (tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::fusilli::ir::FusilliDialect"];
  let statistics = [
    Statistic<"numErased", "erased", "ops erased">,
    Statistic<"numCopies", "copies", "IDENTITY ops added">,
  ];
}

def Decompose : Pass<"fusilli-decompose", "::mlir::ModuleOp"> {
  let summary = "rewrite composite ops into pointwise ops and reductions";
  let description = [{
    Normalizations become primitive ops, which fusion gathers again as it does any
    other. What is in between is f32, or f64 where X or Y is: the mean `m`, the
    differences `d = x - m`, and the variance as the mean of `d^2`, never as a
    difference of two large numbers. Sums of many large numbers leave `m` off by
    their rounding, which the mean of `d` measures; it is taken off `d` and the
    variance (the corrected two-pass algorithm), and costs no further pass.

    ```mlir
    %y = fusilli.rmsnorm %x epsilon(%e)
        : (tensor<8x64xf32>, tensor<1xf32>) -> tensor<8x64xf32>
    // becomes
    %0 = fusilli.pointwise MUL %x, %x : (...) -> tensor<8x64xf32>
    %1 = fusilli.reduction AVG %0 : (tensor<8x64xf32>) -> tensor<8x1xf32>
    %2 = fusilli.pointwise ADD %1, %e : (...) -> tensor<8x1xf32>
    %3 = fusilli.pointwise RSQRT %2 : (tensor<8x1xf32>) -> tensor<8x1xf32>
    %y = fusilli.pointwise MUL %x, %3 : (...) -> tensor<8x64xf32>
    ```
  }];
  let dependentDialects = ["::fusilli::ir::FusilliDialect"];
}

def SplitReductions : Pass<"fusilli-split-reductions", "::mlir::ModuleOp"> {
  let summary = "long reductions to few results in two stages";
  let description = [{
    A reduction whose kernel would have too few workgroups, as the target's
    `FusionPolicy` says from its shape alone, becomes two. The first reduces each of
    some equal parts of a dimension, the second their results, always in the same
    order. The parts are a view of the same buffer. Pointwise producers move along.

    ```mlir
    %y = fusilli.reduction ADD %x : (tensor<1048576x64xf32>) -> tensor<1x64xf32>
    // becomes
    %0 = fusilli.reshape %x : tensor<1048576x64xf32> -> tensor<128x8192x64xf32>
    %1 = fusilli.reduction ADD %0 : (...) -> tensor<128x1x64xf32>
    %2 = fusilli.reshape %1 : tensor<128x1x64xf32> -> tensor<128x64xf32>
    %y = fusilli.reduction ADD %2 : (tensor<128x64xf32>) -> tensor<1x64xf32>
    ```
  }];
  let dependentDialects = ["::fusilli::ir::FusilliDialect"];
  let statistics = [Statistic<"numSplit", "split", "reductions split">];
}

def SplitContractions : Pass<"fusilli-split-contractions", "::mlir::ModuleOp"> {
  let summary = "products with long sums and few results in two stages";
  let description = [{
    A product whose kernel would have too few workgroups, as the target's
    `FusionPolicy` says from its shape alone, becomes a batch of products over equal
    parts of the sum, and a reduction that adds them up, always in the same order.
    The parts are views of the same buffers. Where the summed extent has no divisor
    near the number of parts, the rest is a `fusilli.custom`, added last.

    ```mlir
    %y = fusilli.matmul %a, %b
        : (tensor<1x4096xf32>, tensor<4096x512xf32>) -> tensor<1x512xf32>
    // becomes
    %0 = fusilli.reshape %a : tensor<1x4096xf32> -> tensor<16x1x256xf32>
    %1 = fusilli.reshape %b : tensor<4096x512xf32> -> tensor<16x256x512xf32>
    %2 = fusilli.matmul %0, %1 : (...) -> tensor<16x1x512xf32>
    %3 = fusilli.reshape %2 : tensor<16x1x512xf32> -> tensor<16x512xf32>
    %y = fusilli.reduction ADD %3 : (tensor<16x512xf32>) -> tensor<1x512xf32>
    ```
  }];
  let dependentDialects = ["::fusilli::ir::FusilliDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numSplit", "split", "products split">];
}

def FuseDispatches : Pass<"fusilli-fuse-dispatches", "::mlir::ModuleOp"> {
  let summary = "group the ops of a graph into kernels";
  let description = [{
    Partitions the ops of `@main` into groups without cycles between them, makes
    each group a private function with the unit attribute `fusilli.kernel`, and
    replaces it by a `fusilli.dispatch`. Equal kernels become one function.

    A kernel is of one of these kinds (attribute `fusilli.kind`):
    * `pointwise`: pointwise ops; all results of one shape.
    * `contraction`: one matmul or convolution of kernel arguments, pointwise ops
      after it, results of its shape, and before it what the target allows.
    * `reduction`: reductions over the same dimensions of one shape, pointwise
      producers before them, pointwise ops of the reduced shape after them;
      results of the reduced shape.
    * `rows`: as `reduction`, but ops of the full shape may use the reductions, and
      results may have the full shape. The reduced dimensions are any, the target
      says whether rows are short and many enough.
    * `attention`: one `fusilli.sdpa`, alone.

    In all of them, ops that broadcast to a larger shape may be repeated inside
    when they are cheap. Cheap producers of reductions are computed again rather
    than stored, and so is a value larger than all that it is computed from: the
    sums of `f(x_i, y_j)` over `i` and over `j` are two kernels without a buffer of
    the product's size.

    What is legal and what pays, the target's `FusionPolicy` says; the pass on its own
    takes a target without limits.

    ```mlir
    %0 = fusilli.matmul %a, %b : (...) -> tensor<4x8xf32>
    %1 = fusilli.pointwise ADD %0, %bias : (...) -> tensor<4x8xf32>
    // becomes
    %1 = fusilli.dispatch @kernel_0(%a, %b, %bias) : (...) -> tensor<4x8xf32>
    ```
  }];
  let statistics = [
    Statistic<"numKernels", "kernels", "kernels made">,
    Statistic<"numDispatches", "dispatches", "kernel calls">,
    Statistic<"numRecomputed", "recomputed", "ops repeated in a kernel">,
  ];
  let dependentDialects = ["::fusilli::ir::FusilliDialect"];
}

def VerifyDispatches : Pass<"fusilli-verify-dispatches", "::mlir::ModuleOp"> {
  let summary = "check the border between fusion and code generation";
  let description = [{
    `@main` holds only constants, `fusilli.dispatch` ops and the return; each
    kernel holds what its kind allows.
  }];
}

def EraseMain : Pass<"fusilli-erase-main", "::mlir::ModuleOp"> {
  let summary = "erase @main, leaving the kernels to code generation";
  let description = [{
    What `@main` says becomes the host program (compiler/Driver/HostProgram.h);
    from then on a module is its kernels.
  }];
}

#endif // FUSILLI_PASSES
