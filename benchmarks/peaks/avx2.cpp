// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops in AVX2 and FMA: the peaks of target x86-64-v3.

#include "benchmarks/peaks/peaks.h"

#include <immintrin.h>

#define FUSILLI_BENCH_TARGET __attribute__((target("avx2,fma")))

namespace fusilli::bench {

FUSILLI_BENCH_TARGET double fmaLoopAvx2(int64_t rounds) {
  // Twelve chains hide a latency of four cycles at two a cycle, and leave
  // registers for the operands.
  constexpr int kChains = 12;
  static volatile float seed = 1.0f;
  // The sums grow by a * b = 0.5 and stay exact; assembly keeps the compiler
  // from making one chain of equal ones.
  __m256 a = _mm256_set1_ps(seed * 0.5f), b = _mm256_set1_ps(seed);
  __m256 sums[kChains];
  for (__m256 &sum : sums)
    sum = b;
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (__m256 &sum : sums)
      __asm__ volatile("vfmadd231ps %1, %2, %0" : "+x"(sum) : "x"(a), "x"(b));
  for (int i = 1; i < kChains; ++i)
    sums[0] = _mm256_add_ps(sums[0], sums[i]);
  seed = _mm256_cvtss_f32(sums[0]) > 0 ? 1.0f : 0.75f;
  return double(rounds) * kChains * 8 * 2;
}

FUSILLI_BENCH_TARGET void streamCopyAvx2(char *to, const char *from,
                                         size_t bytes) {
  for (size_t i = 0; i < bytes; i += 128) {
    _mm_prefetch(from + i + 1024, _MM_HINT_T0);
    _mm_prefetch(from + i + 1088, _MM_HINT_T0);
    for (size_t j = 0; j < 128; j += 32)
      _mm256_stream_si256(
          reinterpret_cast<__m256i *>(to + i + j),
          _mm256_load_si256(reinterpret_cast<const __m256i *>(from + i + j)));
  }
  _mm_sfence();
}

FUSILLI_BENCH_TARGET float streamReadAvx2(const char *from, size_t bytes) {
  __m256 sums[8];
  for (__m256 &sum : sums)
    sum = _mm256_setzero_ps();
  for (size_t i = 0; i < bytes; i += 256) {
    for (size_t j = 0; j < 256; j += 64)
      _mm_prefetch(from + i + 2048 + j, _MM_HINT_T0);
    for (size_t j = 0; j < 8; ++j)
      sums[j] = _mm256_add_ps(
          sums[j],
          _mm256_load_ps(reinterpret_cast<const float *>(from + i) + 8 * j));
  }
  for (int i = 1; i < 8; ++i)
    sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

} // namespace fusilli::bench
