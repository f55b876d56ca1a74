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

FUSILLI_BENCH_TARGET double dotLoopAvx2I8(int64_t rounds) {
  constexpr int kChains = 10;
  static volatile int seed = 0;
  __m256i one = _mm256_set1_epi16(static_cast<short>(1 + seed));
  __m256i zero = _mm256_set1_epi16(static_cast<short>(seed));
  __m256i sums[kChains];
  for (__m256i &sum : sums)
    sum = _mm256_setzero_si256();
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (__m256i &sum : sums) {
      __m256i product;
      __asm__ volatile("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0"
                       : "+x"(sum), "=&x"(product)
                       : "x"(one), "x"(zero));
    }
  for (int i = 1; i < kChains; ++i)
    sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  seed = _mm256_extract_epi32(sums[0], 0);
  return double(rounds) * kChains * 16 * 2;
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

namespace {

/// Reads equal parts as parallel streams, eight cache lines a step.
template <int Streams>
FUSILLI_BENCH_TARGET __m256 readStreams(const char *from, size_t part) {
  constexpr int kLines = 8 / Streams;
  __m256 sums[8];
#pragma GCC unroll 8
  for (__m256 &sum : sums)
    sum = _mm256_setzero_ps();
  for (size_t i = 0; i < part; i += 64 * kLines) {
#pragma GCC unroll 8
    for (int slot = 0; slot < 8; ++slot) {
      const char *line = from + part * static_cast<size_t>(slot / kLines) + i +
                         64 * static_cast<size_t>(slot % kLines);
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j)
        sums[slot] = _mm256_add_ps(
            sums[slot],
            _mm256_load_ps(reinterpret_cast<const float *>(line) + 8 * j));
    }
  }
  for (int i = 1; i < 8; ++i)
    sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return sums[0];
}

} // namespace

FUSILLI_BENCH_TARGET float streamReadAvx2(const char *from, size_t bytes,
                                          int streams) {
  // Parts that are no multiple of a page: equal places of all streams do not
  // meet in one set of a cache.
  size_t part = bytes / static_cast<size_t>(streams) / 512 * 512;
  if (part % 4096 == 0 && part > 512 && streams > 1)
    part -= 512;
  __m256 sum = _mm256_setzero_ps();
  switch (streams) {
  case 1:
    sum = readStreams<1>(from, part);
    break;
  case 2:
    sum = readStreams<2>(from, part);
    break;
  case 4:
    sum = readStreams<4>(from, part);
    break;
  default:
    streams = 8;
    sum = readStreams<8>(from, part);
    break;
  }
  size_t done = part * static_cast<size_t>(streams);
  sum = _mm256_add_ps(sum, readStreams<1>(from + done, bytes - done));
  return _mm256_cvtss_f32(sum);
}

} // namespace fusilli::bench
