// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// WeakSlot: a process-wide object that lives only while somebody owns it.
#ifndef SUPPORT_WEAK_SLOT_H
#define SUPPORT_WEAK_SLOT_H

#include "support/ref.h"

#include <mutex>

namespace fusilli {

/// Holds a weak pointer under a mutex. The destructor of an object that
/// `getOrCreate` gave must call `forget(this)` first; that of one whose making
/// failed must not (the lock is held). Static storage; never destroyed before
/// its objects.
/// Thread safety: thread-safe.
template <typename T> class WeakSlot {
public:
  /// The living object, or a new one from `make` (called with the lock held,
  /// so losers of a race get the winner's).
  template <typename Make> StatusOr<Ref<T>> getOrCreate(Make &&make) {
    std::lock_guard lock(mutex_);
    if (object_ != nullptr &&
        static_cast<const RefObject *>(object_)->tryRetain())
      return Ref<T>::adopt(object_);
    StatusOr<Ref<T>> made = make();
    if (made.isOk())
      object_ = made->get();
    return made;
  }
  void forget(const T *object) noexcept {
    std::lock_guard lock(mutex_);
    if (object_ == object)
      object_ = nullptr;
  }

private:
  std::mutex mutex_;
  T *object_ = nullptr; // Weak: cleared by the destructor of what it names.
};

} // namespace fusilli

#endif // SUPPORT_WEAK_SLOT_H
