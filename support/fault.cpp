// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Armed fault points.
#include "support/fault.h"

#include <array>
#include <atomic>

namespace fusilli {

namespace {

struct Fault {
  std::atomic<uint32_t> times{0};
  std::atomic<StatusCode> code{StatusCode::Internal};
  std::atomic<uint64_t> given{0};
};

constexpr size_t kPoints = static_cast<size_t>(FaultPoint::Count);
constinit std::array<Fault, kPoints> faults{};

constexpr const char *kNames[kPoints] = {
    "driver registration", "device creation",   "type registration",
    "module state",        "import resolution", "module init",
    "worker start",        "code mapping"};

} // namespace

void armFault(FaultPoint point, uint32_t times, StatusCode code) {
  Fault &fault = faults[static_cast<size_t>(point)];
  fault.code.store(code);
  fault.times.store(times);
}

Status checkFault(FaultPoint point) {
  Fault &fault = faults[static_cast<size_t>(point)];
  uint32_t times = fault.times.load(std::memory_order_relaxed);
  while (times != 0)
    if (fault.times.compare_exchange_weak(times, times - 1)) {
      fault.given.fetch_add(1);
      return Status::make(
          fault.code.load(),
          strCat("injected failure of ", kNames[static_cast<size_t>(point)]));
    }
  return okStatus();
}

uint64_t faultsGiven(FaultPoint point) {
  return faults[static_cast<size_t>(point)].given.load();
}

} // namespace fusilli
