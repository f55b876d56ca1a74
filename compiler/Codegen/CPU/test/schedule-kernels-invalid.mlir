// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: fusilli-opt %s --split-input-file --verify-diagnostics --fusilli-schedule-kernels=target=x86-64-v4

// expected-error@below {{no schedule for kernel k}}
func.func private @k(%x: tensor<4xf32>) -> tensor<1xf32> attributes {fusilli.kernel} {
  %c = arith.constant dense<[1.0]> : tensor<1xf32>
  %e = tensor.empty() : tensor<1xf32>
  // expected-error@below {{the accumulator must start from a constant}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (0)>], iterator_types = ["reduction"]} ins(%x : tensor<4xf32>) outs(%e : tensor<1xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.addf %a, %acc : f32
    linalg.yield %s : f32
  } -> tensor<1xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%0 : tensor<1xf32>) outs(%e : tensor<1xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<1xf32>
  return %1 : tensor<1xf32>
}
