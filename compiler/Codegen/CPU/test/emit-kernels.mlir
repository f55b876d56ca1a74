// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v3 --fusilli-emit-kernels=target=x86-64-v3 | FileCheck %s --check-prefix=V3
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4-bf16 --fusilli-emit-kernels=target=x86-64-v4-bf16 | FileCheck %s --check-prefix=BF16

// A chain is one loop over flat memory; nothing in between is stored.
// CHECK-LABEL: func.func private @chain(
// CHECK-SAME: memref<96xf32>, %{{.*}}: memref<96xf32>, %{{.*}}: memref<0xi8>, %{{.*}}: index, %{{.*}}: index) -> i32
// CHECK-SAME: fusilli.inline_dispatch
// CHECK: arith.addf %{{.*}} : vector<16xf32>
// CHECK: arith.mulf %{{.*}} : vector<16xf32>
// CHECK: vector.store
// V3-LABEL: func.func private @chain(
// V3: arith.addf %{{.*}} : vector<8xf32>
func.func private @chain(%x: tensor<12x8xf32>) -> tensor<12x8xf32> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise ADD %x, %x : (tensor<12x8xf32>, tensor<12x8xf32>) -> tensor<12x8xf32>
  %1 = fusilli.pointwise MUL %0, %x : (tensor<12x8xf32>, tensor<12x8xf32>) -> tensor<12x8xf32>
  return %1 : tensor<12x8xf32>
}

// -----

// A static tail is masked, not a scalar loop.
// CHECK-LABEL: func.func private @tail(
// CHECK: arith.constant dense<[true, true, true, false
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
func.func private @tail(%x: tensor<3xf32>) -> tensor<3xf32> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise NEG %x : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Accumulators are carried in registers, packing and long epilogues are
// functions of their own.
// CHECK-LABEL: func.func private @matmul.pack_b
// CHECK-LABEL: func.func private @matmul.epilogue
// CHECK-LABEL: func.func private @matmul(
// CHECK-SAME: fusilli.schedule = #fusilli.schedule<matmul, workgroup = [48, 256], tile = [6, 64], cache = [100], lanes = 16, packing = [none, in_kernel], inner = "multiply-add">
// CHECK: func.call @matmul.pack_b
// CHECK: scf.for {{.*}} iter_args(
// CHECK-COUNT-24: vector.fma
// CHECK: func.call @matmul.epilogue
// V3-LABEL: func.func private @matmul(
// V3-COUNT-12: vector.fma %{{.*}} : vector<8xf32>
func.func private @matmul(%a: tensor<96x100xf32>, %b: tensor<100x256xf32>) -> tensor<96x256xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<96x100xf32>, tensor<100x256xf32>) -> tensor<96x256xf32>
  %1 = fusilli.pointwise GELU_FWD %0 : (tensor<96x256xf32>) -> tensor<96x256xf32>
  return %1 : tensor<96x256xf32>
}

// -----

// bf16 pairs through the dot product where the target has it; widened while
// packing where not.
// BF16-LABEL: func.func private @pairs(
// BF16: x86vector.avx512.dot
// CHECK-LABEL: func.func private @pairs.pack_a
// CHECK: arith.extui %{{.*}} : vector<16xi16> to vector<16xi32>
// CHECK: arith.shli
// CHECK-LABEL: func.func private @pairs(
// CHECK-NOT: x86vector
// CHECK: vector.fma
func.func private @pairs(%a: tensor<96x100xbf16>, %b: tensor<100x128xbf16>) -> tensor<96x128xbf16> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<96x100xbf16>, tensor<100x128xbf16>) -> tensor<96x128xbf16>
  return %0 : tensor<96x128xbf16>
}

// -----

// CHECK-LABEL: func.func private @conv(
// CHECK-SAME: #fusilli.schedule<convolution, {{.*}}tile =
func.func private @conv(%x: tensor<1x8x6x6xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x16x6x6xf32> attributes {fusilli.kernel} {
  %0 = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [1, 1] dilation = [1, 1] : (tensor<1x8x6x6xf32>, tensor<16x8x3x3xf32>) -> tensor<1x16x6x6xf32>
  return %0 : tensor<1x16x6x6xf32>
}

// -----

// Dependent reductions of a row are phases of one kernel.
// CHECK-LABEL: func.func private @softmax(
// CHECK-SAME: #fusilli.schedule<rows, {{.*}}lanes = 16
func.func private @softmax(%x: tensor<16x40xf32>) -> tensor<16x40xf32> attributes {fusilli.kernel} {
  %m = fusilli.reduction MAX %x : (tensor<16x40xf32>) -> tensor<16x1xf32>
  %s = fusilli.pointwise SUB %x, %m : (tensor<16x40xf32>, tensor<16x1xf32>) -> tensor<16x40xf32>
  %e = fusilli.pointwise EXP %s : (tensor<16x40xf32>) -> tensor<16x40xf32>
  %t = fusilli.reduction ADD %e : (tensor<16x40xf32>) -> tensor<16x1xf32>
  %d = fusilli.pointwise DIV %e, %t : (tensor<16x40xf32>, tensor<16x1xf32>) -> tensor<16x40xf32>
  return %d : tensor<16x40xf32>
}

// -----

// Two rows against a B that is contiguous along k: dot products.
// CHECK-LABEL: func.func private @two_rows(
// CHECK-SAME: fusilli.declined = ["attention: is no quotient of a product and a sum", "matrix-vector: has several rows and columns, and a matrix that caches hold", "matmul: few rows: one dot product per result reads the second operand once", "convolution: has no window", "correlation: has no window over what it sums"]
// CHECK-SAME: #fusilli.schedule<rows
func.func private @two_rows(%a: tensor<2x256xf32>, %b: tensor<256x32xf32, #fusilli.layout<strides = [1, 256]>>) -> tensor<2x32xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<2x256xf32>, tensor<256x32xf32, #fusilli.layout<strides = [1, 256]>>) -> tensor<2x32xf32>
  return %0 : tensor<2x32xf32>
}

// -----

// Depthwise: channels are the vector.
// CHECK-LABEL: func.func private @depthwise(
// CHECK-SAME: #fusilli.schedule<convolution, {{.*}}tile =
// CHECK: vector.fma
func.func private @depthwise(%x: tensor<1x32x6x6xf32>, %w: tensor<32x1x3x3xf32>) -> tensor<1x32x6x6xf32> attributes {fusilli.kernel} {
  %0 = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [1, 1] dilation = [1, 1] : (tensor<1x32x6x6xf32>, tensor<32x1x3x3xf32>) -> tensor<1x32x6x6xf32>
  return %0 : tensor<1x32x6x6xf32>
}
