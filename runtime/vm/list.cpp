// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lists of references.
#include "runtime/vm/list.h"

#include <algorithm>

namespace fusilli::vm {

StatusOr<Ref<List>> List::create(size_t capacity, HostAllocator &allocator) {
  auto list = makeRef<List>(allocator);
  if (!list || !list->items_.allocate(allocator, capacity))
    return outOfMemoryError("a list");
  return list;
}

Status List::push(Ref<RefObject> object) {
  if (size_ == items_.size()) {
    HostArray<Ref<RefObject>> larger;
    if (!larger.allocate(hostAllocator(), std::max<size_t>(8, 2 * size_)))
      return outOfMemoryError("a list");
    std::move(items_.begin(), items_.end(), larger.begin());
    items_ = std::move(larger);
  }
  items_[size_++] = std::move(object);
  return okStatus();
}

Status List::set(size_t index, Ref<RefObject> object) {
  if (index >= size_)
    return outOfRangeError(strCat("list item ", index, " of ", size_));
  items_[index] = std::move(object);
  return okStatus();
}

void List::clear() noexcept {
  while (size_ > 0)
    items_[--size_].reset();
}

std::span<RefObject *const> List::borrow() const noexcept {
  // A Ref is exactly its pointer.
  return {reinterpret_cast<RefObject *const *>(items_.data()), size_};
}

} // namespace fusilli::vm
