// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Waiting on a 32-bit word in the kernel, and the pause hint for spinning.
#ifndef RUNTIME_BASE_FUTEX_H
#define RUNTIME_BASE_FUTEX_H

#include <atomic>
#include <cstdint>

namespace fusilli {

/// Sleeps while `word` holds `expected`; returns at a wake-up, at a change, or
/// for no reason. The caller checks its condition again.
void futexWait(const std::atomic<uint32_t> &word, uint32_t expected) noexcept;
/// Wakes up to `count` sleepers of `word`.
void futexWake(const std::atomic<uint32_t> &word, uint32_t count) noexcept;

/// Tells the core that this thread spins.
inline void spinPause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

} // namespace fusilli

#endif // RUNTIME_BASE_FUTEX_H
