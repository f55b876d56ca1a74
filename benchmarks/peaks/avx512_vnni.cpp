// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dot products of four bytes (vpdpbusd): the integer peak where the CPU has it.

#include "benchmarks/peaks/peaks.h"

#include <immintrin.h>

namespace fusilli::bench {

__attribute__((target("avx512f,avx512vnni"))) double
dotLoopAvx512I8(int64_t rounds) {
  constexpr int kChains = 16;
  static volatile int seed = 0;
  __m512i one = _mm512_set1_epi32(0x01010101 | seed);
  __m512i zero = _mm512_set1_epi32(seed);
  __m512i sums[kChains];
  for (__m512i &sum : sums)
    sum = _mm512_setzero_si512();
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (__m512i &sum : sums)
      __asm__ volatile("vpdpbusd %1, %2, %0" : "+v"(sum) : "v"(one), "v"(zero));
  for (int i = 1; i < kChains; ++i)
    sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  seed = _mm512_reduce_add_epi32(sums[0]);
  return double(rounds) * kChains * 16 * 4 * 2;
}

} // namespace fusilli::bench
