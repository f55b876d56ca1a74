// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// List: a growable list of references, the general form of call arguments.
#ifndef RUNTIME_VM_LIST_H
#define RUNTIME_VM_LIST_H

#include "support/ref.h"

#include <span>

namespace fusilli::vm {

/// Owns its elements; null elements are allowed.
/// Thread safety: one thread at a time.
class List final : public RefObject {
public:
  static const TypeDescriptor kType;

  /// Exactly `capacity` elements fit before the list grows.
  static StatusOr<Ref<List>>
  create(size_t capacity, HostAllocator &allocator = systemAllocator());

  size_t size() const noexcept { return size_; }
  size_t capacity() const noexcept { return items_.size(); }
  /// Takes the reference over in any case; on failure (ResourceExhausted) it
  /// is released.
  Status push(Ref<RefObject> object);
  /// Adds a reference.
  Status pushShared(RefObject *object) {
    return push(Ref<RefObject>::share(object));
  }
  /// Null for an index past the end.
  RefObject *get(size_t index) const noexcept {
    return index < size_ ? items_[index].get() : nullptr;
  }
  /// OutOfRange past the end.
  Status set(size_t index, Ref<RefObject> object);
  /// Releases all; keeps the capacity.
  void clear() noexcept;
  /// The elements as borrowed pointers.
  std::span<RefObject *const> borrow() const noexcept;

  List(HostAllocator &allocator) noexcept : RefObject(kType, allocator) {}

private:
  ~List() override = default;
  HostArray<Ref<RefObject>> items_;
  size_t size_ = 0;
};
static_assert(sizeof(Ref<RefObject>) == sizeof(RefObject *));

} // namespace fusilli::vm

#endif // RUNTIME_VM_LIST_H
