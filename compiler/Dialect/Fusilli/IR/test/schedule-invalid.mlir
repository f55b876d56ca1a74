// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: fusilli-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{unknown field 'tiles' of a schedule}}
func.func private @f() attributes {fusilli.schedule = #fusilli.schedule<matmul, tiles = [6, 64]>}

// -----

// expected-error @+1 {{expected none, in_kernel or prepared, got maybe}}
func.func private @f() attributes {fusilli.schedule = #fusilli.schedule<matmul, packing = [maybe]>}

// -----

// expected-error @+1 {{extents of a schedule are at least 1, got 0}}
func.func private @f() attributes {fusilli.schedule = #fusilli.schedule<matmul, tile = [0, 64]>}
