// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which ops share a kernel.
// RUN: %fusilli-opt %s --split-input-file --fusilli-import --fusilli-fuse=row-groups=0 --fusilli-verify-dispatches | FileCheck %s

// matmul + bias + gelu: one kernel. An intermediate that is an output, too.
// CHECK-LABEL: func.func @main
// CHECK: %[[K:.*]]:2 = fusilli.dispatch @kernel_0(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<4x8xf32>, tensor<8x16xf32>, tensor<16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>)
// CHECK-NOT: fusilli.dispatch
// CHECK: return %[[K]]#0, %[[K]]#1
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: attributes {fusilli.kernel, fusilli.kind = "contraction", fusilli.nodes = ["mm", "bias", "gelu"]}
// CHECK-NEXT: fusilli.matmul
// CHECK-NEXT: %[[B:.*]] = fusilli.pointwise ADD
// CHECK-NEXT: %[[G:.*]] = fusilli.pointwise GELU_FWD %[[B]]
// CHECK-NEXT: return %[[B]], %[[G]]
func.func @main(%a: tensor<4x8xf32> {fusilli.name = "a"}, %b: tensor<8x16xf32> {fusilli.name = "b"}, %bias: tensor<16xf32> {fusilli.name = "bias"})
    -> (tensor<4x16xf32> {fusilli.name = "x"}, tensor<4x16xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %b {node = "mm"} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = fusilli.pointwise ADD %0, %bias {node = "bias"} : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %2 = fusilli.pointwise GELU_FWD %1 {node = "gelu"} : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1, %2 : tensor<4x16xf32>, tensor<4x16xf32>
}

// -----

// conv + bias + relu with a bias that a cheap op makes.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: fusilli.kind = "contraction", fusilli.nodes = ["conv", "scaled", "bias", "relu"]
func.func @main(%b: tensor<1x6x1x1xf32> {fusilli.name = "b"}, %w: tensor<6x4x3x3xf32> {fusilli.name = "w"}, %x: tensor<1x4x5x5xf32> {fusilli.name = "x"})
    -> (tensor<1x6x5x5xf32> {fusilli.name = "y"}) {
  %0 = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [1, 1] dilation = [1, 1] {node = "conv"} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x5x5xf32>
  %s = fusilli.constant dense<2.0> : tensor<1xf32>
  %1 = fusilli.pointwise MUL %b, %s {node = "scaled"} : (tensor<1x6x1x1xf32>, tensor<1xf32>) -> tensor<1x6x1x1xf32>
  %2 = fusilli.pointwise ADD %0, %1 {node = "bias"} : (tensor<1x6x5x5xf32>, tensor<1x6x1x1xf32>) -> tensor<1x6x5x5xf32>
  %3 = fusilli.pointwise RELU_FWD %2 {node = "relu"} : (tensor<1x6x5x5xf32>) -> tensor<1x6x5x5xf32>
  return %3 : tensor<1x6x5x5xf32>
}

// -----

