// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many CPUs this process may use: affinity mask and cgroup quota, and the
// environment variable that overrides them.
#ifndef RUNTIME_BASE_CPU_COUNT_H
#define RUNTIME_BASE_CPU_COUNT_H

#include "support/status.h"

#include <cstdint>
#include <string>

namespace fusilli {

/// CPUs that this process may use: its affinity mask, cut by the cgroup CPU
/// quota (rounded up); at least 1.
uint32_t availableCpus();

/// CPUs that the cgroup files below `root` (v2: cpu.max on the way up from
/// `group`; v1: cpu.cfs_quota_us) allow, rounded up; 0 when they set no limit.
uint32_t cgroupCpuLimit(const std::string &root, const std::string &group);

/// FUSILLI_NUM_THREADS when set, else availableCpus(). InvalidArgument, naming
/// the variable and its value, when it is not a number in [1, 1024].
StatusOr<uint32_t> defaultThreadCount();

} // namespace fusilli

#endif // RUNTIME_BASE_CPU_COUNT_H
