// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Live-object counters and the end of a reference-counted object.
#include "support/ref.h"

#include <array>

namespace fusilli {

namespace {

struct KindCounter {
  std::atomic<int64_t> live{0};
  std::atomic<int64_t> created{0};
};

constexpr size_t kKinds = static_cast<size_t>(ObjectKind::Count);
constinit std::array<KindCounter, kKinds> counters{};

KindCounter &counterOf(ObjectKind kind) {
  return counters[static_cast<size_t>(kind)];
}

} // namespace

const char *objectKindName(ObjectKind kind) {
  static constexpr const char *names[kKinds] = {
      "instance",  "driver",      "device",      "device group",
      "allocator", "context",     "module",      "list",
      "buffer",    "buffer view", "executable",  "command buffer",
      "semaphore", "fence",       "worker pool", "submission",
      "other"};
  return kind < ObjectKind::Count ? names[static_cast<size_t>(kind)]
                                  : "unknown";
}

int64_t liveObjects(ObjectKind kind) {
  return kind < ObjectKind::Count ? counterOf(kind).live.load() : 0;
}

int64_t createdObjects(ObjectKind kind) {
  return kind < ObjectKind::Count ? counterOf(kind).created.load() : 0;
}

int64_t liveObjects() {
  int64_t sum = 0;
  for (const KindCounter &counter : counters)
    sum += counter.live.load();
  return sum;
}

RefObject::RefObject(const TypeDescriptor &type,
                     HostAllocator &hostAllocator) noexcept
    : type_(&type), hostAllocator_(&hostAllocator) {
  KindCounter &counter = counterOf(type.kind);
  counter.live.fetch_add(1, std::memory_order_relaxed);
  counter.created.fetch_add(1, std::memory_order_relaxed);
}

RefObject::~RefObject() {
  counterOf(type_->kind).live.fetch_sub(1, std::memory_order_release);
}

void RefObject::destroy() noexcept {
  HostAllocator *allocator = hostAllocator_;
  size_t alignment = alignment_;
  void *memory = dynamic_cast<void *>(this);
  this->~RefObject();
  allocator->deallocate(memory, alignment);
}

} // namespace fusilli
