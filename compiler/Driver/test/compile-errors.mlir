// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Wrong command lines are exit code 2, wrong inputs 1; messages say what to do.
// RUN: not fusilli-compile %s --stats 2>&1 | FileCheck %s
// RUN: not fusilli-compile %s --stats --target=i386 2>&1 | FileCheck %s --check-prefix=ANY
// RUN: not fusilli-compile %S/missing --stats 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not fusilli-compile %s 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not fusilli-compile %s --stats --dump-after=parse 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: not fusilli-compile %s --stats --flag=--fast=1 2>&1 | FileCheck %s --check-prefix=FLAG
// RUN: echo '{"name": 3}' > %t.json
// RUN: not fusilli-compile %t.json --stats 2>&1 | FileCheck %s --check-prefix=JSON
// RUN: echo 'module {} aaa' > %t.mlir
// RUN: not fusilli-compile %t.mlir --stats 2>&1 | FileCheck %s --check-prefix=SYNTAX

// CHECK: node 'sum': 'fusilli.pointwise' op operand 1 of shape [3] does not broadcast to the result's shape [4]
// ANY: node 'sum'
// MISSING: fusilli-compile: cannot read '{{.*}}missing'
// NOTHING: nothing to do: give -o FILE, --emit, --dump-after or --stats
// STAGE: unknown stage 'parse', expected import,fuse,linalg,vector,llvm,asm
// FLAG: unknown compiler flag '--fast=1', expected --row-groups=0|1 or --verify=0|1
// JSON: {{.*}}.json:
// SYNTAX: program:1:11:
func.func @main(%a: tensor<4xf32> {fusilli.name = "a"}, %b: tensor<3xf32> {fusilli.name = "b"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise ADD %a, %b {node = "sum"} : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
