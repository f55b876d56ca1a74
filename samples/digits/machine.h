// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the samples want to know of the machine and of their own process.
#ifndef SAMPLES_DIGITS_MACHINE_H
#define SAMPLES_DIGITS_MACHINE_H

#include <cstddef>
#include <string>
#include <vector>

namespace digits {

/// The f32 rate, in 1e9 operations a second, of multiply-adds on registers
/// alone, with the widest vectors of this CPU on `threads` threads at once.
double measurePeakGflops(int threads);

/// CPUs that this process may use.
int usableCpus();

/// Peak resident memory of this process, in bytes; 0 if unknown.
size_t peakResidentBytes();

/// Names of the mapped files of this process whose name holds one of `words`.
std::vector<std::string> mappedFiles(const std::vector<std::string> &words);

} // namespace digits

#endif // SAMPLES_DIGITS_MACHINE_H
