// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program with symbols keeps of the shapes it was called with: the
// arguments' extents and bytes, the size of the workspace, the recorded
// commands. A shape that is repeated is found without a lock or an allocation.
#ifndef RUNTIME_VM_MODULES_PROGRAM_SHAPES_H
#define RUNTIME_VM_MODULES_PROGRAM_SHAPES_H

#include "runtime/hal/command_buffer.h"
#include "runtime/vm/modules/program_module.h"

#include <atomic>
#include <mutex>
#include <utility>

namespace fusilli::vm {

/// A program for one set of extents.
/// Thread safety: immutable once it is in a ShapeCache.
class ProgramShape final : public RefObject {
public:
  static const TypeDescriptor kType;

  /// The arguments `args` with the extents `symbols`. OutOfRange, naming the
  /// argument, when one is larger than an artifact may have them;
  /// ResourceExhausted.
  static StatusOr<Ref<ProgramShape>> create(std::span<const ProgramArg> args,
                                            std::span<const int64_t> symbols,
                                            HostAllocator &allocator);

  std::span<const int64_t> symbols() const noexcept { return symbols_.span(); }
  std::span<const ProgramArg> args() const noexcept { return args_.span(); }

  uint64_t workspaceSize = 0;
  Ref<hal::CommandBuffer> commands;

  explicit ProgramShape(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}

private:
  ~ProgramShape() override = default;
  Status setExtents(ProgramArg &arg, int64_t *dims);

  HostArray<int64_t> symbols_;
  HostArray<int64_t> dims_; ///< of all arguments with symbols
  HostArray<ProgramArg> args_;
};

/// One place of a ShapeCache.
struct ShapeSlot {
  /// Leases, and kExclusive while the shape is replaced.
  std::atomic<uint32_t> pins{0};
  std::atomic<uint32_t> lastUse{0};
  Ref<ProgramShape> shape;

  static constexpr uint32_t kExclusive = uint32_t{1} << 31;
};

/// A shape that stays as long as this does. Move-only.
class ShapeLease {
public:
  ShapeLease() = default;
  /// A shape that no cache holds.
  explicit ShapeLease(Ref<ProgramShape> shape) noexcept
      : shape_(shape.get()), owned_(std::move(shape)) {}
  ShapeLease(ShapeLease &&other) noexcept
      : shape_(std::exchange(other.shape_, nullptr)),
        slot_(std::exchange(other.slot_, nullptr)),
        owned_(std::move(other.owned_)) {}
  ShapeLease &operator=(ShapeLease &&other) noexcept {
    release();
    shape_ = std::exchange(other.shape_, nullptr);
    slot_ = std::exchange(other.slot_, nullptr);
    owned_ = std::move(other.owned_);
    return *this;
  }
  ~ShapeLease() { release(); }

  explicit operator bool() const noexcept { return shape_ != nullptr; }
  ProgramShape *operator->() const noexcept { return shape_; }
  ProgramShape &operator*() const noexcept { return *shape_; }

private:
  friend class ShapeCache;
  /// Of a pinned slot.
  explicit ShapeLease(ShapeSlot &slot) noexcept
      : shape_(slot.shape.get()), slot_(&slot) {}
  void release() noexcept {
    if (slot_ != nullptr)
      slot_->pins.fetch_sub(1, std::memory_order_release);
    slot_ = nullptr;
  }

  ProgramShape *shape_ = nullptr;
  ShapeSlot *slot_ = nullptr;
  Ref<ProgramShape> owned_;
};

/// The shapes of one loaded program: kSets sets of kWays, the least recently
/// used of a set goes.
/// Thread safety: any number of threads.
class ShapeCache {
public:
  static constexpr size_t kSets = 16;
  static constexpr size_t kWays = 8;

  /// False when out of memory.
  [[nodiscard]] bool allocate(HostAllocator &allocator) noexcept {
    return sets_.allocate(allocator, kSets);
  }
  /// The shape of these extents, or nothing. Lock-free.
  ShapeLease find(std::span<const int64_t> symbols) noexcept;
  /// Held while a shape is made, so that it is made once.
  std::mutex &mutex() noexcept { return mutex_; }
  /// Keeps `shape`, unless all places of its set are in use just now. The
  /// caller holds the mutex.
  ShapeLease insert(Ref<ProgramShape> shape) noexcept;

private:
  struct alignas(64) Set {
    /// Of each slot's extents; 0: empty. A hint: the slot has the last word.
    std::atomic<uint64_t> hashes[kWays] = {};
    ShapeSlot slots[kWays];
    std::atomic<uint32_t> clock{0};
    std::atomic<uint32_t> latest{~uint32_t{0}};
  };

  static uint64_t hash(std::span<const int64_t> symbols) noexcept;
  static void touch(Set &set, uint32_t way) noexcept;

  HostArray<Set> sets_;
  std::mutex mutex_;
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULES_PROGRAM_SHAPES_H
