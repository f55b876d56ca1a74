// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dot products of bf16 pairs (vdpbf16ps): the peak of x86-64-v4-bf16.

#include "benchmarks/peaks/peaks.h"

#include <immintrin.h>

namespace fusilli::bench {

__attribute__((target("avx512f,avx512bf16"))) double
dotLoopAvx512Bf16(int64_t rounds) {
  constexpr int kChains = 16;
  // Pairs of the value 0.5 and of zero: the sums stay finite.
  static volatile int seed = 0;
  __m512i half = _mm512_set1_epi32(0x3f003f00 | seed);
  __m512i zero = _mm512_set1_epi32(seed);
  __m512 sums[kChains];
  for (__m512 &sum : sums)
    sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (__m512 &sum : sums)
      __asm__ volatile("vdpbf16ps %1, %2, %0"
                       : "+v"(sum)
                       : "v"(half), "v"(zero));
  for (int i = 1; i < kChains; ++i)
    sums[0] = _mm512_add_ps(sums[0], sums[i]);
  seed = _mm512_cvtss_f32(sums[0]) > 1e30f;
  return double(rounds) * kChains * 16 * 2 * 2;
}

} // namespace fusilli::bench
