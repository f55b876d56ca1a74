// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The futex system call.
#include "runtime/base/futex.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fusilli {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

void futexWait(const std::atomic<uint32_t> &word, uint32_t expected) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futexWake(const std::atomic<uint32_t> &word, uint32_t count) noexcept {
  uint32_t limited = count > INT_MAX ? INT_MAX : count;
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, limited, nullptr, nullptr, 0);
}

} // namespace fusilli
