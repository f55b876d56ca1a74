// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null-gpu driver in the conformance suite. Its test kernels are written
// word by word.
#include "artifact/null_gpu_abi.h"
#include "runtime/hal/cts/cts.h"

#include <bit>
#include <cstring>

namespace fusilli::hal::cts {
namespace {

using namespace artifact::null_gpu;

/// The first `Kernel::Local` + 1 entries of an executable.
class Code {
public:
  /// One workgroup an element, any number of them.
  void begin() {
    offset_ = bytes_.size();
    words_.clear();
  }
  void add(std::initializer_list<uint32_t> words) {
    words_.insert(words_.end(), words);
  }
  /// Position: the element's own number.
  void access(std::initializer_list<uint32_t> words) {
    add(words);
    add({0, 0, 1, 0});
  }
  uint64_t end(uint32_t registers) {
    Header header{static_cast<uint32_t>(words_.size()), 1, 1, registers,
                  ~uint64_t{0}};
    const uint64_t extent = ~uint64_t{0};
    append(&header, sizeof(header));
    append(&extent, sizeof(extent));
    append(words_.data(), words_.size() * sizeof(uint32_t));
    return offset_;
  }
  std::span<const uint8_t> bytes() const { return bytes_; }

private:
  void append(const void *data, size_t size) {
    const auto *from = static_cast<const uint8_t *>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }
  std::vector<uint8_t> bytes_;
  std::vector<uint32_t> words_;
  uint64_t offset_ = 0;
};

std::vector<uint8_t> version(uint32_t number) {
  std::vector<uint8_t> bytes(sizeof(number));
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

StatusOr<Ref<Executable>> makeExecutable(Device &device) {
  Code code;
  EntryParams entries[5];
  constexpr uint32_t bindings[] = {0, 3, 1, 0, 1};
  for (size_t i = 0; i < 5; ++i) {
    entries[i].bindingCount = bindings[i];
    entries[i].name =
        i == static_cast<size_t>(Kernel::Fail) ? "fail" : "kernel";
  }
  auto offsetOf = [&](Kernel kernel) -> uint64_t & {
    return entries[static_cast<size_t>(kernel)].offset;
  };
  code.begin();
  offsetOf(Kernel::Nop) = code.end(0);
  code.begin();
  code.access({kLoad, 1});
  code.access({kLoad, 2});
  code.add({kBinary, kAdd, 0, 1});
  code.access({kStore, 0, 2});
  offsetOf(Kernel::Add) = code.end(3);
  code.begin();
  code.access({kLoad, 0});
  code.add({kConst, 1});
  code.add({kBinary, kAddInt, 0, 1});
  code.access({kStore, 0, 2});
  offsetOf(Kernel::Count) = code.end(3);
  code.begin();
  code.add({kFail, 7});
  offsetOf(Kernel::Fail) = code.end(0);
  code.begin();
  code.add({kIndex});
  code.add({kLocalStore, 60, 0});
  code.add({kLocalLoad, 60});
  code.add({kBinary, kAddInt, 0, 1});
  code.access({kStore, 0, 2});
  entries[static_cast<size_t>(Kernel::Local)].localMemory = 64;
  offsetOf(Kernel::Local) = code.end(3);
  const std::vector<uint8_t> requirements = version(kVersion);
  ExecutableParams params;
  params.format = kFormat;
  params.requirements = requirements;
  params.bytes = code.bytes();
  params.entries = entries;
  return device.createExecutable(params);
}

Backend makeBackend() {
  const char *noImport = "null-gpu devices have no memory but their own";
  const char *noHost = "null-gpu devices have no host-local memory to count";
  Backend backend;
  backend.name = "null_gpu";
  backend.driver = "null-gpu";
  backend.makeExecutable = makeExecutable;
  backend.entryOf = [](Kernel kernel) { return static_cast<uint32_t>(kernel); };
  backend.format = kFormat;
  backend.requirements = version(kVersion);
  backend.unmetRequirements = version(kVersion + 1);
  backend.unmetName = "version 2";
  backend.expectedFailures = {
      {"AllocatorTest.ImportReleasesOnceAndIsNotCounted", noImport},
      {"AllocatorTest.ImportOfNothingOrUnknownTypes", noImport},
      {"AllocatorTest.StatisticsAreExactFromManyThreads", noHost},
      {"AllocatorTest.PeakOfANestedPattern", noHost},
  };
  return backend;
}

const bool added = addBackend(makeBackend());

} // namespace
} // namespace fusilli::hal::cts
