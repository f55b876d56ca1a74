// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "tests/soak/faults.h"

#include <string_view>

namespace fusilli::soak {
namespace {

thread_local uint64_t failIn = 0;
thread_local bool failed = false;

// All but the registration of the drivers: its failure is for good, by design.
constexpr FaultPoint kPoints[] = {
    FaultPoint::DeviceCreation, FaultPoint::TypeRegistration,
    FaultPoint::ModuleState,    FaultPoint::ImportResolution,
    FaultPoint::ModuleInit,     FaultPoint::WorkerStart,
    FaultPoint::CodeMapping};

} // namespace

void *FaultyAllocator::allocate(size_t size, size_t alignment) noexcept {
  if (failIn != 0 && --failIn == 0) {
    failed = true;
    failures_.fetch_add(1);
    return nullptr;
  }
  return counting_.allocate(size, alignment);
}

void FaultyAllocator::deallocate(void *pointer, size_t alignment) noexcept {
  counting_.deallocate(pointer, alignment);
}

void FaultyAllocator::failNthOfThisThread(uint64_t n) noexcept {
  failIn = n;
  failed = false;
}

bool FaultyAllocator::failedThisThread() noexcept { return failed; }

void armRandomFault(std::mt19937_64 &random) {
  armFault(kPoints[random() % std::size(kPoints)], 1,
           random() % 2 ? StatusCode::Unavailable : StatusCode::Internal);
}

void disarmFaults() {
  for (FaultPoint point : kPoints)
    armFault(point, 0);
}

uint64_t faultPointFailures() {
  uint64_t sum = 0;
  for (FaultPoint point : kPoints)
    sum += faultsGiven(point);
  return sum;
}

bool isInjected(const ErrorObject &error) {
  const std::string_view text = error.getMessage();
  return text.find("injected failure of") != std::string_view::npos ||
         (FaultyAllocator::failedThisThread() &&
          text.find("out of memory for") != std::string_view::npos);
}

} // namespace fusilli::soak
