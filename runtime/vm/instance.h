// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instance: the root of the VM. Holds the registry of reference types and the
// host allocator; contexts and modules retain it.
#ifndef RUNTIME_VM_INSTANCE_H
#define RUNTIME_VM_INSTANCE_H

#include "support/ref.h"

#include <mutex>
#include <string_view>

namespace fusilli::vm {

/// Thread safety: thread-safe.
class Instance final : public RefObject {
public:
  static const TypeDescriptor kType;
  static constexpr size_t kDefaultTypeCapacity = 32;

  /// Built-in types (vm.list, vm.buffer) are registered.
  static StatusOr<Ref<Instance>>
  create(size_t typeCapacity = kDefaultTypeCapacity,
         HostAllocator &allocator = systemAllocator());

  /// The process's shared instance: made on first use by `initialize` (which
  /// registers further types; a failure releases the instance again),
  /// destroyed with its last owner, made afresh after that. Losers of a race
  /// get the winner's.
  static StatusOr<Ref<Instance>>
      shared(Status (*initialize)(Instance &) = nullptr);

  /// The same descriptor again raises a counter; it takes as many
  /// unregistrations. InvalidArgument: not aligned to 8, or another descriptor
  /// of that name; ResourceExhausted: the table is full.
  Status registerType(const TypeDescriptor *type);
  /// NotFound when not registered. The order of the others stays.
  Status unregisterType(const TypeDescriptor *type);
  /// Null for an unknown name.
  const TypeDescriptor *lookupType(std::string_view fullName) const;
  size_t typeCount() const;

  Instance(HostAllocator &allocator) noexcept : RefObject(kType, allocator) {}

private:
  ~Instance() override;
  struct Entry {
    const TypeDescriptor *type = nullptr;
    uint32_t registrations = 0;
  };
  bool shared_ = false; ///< made by shared(); set before it is published
  mutable std::mutex mutex_;
  HostArray<Entry> types_; // guarded by mutex_
  size_t typeCount_ = 0;   // guarded by mutex_
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_INSTANCE_H
