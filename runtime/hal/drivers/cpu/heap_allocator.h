// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers in host memory, for devices that compute on the host.
#ifndef RUNTIME_HAL_DRIVERS_CPU_HEAP_ALLOCATOR_H
#define RUNTIME_HAL_DRIVERS_CPU_HEAP_ALLOCATOR_H

#include "runtime/hal/allocator.h"

namespace fusilli::hal {

/// Memory comes from the host allocator: aligned to 64, from 2 MB on aligned
/// to 2 MB and marked for huge pages. Imports take host and device addresses
/// of any alignment.
/// Thread safety: thread-safe.
class HeapAllocator final : public Allocator {
public:
  static StatusOr<Ref<Allocator>> create(HostAllocator &allocator);

  StatusOr<Ref<Buffer>> allocate(const BufferParams &params,
                                 DeviceSize byteLength) override;
  StatusOr<Ref<Buffer>> import(const BufferParams &params,
                               const ExternalBuffer &external,
                               ReleaseCallback callback) override;

  explicit HeapAllocator(HostAllocator &allocator) noexcept
      : Allocator(allocator) {}
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_CPU_HEAP_ALLOCATOR_H
