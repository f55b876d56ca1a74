// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The end state on a CPU: functions of the LLVM dialect, one entry per kernel.
// RUN: %fusilli-opt %s --fusilli-import --fusilli-fuse --fusilli-codegen=target=x86-64-v3 | FileCheck %s

// CHECK-NOT: func.func
// CHECK-NOT: fusilli.dispatch
// CHECK: llvm.func @kernel_0(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64) -> i32
// CHECK-SAME: fusilli.entry
// CHECK-SAME: fusilli.nodes = ["mm", "act"]
func.func @main(%a: tensor<64x32xf32> {fusilli.name = "a"}, %w: tensor<32x16xf32> {fusilli.name = "w"}) -> (tensor<64x16xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %w {node = "mm"} : (tensor<64x32xf32>, tensor<32x16xf32>) -> tensor<64x16xf32>
  %1 = fusilli.pointwise RELU_FWD %0 {node = "act"} : (tensor<64x16xf32>) -> tensor<64x16xf32>
  return %1 : tensor<64x16xf32>
}
