// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops in AVX-512F: the peaks of target x86-64-v4 and above.

#include "benchmarks/peaks/peaks.h"

#include <immintrin.h>

#define FUSILLI_BENCH_TARGET __attribute__((target("avx512f")))

namespace fusilli::bench {

FUSILLI_BENCH_TARGET double fmaLoopAvx512(int64_t rounds) {
  constexpr int kChains = 16;
  static volatile float seed = 1.0f;
  // The sums grow by a * b = 0.5 and stay exact; assembly keeps the compiler
  // from making one chain of equal ones.
  __m512 a = _mm512_set1_ps(seed * 0.5f), b = _mm512_set1_ps(seed);
  __m512 sums[kChains];
  for (__m512 &sum : sums)
    sum = b;
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (__m512 &sum : sums)
      __asm__ volatile("vfmadd231ps %1, %2, %0" : "+v"(sum) : "v"(a), "v"(b));
  for (int i = 1; i < kChains; ++i)
    sums[0] = _mm512_add_ps(sums[0], sums[i]);
  seed = _mm512_cvtss_f32(sums[0]) > 0 ? 1.0f : 0.75f;
  return double(rounds) * kChains * 16 * 2;
}

FUSILLI_BENCH_TARGET void streamCopyAvx512(char *to, const char *from,
                                           size_t bytes) {
  for (size_t i = 0; i < bytes; i += 256) {
    for (size_t j = 0; j < 256; j += 64)
      _mm_prefetch(from + i + 1024 + j, _MM_HINT_T0);
    for (size_t j = 0; j < 256; j += 64)
      _mm512_stream_si512(reinterpret_cast<__m512i *>(to + i + j),
                          _mm512_load_si512(from + i + j));
  }
  _mm_sfence();
}

namespace {

/// Reads equal parts as parallel streams, eight cache lines a step.
template <int Streams>
FUSILLI_BENCH_TARGET __m512 readStreams(const char *from, size_t part) {
  constexpr int kLines = 8 / Streams;
  __m512 sums[8];
#pragma GCC unroll 8
  for (__m512 &sum : sums)
    sum = _mm512_setzero_ps();
  for (size_t i = 0; i < part; i += 64 * kLines) {
#pragma GCC unroll 8
    for (int slot = 0; slot < 8; ++slot) {
      const char *line = from + part * static_cast<size_t>(slot / kLines) + i +
                         64 * static_cast<size_t>(slot % kLines);
#pragma GCC unroll 2
      for (int j = 0; j < 1; ++j)
        sums[slot] = _mm512_add_ps(
            sums[slot],
            _mm512_load_ps(reinterpret_cast<const float *>(line) + 16 * j));
    }
  }
  for (int i = 1; i < 8; ++i)
    sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return sums[0];
}

} // namespace

FUSILLI_BENCH_TARGET float streamReadAvx512(const char *from, size_t bytes,
                                            int streams) {
  // Parts that are no multiple of a page: equal places of all streams do not
  // meet in one set of a cache.
  size_t part = bytes / static_cast<size_t>(streams) / 512 * 512;
  if (part % 4096 == 0 && part > 512 && streams > 1)
    part -= 512;
  __m512 sum = _mm512_setzero_ps();
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
  sum = _mm512_add_ps(sum, readStreams<1>(from + done, bytes - done));
  return _mm512_cvtss_f32(sum);
}

} // namespace fusilli::bench
