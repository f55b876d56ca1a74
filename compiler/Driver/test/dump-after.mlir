// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every stage can be looked at; the assembly is of the asked target.
// RUN: fusilli-compile %s --target=x86-64-v3 --dump-after=import,fuse,linalg,vector,llvm | FileCheck %s
// RUN: fusilli-compile %s --target=x86-64-v3 --emit=asm | FileCheck %s --check-prefix=V3
// RUN: fusilli-compile %s --target=x86-64-v4 --emit=asm | FileCheck %s --check-prefix=V4

// CHECK: // ---- after import
// CHECK: fusilli.pointwise RELU_FWD
// CHECK: // ---- after fuse
// CHECK: fusilli.dispatch @kernel_0
// CHECK: // ---- after linalg
// CHECK: linalg.generic
// CHECK: // ---- after vector
// CHECK: fusilli.workgroup_count
// CHECK: vector<8xf32>
// CHECK: // ---- after llvm
// CHECK: llvm.func
// V3: kernel_0
// V3-NOT: zmm
// V4: kernel_0
// V4: zmm
func.func @main(%x: tensor<64x128xf32> {fusilli.name = "x"}) -> (tensor<64x128xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise RELU_FWD %x {node = "relu"} : (tensor<64x128xf32>) -> tensor<64x128xf32>
  return %0 : tensor<64x128xf32>
}
