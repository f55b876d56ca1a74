// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The floating-point environment of kernels: round to nearest, subnormals kept,
// no traps, whatever the caller has set; and the caller finds its own again,
// sticky flags included.
#ifndef RUNTIME_BASE_FLOAT_ENVIRONMENT_H
#define RUNTIME_BASE_FLOAT_ENVIRONMENT_H

#include <xmmintrin.h>

namespace fusilli {

/// All exceptions masked, round to nearest even, no flush to zero.
inline constexpr unsigned kKernelMxcsr = 0x1f80;

/// Sets the kernels' environment for its lifetime.
///
/// Thread safety: belongs to one thread and one scope.
class FloatEnvironment {
public:
  FloatEnvironment() noexcept : saved_(_mm_getcsr()) {
    // Flags that are set already do no harm.
    if ((saved_ & ~0x3fu) != kKernelMxcsr) [[unlikely]]
      _mm_setcsr(kKernelMxcsr);
  }
  ~FloatEnvironment() {
    if (_mm_getcsr() != saved_)
      _mm_setcsr(saved_);
  }
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

private:
  unsigned saved_;
};

} // namespace fusilli

#endif // RUNTIME_BASE_FLOAT_ENVIRONMENT_H
