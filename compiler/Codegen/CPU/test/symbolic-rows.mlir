// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of symbolic extents: any number of rows, any length of one.

// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v3 --fusilli-emit-kernels=target=x86-64-v3 | FileCheck %s --check-prefix=V3

// The number of rows: the loops of a row are those of the static kernel.
// CHECK: #[[COUNT:.*]] = affine_map<()[s0] -> (s0 ceildiv
// CHECK-LABEL: func.func private @rows(
// CHECK-SAME: fusilli.schedule = #fusilli.schedule<rows,
// CHECK-SAME: fusilli.workgroup_count = #[[COUNT]]
// CHECK: arith.constant dense<[true, true, true, false
// CHECK-NOT: arith.cmpi
// CHECK: vector.maskedload
// CHECK-NOT: arith.cmpi
// CHECK: return
func.func private @rows(%x: tensor<16x35xf32, #fusilli.layout<strides = [35, 1], dynamic = [0]>>) -> tensor<16x1xf32, #fusilli.layout<strides = [1, 1], dynamic = [0]>> attributes {fusilli.kernel} {
  %0 = fusilli.reduction ADD %x : (tensor<16x35xf32, #fusilli.layout<strides = [35, 1], dynamic = [0]>>) -> tensor<16x1xf32, #fusilli.layout<strides = [1, 1], dynamic = [0]>>
  return %0 : tensor<16x1xf32, #fusilli.layout<strides = [1, 1], dynamic = [0]>>
}

// -----

// The length of a row: sums in parts of 256 steps, and of 256 parts; what is
// left of whole vectors is masked by a count.
// CHECK-LABEL: func.func private @length(
// CHECK-SAME: %[[N:[^:]*]]: index, %{{[^:]*}}: memref<0xi8>
// CHECK-SAME: fusilli.schedule = #fusilli.schedule<rows, {{.*}}lanes = 16, unroll = 4
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-4: vector.load {{.*}} vector<16xf32>
// CHECK: %[[MASK:.*]] = arith.cmpi slt, {{.*}} : vector<16xi32>
// CHECK: vector.maskedload {{.*}}, %[[MASK]]
// CHECK: arith.select {{.*}} : vector<16xi1>, vector<16xf32>
func.func private @length(%x: tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>) -> tensor<8x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction ADD %x : (tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>) -> tensor<8x1xf32>
  return %0 : tensor<8x1xf32>
}

// -----

// Rows side by side, any number of them.
// CHECK-LABEL: func.func private @columns(
// CHECK-SAME: fusilli.schedule = #fusilli.schedule<rows,
// CHECK: arith.cmpi slt, {{.*}} : vector<16xi32>
// CHECK: vector.maskedstore
func.func private @columns(%x: tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>) -> tensor<1x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>> attributes {fusilli.kernel} {
  %0 = fusilli.reduction ADD %x : (tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>) -> tensor<1x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>
  return %0 : tensor<1x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>
}

// -----

// Exponentials are kept in a buffer of 2 MiB where the row fits in, and
// computed again where not.
// CHECK-LABEL: func.func private @softmax(
// CHECK-SAME: memref<2097216xi8>
// CHECK-SAME: fusilli.schedule = #fusilli.schedule<rows,
// CHECK: %[[LONG:.*]] = arith.cmpi ult, %c524288
// CHECK: scf.if %[[LONG]]
// CHECK: } else {
!x = tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>
func.func private @softmax(%x: !x) -> !x attributes {fusilli.kernel} {
  %0 = fusilli.reduction MAX %x : (!x) -> tensor<8x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (!x, tensor<8x1xf32>) -> !x
  %2 = fusilli.pointwise EXP %1 : (!x) -> !x
  %3 = fusilli.reduction ADD %2 : (!x) -> tensor<8x1xf32>
  %4 = fusilli.pointwise DIV %2, %3 : (!x, tensor<8x1xf32>) -> !x
  return %4 : !x
}

// -----

// What is 16 bits wide is copied lane by lane.
// V3-LABEL: func.func private @halves(
// V3: scf.for
// V3: memref.load {{.*}} : memref<{{[0-9]+}}xf16>
// V3: memref.store {{.*}} : memref<8xf16
// V3: vector.load {{.*}} : memref<8xf16{{.*}}, vector<8xf16>
func.func private @halves(%x: tensor<8x16xf16, #fusilli.layout<strides = [16, 1], dynamic = [1]>>) -> tensor<8x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction MAX %x : (tensor<8x16xf16, #fusilli.layout<strides = [16, 1], dynamic = [1]>>) -> tensor<8x1xf32>
  return %0 : tensor<8x1xf32>
}
