// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program keeps for one context. Private to the program module.
#ifndef RUNTIME_VM_MODULES_PROGRAM_STATE_H
#define RUNTIME_VM_MODULES_PROGRAM_STATE_H

#include "runtime/hal/device.h"
#include "runtime/vm/module.h"
#include "runtime/vm/modules/program_shapes.h"

#include <atomic>
#include <mutex>

namespace fusilli::vm {

/// What the prepare program computed from one set of constant buffers.
/// Thread safety: immutable once it is filled.
class PreparedSet final : public RefObject {
public:
  static const TypeDescriptor kType;

  PreparedSet(HostAllocator &allocator, Ref<hal::Buffer> preparedMemory,
              HostArray<uint64_t> constantIds) noexcept
      : RefObject(kType, allocator), memory(std::move(preparedMemory)),
        ids(std::move(constantIds)) {}

  const Ref<hal::Buffer> memory;
  /// Ids of the buffers, in the order of the constant arguments.
  const HostArray<uint64_t> ids;

private:
  ~PreparedSet() override = default;
};

/// Made at load; only the shapes and what is prepared change after it. In
/// dependency order: command buffers go before what they use.
class ProgramState final : public ModuleState {
public:
  /// The kernel of one entry of the artifact.
  struct Kernel {
    hal::Executable *executable = nullptr; // Borrowed: of executables.
    uint32_t ordinal = 0;
  };

  Ref<hal::Device> device;
  HostArray<Ref<hal::Executable>> executables;
  HostArray<Kernel> kernels;
  Ref<hal::Buffer> constants;       ///< null when there are none
  Ref<hal::CommandBuffer> commands; ///< of a program without symbols
  ShapeCache shapes;                ///< of one with symbols
  Ref<hal::CommandBuffer> prepare;  ///< null when nothing is prepared

  /// How often what was prepared was let go of; whoever kept some of it looks.
  std::atomic<uint64_t> releases{0};
  std::mutex preparedMutex;
  // All below: guarded by preparedMutex.
  Ref<PreparedSet> prepared; ///< complete
  Ref<PreparedSet> queued;   ///< complete once `queuedFence` is reached
  Ref<hal::Fence> queuedFence;
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULES_PROGRAM_STATE_H
