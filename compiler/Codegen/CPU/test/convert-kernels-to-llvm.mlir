// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: fusilli-opt %s --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 --fusilli-convert-kernels-to-llvm | FileCheck %s

// The entry has the executable ABI, and the body in it.
// CHECK-NOT: @k.body
// CHECK-LABEL: llvm.func @k(
// CHECK-SAME: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64) -> i32
// CHECK-SAME: fusilli.entry
// CHECK: llvm.fadd %{{.*}} : vector<16xf32>
// CHECK-NOT: @k.body
func.func private @k(%x: tensor<64xf32>) -> tensor<64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise ADD %x, %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}
