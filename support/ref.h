// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ref<T> and its base class: intrusive atomic reference counts, a type
// descriptor for checked casts, and counters of live objects per kind that are
// kept in every build and read by tests.
#ifndef SUPPORT_REF_H
#define SUPPORT_REF_H

#include "support/host_allocator.h"
#include "support/status.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace fusilli {

/// Kinds of counted objects.
enum class ObjectKind : uint8_t {
  Instance,
  Driver,
  Device,
  DeviceGroup,
  Allocator,
  Context,
  Module,
  List,
  Buffer,
  BufferView,
  Executable,
  CommandBuffer,
  Semaphore,
  Fence,
  WorkerPool,
  Submission,
  Other,
  Count
};

const char *objectKindName(ObjectKind kind);

/// Objects of the kind that are alive now. Thread-safe.
int64_t liveObjects(ObjectKind kind);
/// Objects of the kind made since the process started. Thread-safe.
int64_t createdObjects(ObjectKind kind);
/// Live objects of all kinds.
int64_t liveObjects();

/// Names a class of reference-counted objects. Its address is the identity; it
/// is static and lives as long as any object of the type.
struct alignas(8) TypeDescriptor {
  const char *name; ///< "hal.buffer_view"
  ObjectKind kind;
};

/// Base of all reference-counted objects. Made by `makeRef` only; starts with
/// one reference.
/// Thread safety: retain and release are thread-safe.
class RefObject {
public:
  RefObject(const RefObject &) = delete;
  RefObject &operator=(const RefObject &) = delete;

  void retain() const noexcept {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() const noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      const_cast<RefObject *>(this)->destroy();
  }
  /// For tests: exact only while nobody else retains or releases.
  uint32_t refCount() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  const TypeDescriptor *type() const noexcept { return type_; }
  HostAllocator &hostAllocator() const noexcept { return *hostAllocator_; }

protected:
  RefObject(const TypeDescriptor &type, HostAllocator &hostAllocator) noexcept;
  virtual ~RefObject();

private:
  template <typename T> friend class WeakSlot;
  template <typename T, typename... Args>
  friend auto makeRef(HostAllocator &, Args &&...);
  void destroy() noexcept;
  /// +1 unless the object is already being destroyed.
  bool tryRetain() const noexcept {
    uint32_t count = count_.load(std::memory_order_relaxed);
    while (count != 0)
      if (count_.compare_exchange_weak(count, count + 1,
                                       std::memory_order_acq_rel,
                                       std::memory_order_relaxed))
        return true;
    return false;
  }

  mutable std::atomic<uint32_t> count_{1};
  uint32_t alignment_ = alignof(std::max_align_t);
  const TypeDescriptor *type_;   // Borrowed: static.
  HostAllocator *hostAllocator_; // Borrowed: outlives its objects.
};

/// Retain and release that accept null.
inline void retain(const RefObject *object) noexcept {
  if (object != nullptr)
    object->retain();
}
inline void release(const RefObject *object) noexcept {
  if (object != nullptr)
    object->release();
}

/// Owns one reference, or is null.
/// Thread safety: like a raw pointer; the count itself is thread-safe.
template <typename T> class Ref {
public:
  constexpr Ref() noexcept = default;
  constexpr Ref(std::nullptr_t) noexcept {}
  Ref(const Ref &other) noexcept : object_(other.object_) { retain(object_); }
  Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
    requires std::is_convertible_v<U *, T *>
  Ref(const Ref<U> &other) noexcept : object_(other.get()) {
    retain(object_);
  }
  template <typename U>
    requires std::is_convertible_v<U *, T *>
  Ref(Ref<U> &&other) noexcept : object_(other.detach()) {}
  Ref &operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { fusilli::release(object_); }

  /// Takes over a reference that the caller owns.
  static Ref adopt(T *object) noexcept {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  /// Adds a reference to a borrowed object (or null).
  static Ref share(T *object) noexcept {
    retain(object);
    return adopt(object);
  }
  /// Gives the reference to the caller; this becomes null.
  [[nodiscard]] T *detach() noexcept { return std::exchange(object_, nullptr); }
  void reset() noexcept { *this = Ref(); }

  T *get() const noexcept { return object_; }
  T *operator->() const noexcept { return object_; }
  T &operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Ref &a, const Ref &b) noexcept {
    return a.object_ == b.object_;
  }
  friend bool operator==(const Ref &a, std::nullptr_t) noexcept {
    return a.object_ == nullptr;
  }

private:
  T *object_ = nullptr;
};

/// Makes an object in memory of `allocator`; null when out of memory. The
/// arguments go to the constructor, behind the allocator.
template <typename T, typename... Args>
auto makeRef(HostAllocator &allocator, Args &&...args) {
  constexpr size_t alignment = alignof(T) < alignof(std::max_align_t)
                                   ? alignof(std::max_align_t)
                                   : alignof(T);
  void *memory = allocator.allocate(sizeof(T), alignment);
  if (memory == nullptr)
    return Ref<T>();
  T *object = new (memory) T(allocator, std::forward<Args>(args)...);
  static_cast<RefObject *>(object)->alignment_ = alignment;
  return Ref<T>::adopt(object);
}

/// The object as a T when its descriptor is T's own; null otherwise. For types
/// that share their base class's descriptor cast to the base class.
template <typename T> T *refCast(RefObject *object) noexcept {
  return object != nullptr && object->type() == &T::kType
             ? static_cast<T *>(object)
             : nullptr;
}

} // namespace fusilli

#endif // SUPPORT_REF_H
