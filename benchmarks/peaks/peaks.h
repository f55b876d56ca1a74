// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine's own limits, measured by plain loops in the same run as the
// problems: FMA rate in f32, dot products in bf16 and int8, copy and read
// bandwidth.
// One translation unit per instruction set; each loop is called only where the
// CPU has it.
#ifndef BENCHMARKS_PEAKS_PEAKS_H
#define BENCHMARKS_PEAKS_PEAKS_H

#include "benchmarks/machine.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fusilli::bench {

/// Arithmetic loops: run 'rounds' of a fixed number of operations and return
/// that number in floating-point operations (a multiply-add is two).
double fmaLoopAvx2(int64_t rounds);
double fmaLoopAvx512(int64_t rounds);
double dotLoopAvx512Bf16(int64_t rounds);
/// Bytes: dot products of four, or widened to 16 bits and added in pairs.
double dotLoopAvx512I8(int64_t rounds);
double dotLoopAvx2I8(int64_t rounds);
/// Must only run after amxPermission() has said yes.
double dotLoopAmxBf16(int64_t rounds);

/// Asks the kernel for the use of the tile registers.
bool amxPermission();

/// Memory loops over 'bytes' (a multiple of 512, 64-byte aligned).
void streamCopyAvx2(char *to, const char *from, size_t bytes);
void streamCopyAvx512(char *to, const char *from, size_t bytes);
/// Read 1, 2, 4 or 8 parts of the memory at once and give the sum of all.
float streamReadAvx2(const char *from, size_t bytes, int streams);
float streamReadAvx512(const char *from, size_t bytes, int streams);

/// Peaks in GFLOP/s and GB/s (1e9); what the target or the CPU lacks is empty.
struct PeakValues {
  std::optional<double> f32, bf16Dot, bf16Amx, i8Dot, copy, read;
};

/// Measures the peaks of a target on a number of threads, each pinned. The
/// value of a peak is the median over its measurements, each of which is the
/// best of many short blocks, so that load from outside does not lower it.
/// Thread safety: externally synchronised.
class PeakMeter {
public:
  /// 'target' is a level name (x86-64-v3, ..) or host.
  PeakMeter(const std::string &target, int threads);

  /// One measurement of the arithmetic peaks, some milliseconds.
  void measureArithmetic();

  /// One measurement of copy, over memory that no cache of a core holds, and of
  /// read, over 'footprint' bytes (a problem's own size, within limits), some
  /// tens of milliseconds. Read is the best of several access patterns: one to
  /// eight streams, on 2 MB pages, no software prefetch; both vector widths.
  void measureMemory(double footprint = kStreamBytes);

  /// Bytes of the copy, and the most of the read.
  static constexpr size_t kStreamBytes = size_t(128) << 20;

  /// Number of measurements so far.
  size_t count() const { return f32_.size(); }

  /// Median of the measurements, from number 'first' on where both kinds were
  /// measured in turn.
  PeakValues values(size_t first = 0) const;

private:
  /// Best rate, in units per nanosecond, of blocks of work on all threads.
  double best(int leastBlocks, int mostBlocks,
              const std::function<double(int)> &work) const;

  double bestRead(double footprint) const;

  int threads_;
  bool avx512_, bf16Dot_, bf16Amx_, i8Dot_;
  BigBuffer from_, to_;
  std::vector<double> f32_, dot_, amx_, i8_, copy_, read_;
};

/// True where code for 'target' may use the named feature on this machine.
bool targetHas(const std::string &target, const char *feature);

} // namespace fusilli::bench

#endif // BENCHMARKS_PEAKS_PEAKS_H