// A residual cannot join the matmul that reads it; the sum is an epilogue.
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = fusilli.dispatch @kernel_0
// CHECK: fusilli.dispatch @kernel_1(%[[X]], %{{.*}})
// CHECK-NOT: fusilli.dispatch
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: nodes = ["act"]
// CHECK-LABEL: func.func private @kernel_1
// CHECK-SAME: nodes = ["mm", "residual"]
func.func @main(%a: tensor<8x8xf32> {fusilli.name = "a"}, %w: tensor<8x8xf32> {fusilli.name = "w"}) -> (tensor<8x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise TANH_FWD %a {node = "act"} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = fusilli.matmul %0, %w {node = "mm"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = fusilli.pointwise ADD %1, %0 {node = "residual"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}

// -----

// No cycle: m2 depends on m1, so the sum of both is m2's epilogue.
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = fusilli.dispatch @kernel_0
// CHECK: fusilli.dispatch @kernel_1(%[[M]], %{{.*}})
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: nodes = ["m1"]
// CHECK-LABEL: func.func private @kernel_1
// CHECK-SAME: nodes = ["m2", "sum"]
func.func @main(%a: tensor<8x8xf32> {fusilli.name = "a"}, %w: tensor<8x8xf32> {fusilli.name = "w"}) -> (tensor<8x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %w {node = "m1"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = fusilli.matmul %0, %w {node = "m2"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = fusilli.pointwise ADD %0, %1 {node = "sum"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}

// -----

// Equal kernels are one function.
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = fusilli.dispatch @kernel_0(%{{.*}}, %[[W:.*]]) :
// CHECK: fusilli.dispatch @kernel_0(%[[M]], %[[W]])
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: nodes = ["m1", "m2"]
// CHECK-NOT: @kernel_1
func.func @main(%a: tensor<8x8xf32> {fusilli.name = "a"}, %w: tensor<8x8xf32> {fusilli.name = "w"}) -> (tensor<8x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %w {node = "m1"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = fusilli.matmul %0, %w {node = "m2"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}

// -----

// Two updates that read one tensor are one kernel with two results.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: kind = "pointwise", fusilli.nodes = ["mu", "v1", "step", "w1"]
func.func @main(%g: tensor<64xf32> {fusilli.name = "g"}, %v: tensor<64xf32> {fusilli.name = "v"}, %w: tensor<64xf32> {fusilli.name = "w"})
    -> (tensor<64xf32> {fusilli.name = "v1"}, tensor<64xf32> {fusilli.name = "w1"}) {
  %m = fusilli.constant dense<0.9> : tensor<1xf32>
  %l = fusilli.constant dense<0.1> : tensor<1xf32>
  %0 = fusilli.pointwise MUL %v, %m {node = "mu"} : (tensor<64xf32>, tensor<1xf32>) -> tensor<64xf32>
  %1 = fusilli.pointwise ADD %0, %g {node = "v1"} : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %2 = fusilli.pointwise MUL %1, %l {node = "step"} : (tensor<64xf32>, tensor<1xf32>) -> tensor<64xf32>
  %3 = fusilli.pointwise SUB %w, %2 {node = "w1"} : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %1, %3 : tensor<64xf32>, tensor<64xf32>
}

// -----

// Layer normalisation: the deviation is computed again, not stored.
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = fusilli.dispatch @kernel_0(%[[X:.*]]) :
// CHECK: %[[R:.*]] = fusilli.dispatch @kernel_1(%[[X]], %[[M]]) {{.*}} -> tensor<64x1xf32>
// CHECK: fusilli.dispatch @kernel_2(%[[X]], %[[M]], %[[R]])
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: kind = "reduction", fusilli.nodes = ["mean"]
// CHECK-LABEL: func.func private @kernel_1
// CHECK-SAME: kind = "reduction", fusilli.nodes = ["dev", "sq", "var", "eps", "rstd"]
// CHECK-LABEL: func.func private @kernel_2
// CHECK-SAME: kind = "pointwise", fusilli.nodes = ["dev", "norm"]
func.func @main(%x: tensor<64x128xf32> {fusilli.name = "x"}) -> (tensor<64x128xf32> {fusilli.name = "y"}) {
  %e = fusilli.constant dense<1.0e-5> : tensor<1xf32>
  %0 = fusilli.reduction AVG %x {node = "mean"} : (tensor<64x128xf32>) -> tensor<64x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 {node = "dev"} : (tensor<64x128xf32>, tensor<64x1xf32>) -> tensor<64x128xf32>
  %2 = fusilli.pointwise MUL %1, %1 {node = "sq"} : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
  %3 = fusilli.reduction AVG %2 {node = "var"} : (tensor<64x128xf32>) -> tensor<64x1xf32>
  %4 = fusilli.pointwise ADD %3, %e {node = "eps"} : (tensor<64x1xf32>, tensor<1xf32>) -> tensor<64x1xf32>
  %5 = fusilli.pointwise RSQRT %4 {node = "rstd"} : (tensor<64x1xf32>) -> tensor<64x1xf32>
  %6 = fusilli.pointwise MUL %1, %5 {node = "norm"} : (tensor<64x128xf32>, tensor<64x1xf32>) -> tensor<64x128xf32>
  return %6 : tensor<64x128xf32>
}

// -----

// Two reductions of one tensor over the same dimensions share a pass over it;
// another set of dimensions does not.
// CHECK-LABEL: func.func @main
// CHECK: fusilli.dispatch @kernel_0(%[[X:.*]]) : (tensor<8x16xf32>) -> (tensor<8x1xf32>, tensor<8x1xf32>)
// CHECK: fusilli.dispatch @kernel_1(%[[X]]) : (tensor<8x16xf32>) -> tensor<1x16xf32>
func.func @main(%x: tensor<8x16xf32> {fusilli.name = "x"})
    -> (tensor<8x1xf32> {fusilli.name = "a"}, tensor<8x1xf32> {fusilli.name = "b"}, tensor<1x16xf32> {fusilli.name = "c"}) {
  %0 = fusilli.reduction ADD %x : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %1 = fusilli.reduction ADD %x : (tensor<8x16xf32>) -> tensor<1x16xf32>
  %2 = fusilli.reduction NORM2 %x : (tensor<8x16xf32>) -> tensor<8x1xf32>
  return %0, %2, %1 : tensor<8x1xf32>, tensor<8x1xf32>, tensor<1x16xf32>
}

// -----

// An expensive op that broadcasts is not repeated for every row.
// CHECK-LABEL: func.func @main
// CHECK: %[[T:.*]] = fusilli.dispatch @kernel_0(%{{.*}}) : (tensor<256xf32>) -> tensor<256xf32>
// CHECK: fusilli.dispatch @kernel_1(%{{.*}}, %[[T]])
func.func @main(%b: tensor<256xf32> {fusilli.name = "b"}, %x: tensor<512x256xf32> {fusilli.name = "x"}) -> (tensor<512x256xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise ERF %b : (tensor<256xf32>) -> tensor<256xf32>
  %1 = fusilli.pointwise ADD %x, %0 : (tensor<512x256xf32>, tensor<256xf32>) -> tensor<512x256xf32>
  return %1 : tensor<512x256xf32>
}

// -----

// No ops, no kernels.
// CHECK-LABEL: func.func @main()
// CHECK-NEXT: return
// CHECK-NOT: kernel_0
func.func @main() {
  return
}

// -----

// What is returned more than once, or is a parameter, is copied.
// CHECK-LABEL: func.func @main
// CHECK: %[[K:.*]]:3 = fusilli.dispatch
// CHECK: return %[[K]]#{{[0-2]}}, %[[K]]#{{[0-2]}}, %[[K]]#{{[0-2]}}
func.func @main(%unused: tensor<3xf32> {fusilli.name = "u"}, %x: tensor<8xf32> {fusilli.name = "x"})
    -> (tensor<8xf32> {fusilli.name = "a"}, tensor<8xf32> {fusilli.name = "b"}, tensor<8xf32> {fusilli.name = "c"}) {
  %0 = fusilli.pointwise ADD %x, %x : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %dead = fusilli.pointwise ABS %x : (tensor<8xf32>) -> tensor<8xf32>
  return %0, %0, %x : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// A constant of one value is part of a kernel; others are arguments, as is what
// a contraction reads.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = fusilli.constant dense<2.000000e+00> : tensor<2x2xf32>
// CHECK-DAG: %[[B:.*]] = fusilli.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK: fusilli.dispatch @kernel_0(%{{.*}}, %[[W]], %[[B]])
// CHECK-LABEL: func.func private @kernel_0
// CHECK: fusilli.constant dense<5.000000e-01>
func.func @main(%x: tensor<2x2xf32> {fusilli.name = "x"}) -> (tensor<2x2xf32> {fusilli.name = "y"}) {
  %w = fusilli.constant dense<2.0> : tensor<2x2xf32>
  %b = fusilli.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %h = fusilli.constant dense<0.5> : tensor<1xf32>
  %0 = fusilli.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = fusilli.pointwise ADD %0, %b : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %2 = fusilli.pointwise MUL %1, %h : (tensor<2x2xf32>, tensor<1xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// -----

// Attention takes in what follows, not what its operands are computed from.
// CHECK-LABEL: func.func @main
// CHECK: fusilli.dispatch @kernel_0
// CHECK: fusilli.dispatch @kernel_1
// CHECK-NOT: fusilli.dispatch
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: fusilli.kind = "pointwise", fusilli.nodes = ["scaled"]
// CHECK-LABEL: func.func private @kernel_1
// CHECK-SAME: fusilli.kind = "attention", fusilli.nodes = ["attention", "gated", "residual"]
// CHECK-NEXT: fusilli.sdpa
// CHECK-NEXT: fusilli.pointwise MUL
// CHECK-NEXT: fusilli.pointwise ADD
// CHECK-NEXT: return
func.func @main(%g: tensor<1x4x1x1xf32> {fusilli.name = "g"}, %q: tensor<2x4x8x16xf32> {fusilli.name = "q"}, %r: tensor<2x4x8x16xf32> {fusilli.name = "r"})
    -> (tensor<2x4x8x16xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise MUL %q, %g {node = "scaled"} : (tensor<2x4x8x16xf32>, tensor<1x4x1x1xf32>) -> tensor<2x4x8x16xf32>
  %1 = fusilli.sdpa %0, %0, %0 scale = 0.25 {node = "attention"} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %2 = fusilli.pointwise MUL %1, %g {node = "gated"} : (tensor<2x4x8x16xf32>, tensor<1x4x1x1xf32>) -> tensor<2x4x8x16xf32>
  %3 = fusilli.pointwise ADD %2, %r {node = "residual"} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %3 : tensor<2x4x8x16xf32>
}
