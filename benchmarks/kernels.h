// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an artifact says of its kernels, for the report and --explain.
#ifndef BENCHMARKS_KERNELS_H
#define BENCHMARKS_KERNELS_H

#include "benchmarks/report.h"

#include <fusilli/support/logging.h>

#include <cstdint>
#include <span>
#include <vector>

namespace fusilli::bench {

/// The kernels of an artifact in the order of its entries. A kernel that is
/// dispatched several times has the workgroups of the first; one that is
/// dispatched over symbolic extents has none. InvalidArgument for bytes that
/// are no artifact.
ErrorOr<std::vector<KernelInfo>> kernelsOf(std::span<const uint8_t> artifact);

} // namespace fusilli::bench

#endif // BENCHMARKS_KERNELS_H
