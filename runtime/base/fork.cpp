// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "runtime/base/fork.h"

#include <atomic>

#include <pthread.h>

namespace fusilli {

namespace {
constinit std::atomic<uint32_t> generation{0};
} // namespace

uint32_t forkGeneration() noexcept {
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    generation.fetch_add(1, std::memory_order_relaxed);
  });
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

} // namespace fusilli
