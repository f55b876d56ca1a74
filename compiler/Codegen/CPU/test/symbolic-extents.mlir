// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symbols are arguments of a kernel and push constants of its entry; strides,
// bounds and the number of workgroups are expressions of them.

// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 --fusilli-convert-kernels-to-llvm | FileCheck %s --check-prefix=LLVM

// CHECK: #[[COUNT:.*]] = affine_map<()[s0] -> ((s0 * 12) ceildiv
// CHECK-LABEL: func.func private @rows(
// CHECK-SAME: memref<70368744177664xf32>, %{{.*}}: memref<70368744177664xf32>, %[[N:.*]]: index, %{{.*}}: memref<0xi8>, %{{.*}}: index, %{{.*}}: index) -> i32
// CHECK-NOT: fusilli.inline_dispatch
// CHECK-SAME: fusilli.symbols = array<i64: 16>
// CHECK-SAME: fusilli.workgroup_count = #[[COUNT]]
// CHECK: arith.addf %{{.*}} : vector<16xf32>
// LLVM-LABEL: llvm.func @rows(
// LLVM: %[[AT:.*]] = llvm.getelementptr %{{.*}}[16] : (!llvm.ptr) -> !llvm.ptr, i8
// LLVM: %[[CONSTANTS:.*]] = llvm.load %[[AT]] : !llvm.ptr -> !llvm.ptr
// LLVM: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> i64
// LLVM-NOT: llvm.call
// LLVM: llvm.fadd
func.func private @rows(%x: tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>) -> tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise ADD %x, %x : (tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>, tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>) -> tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>
  return %0 : tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>
}

// -----

// The count of an average is the extent at run time.
// CHECK-LABEL: func.func private @average(
// CHECK-SAME: %[[N:[^:]*]]: index, %{{[^:]*}}: memref<0xi8>
// CHECK: arith.index_cast %[[N]] : index to i64
// CHECK: arith.sitofp
// CHECK: arith.divf
func.func private @average(%x: tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>) -> tensor<1x12xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction AVG %x : (tensor<16x12xf32, #fusilli.layout<strides = [12, 1], dynamic = [0]>>) -> tensor<1x12xf32>
  return %0 : tensor<1x12xf32>
}
