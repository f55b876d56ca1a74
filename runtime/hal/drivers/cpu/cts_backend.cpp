// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU drivers in the conformance suite.
#include "artifact/cpu_features.h"
#include "artifact/executable_abi.h"
#include "artifact/testing/test_artifacts.h"
#include "runtime/hal/cts/cts.h"

namespace fusilli::hal::cts {
namespace {

using namespace artifact::testing;

StatusOr<Ref<Executable>> makeExecutable(Device &device) {
  EntryParams entries[kTestKernelCount];
  for (uint32_t i = 0; i < kTestKernelCount; ++i) {
    auto kernel = static_cast<TestKernel>(i);
    entries[i].name = i == kFail ? "fail" : "kernel";
    entries[i].offset = testCodeOffset(kernel);
    entries[i].bindingCount = testBindingCount(kernel);
    entries[i].localMemory = i == kLocal ? 64 : 0;
  }
  ExecutableParams params;
  const std::vector<uint8_t> requirements = artifact::encodeCpuRequirements(0);
  params.format = FUSILLI_X86_64_IMAGE_FORMAT;
  params.requirements = requirements;
  params.bytes = testCode();
  params.entries = entries;
  return device.createExecutable(params);
}

uint32_t entryOf(Kernel kernel) {
  switch (kernel) {
  case Kernel::Nop:
    return kNop;
  case Kernel::Add:
    return kAdd;
  case Kernel::Count:
    return kCount;
  case Kernel::Fail:
    return kFail;
  case Kernel::Local:
    return kLocal;
  }
  return kNop;
}

Backend makeBackend(std::string name, std::string driver, uint32_t threads) {
  Backend backend;
  backend.name = std::move(name);
  backend.driver = std::move(driver);
  backend.params.threadCount = threads;
  backend.makeExecutable = makeExecutable;
  backend.entryOf = entryOf;
  backend.format = FUSILLI_X86_64_IMAGE_FORMAT;
  backend.requirements = artifact::encodeCpuRequirements(0);
  backend.unmetRequirements = artifact::encodeCpuRequirements(1ull << 62);
  backend.unmetName = "bit62";
  return backend;
}

const bool added = addBackend(makeBackend("local_sync", "local-sync", 0)) &&
                   addBackend(makeBackend("local_task", "local-task", 0)) &&
                   addBackend(makeBackend("local_task_1", "local-task", 1)) &&
                   addBackend(makeBackend("local_task_2", "local-task", 2)) &&
                   addBackend(makeBackend("local_task_4", "local-task", 4));

} // namespace
} // namespace fusilli::hal::cts
