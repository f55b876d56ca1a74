// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func private @all
// CHECK-SAME: fusilli.schedule = #fusilli.schedule<matmul, workgroup = [516, 128], tile = [6, 64], cache = [144, 3072, 512], lanes = 16, unroll = 4, packing = [none, prepared], inner = "f32", split = 8, inline>
func.func private @all() attributes {fusilli.schedule = #fusilli.schedule<matmul, inline, split = 8, workgroup = [516, 128], tile = [6, 64], cache = [144, 3072, 512], lanes = 16, unroll = 4, packing = [none, prepared], inner = "f32">}

// CHECK: fusilli.schedule = #fusilli.schedule<pointwise>
func.func private @least() attributes {fusilli.schedule = #fusilli.schedule<pointwise>}
