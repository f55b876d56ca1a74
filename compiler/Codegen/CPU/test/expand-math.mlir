// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: fusilli-opt %s --fusilli-expand-math --split-input-file | FileCheck %s
// RUN: fusilli-opt %s --fusilli-expand-math=avx512 --split-input-file | FileCheck %s --check-prefix=AVX512

// Every function disappears; only single instructions of the math dialect stay.

// CHECK-LABEL: func.func @all
// CHECK-NOT: math.{{(exp|exp2|expm1|log|log1p|erf|tanh|sin|cos|tan|rsqrt)}}{{ }}
// CHECK: return
func.func @all(%x: vector<8xf32>, %s: f64) -> (vector<8xf32>, f64) {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.exp2 %0 : vector<8xf32>
  %2 = math.expm1 %1 : vector<8xf32>
  %3 = math.log %2 : vector<8xf32>
  %4 = math.log1p %3 : vector<8xf32>
  %5 = math.erf %4 : vector<8xf32>
  %6 = math.tanh %5 : vector<8xf32>
  %7 = math.sin %6 : vector<8xf32>
  %8 = math.cos %7 : vector<8xf32>
  %9 = math.tan %8 : vector<8xf32>
  %10 = math.rsqrt %9 : vector<8xf32>
  %11 = math.exp %s : f64
  %12 = math.sin %11 : f64
  return %10, %12 : vector<8xf32>, f64
}

// -----

// CHECK-LABEL: func.func @rsqrt
// CHECK-SAME: (%[[X:.*]]: vector<8xf32>)
// CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
// CHECK: %[[ROOT:.*]] = math.sqrt %[[X]]
// CHECK: %[[Y:.*]] = arith.divf %[[ONE]], %[[ROOT]]
// CHECK: return %[[Y]]
func.func @rsqrt(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.rsqrt %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// -----

// The generic form scales by exponent arithmetic, in two steps so that subnormal
// results are kept; AVX-512 has an instruction.

// CHECK-LABEL: func.func @exp
// CHECK-NOT: x86vector
// CHECK: arith.shli
// CHECK: arith.mulf
// AVX512-LABEL: func.func @exp
// AVX512: %[[MASK:.*]] = arith.constant -1 : i16
// AVX512-NEXT: %[[CURRENT:.*]] = arith.constant 4 : i32
// AVX512-NEXT: %[[Y:.*]] = x86vector.avx512.mask.scalef %[[P:.*]], %{{.*}}, %[[P]], %[[MASK]], %[[CURRENT]]
// AVX512-NEXT: return %[[Y]]
func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// -----

// Larger vectors are cut into registers.

// AVX512-LABEL: func.func @exp_tile
// AVX512: vector.shape_cast %{{.*}} : vector<2x32xf32> to vector<64xf32>
// AVX512-COUNT-4: x86vector.avx512.mask.scalef {{.*}} : vector<16xf32>
// AVX512-NOT: x86vector
// AVX512: vector.shape_cast %{{.*}} : vector<64xf32> to vector<2x32xf32>
func.func @exp_tile(%x: vector<2x32xf32>) -> vector<2x32xf32> {
  %0 = math.exp %x : vector<2x32xf32>
  return %0 : vector<2x32xf32>
}

// -----

// Half precision is computed in f32 and rounded once.

// CHECK-LABEL: func.func @half
// CHECK-SAME: (%[[X:.*]]: f16, %[[Y:.*]]: vector<4xbf16>)
// CHECK: arith.extf %[[X]] : f16 to f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: arith.extf %[[Y]] : vector<4xbf16> to vector<4xf32>
// CHECK: arith.truncf %{{.*}} : vector<4xf32> to vector<4xbf16>
func.func @half(%x: f16, %y: vector<4xbf16>) -> (f16, vector<4xbf16>) {
  %0 = math.tanh %x : f16
  %1 = math.log %y : vector<4xbf16>
  return %0, %1 : f16, vector<4xbf16>
}

// -----

// What is one instruction, and what is not ours, stays.

// CHECK-LABEL: func.func @kept
// CHECK: math.sqrt
// CHECK-NEXT: math.floor
// CHECK-NEXT: math.powf
// CHECK-NEXT: math.exp %{{.*}} : vector<[4]xf32>
func.func @kept(%x: f32, %v: vector<[4]xf32>) -> (f32, vector<[4]xf32>) {
  %0 = math.sqrt %x : f32
  %1 = math.floor %0 : f32
  %2 = math.powf %1, %0 : f32
  %3 = math.exp %v : vector<[4]xf32>
  return %2, %3 : f32, vector<[4]xf32>
}

// -----

// Without infinities nothing needs clamping before the instruction.

// CHECK-LABEL: func.func @exp2_ninf
// CHECK: arith.cmpf ogt
// CHECK: arith.cmpf olt
// AVX512-LABEL: func.func @exp2_ninf
// AVX512-NOT: arith.cmpf
// AVX512: x86vector.avx512.mask.scalef
func.func @exp2_ninf(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp2 %x fastmath<ninf> : vector<16xf32>
  return %0 : vector<16xf32>
}
