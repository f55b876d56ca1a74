// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --stats says; the same input gives the same bytes; verification passes.
// RUN: fusilli-compile %s --target=x86-64-v3 --stats -o %t.1 --flag=--verify=1 | FileCheck %s
// RUN: fusilli-compile %s --target=x86-64-v3 -o %t.2
// RUN: cmp %t.1 %t.2
// Nobody else can write an artifact, whatever the umask.
// RUN: rm %t.2 && sh -c "umask 0; fusilli-compile %s --target=x86-64-v3 -o %t.2" && stat -c MODE-%a %t.2 | FileCheck %s --check-prefix=MODE
// MODE: MODE-644

// CHECK: "dispatch-count":2,"kernels":1,"prepare-dispatch-count":0,"prepared-memory-size":0,"stages":{"artifact":{{.*}},"code":{{.*}},"fuse":{{.*}},"import":{{.*}}},"target":"x86-64-v3","transient-memory-size":256}
func.func @main(%a: tensor<8x8xf32> {fusilli.name = "a"}, %w: tensor<8x8xf32> {fusilli.name = "w"}) -> (tensor<8x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %w {node = "m1"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = fusilli.matmul %0, %w {node = "m2"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}
