// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pluggable host allocator: every heap object of the runtime is made
// through one, so that a test can count all of them and fail any of them.
#ifndef SUPPORT_HOST_ALLOCATOR_H
#define SUPPORT_HOST_ALLOCATOR_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace fusilli {

/// Thread safety: implementations must be thread-safe. An allocator outlives
/// every object that was made with it.
class HostAllocator {
public:
  virtual ~HostAllocator() = default;
  /// `size` > 0 bytes aligned to the power of two `alignment`; null when out
  /// of memory.
  virtual void *allocate(size_t size, size_t alignment) noexcept = 0;
  /// Gives back what `allocate` gave with the same alignment. Null is a no-op.
  virtual void deallocate(void *pointer, size_t alignment) noexcept = 0;
};

/// What objects are made with when nobody says otherwise: the C library's
/// allocator, unless another was put in its place. Thread-safe.
HostAllocator &systemAllocator();
/// Puts `allocator` in its place for all that is made from now on, null for the
/// C library's; gives the one that was there. It must outlive its objects.
/// Thread-safe.
HostAllocator &replaceSystemAllocator(HostAllocator *allocator);

/// What a CountingAllocator has seen.
struct AllocationCounts {
  uint64_t calls = 0;     ///< successful allocations
  uint64_t failures = 0;  ///< refused ones, injected or real
  int64_t liveBlocks = 0; ///< allocated and not yet freed
  int64_t liveBytes = 0;
  int64_t peakBytes = 0;
};

/// Counts, and fails on request. For tests and for users who want figures.
/// Thread safety: thread-safe.
class CountingAllocator final : public HostAllocator {
public:
  /// Borrowed: `base` outlives this object.
  explicit CountingAllocator(HostAllocator &base = systemAllocator())
      : base_(base) {}
  void *allocate(size_t size, size_t alignment) noexcept override;
  void deallocate(void *pointer, size_t alignment) noexcept override;

  /// The n-th allocation from now on (1 = the next) fails, once; 0 = none.
  void failNth(uint64_t n) noexcept { failIn_.store(static_cast<int64_t>(n)); }
  /// True when an armed failure has not happened yet.
  bool failurePending() const noexcept { return failIn_.load() > 0; }
  AllocationCounts counts() const noexcept;

private:
  HostAllocator &base_; // Borrowed: see the constructor.
  std::atomic<int64_t> failIn_{0};
  std::atomic<uint64_t> calls_{0};
  std::atomic<uint64_t> failures_{0};
  std::atomic<int64_t> liveBlocks_{0};
  std::atomic<int64_t> liveBytes_{0};
  std::atomic<int64_t> peakBytes_{0};
};

/// A fixed-size array from a host allocator, value-initialised; creation can
/// fail. Move-only.
/// Thread safety: externally synchronised.
template <typename T> class HostArray {
public:
  HostArray() = default;
  HostArray(HostArray &&other) noexcept
      : allocator_(other.allocator_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  HostArray &operator=(HostArray &&other) noexcept {
    if (this != &other) {
      reset();
      allocator_ = other.allocator_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~HostArray() { reset(); }

  /// Replaces the content by `size` new elements; false (and empty) when out
  /// of memory. Size 0 allocates nothing.
  [[nodiscard]] bool allocate(HostAllocator &allocator, size_t size) noexcept {
    reset();
    if (size == 0)
      return true;
    if (size > SIZE_MAX / sizeof(T))
      return false;
    void *memory = allocator.allocate(size * sizeof(T), kAlignment);
    if (memory == nullptr)
      return false;
    allocator_ = &allocator;
    data_ = static_cast<T *>(memory);
    size_ = size;
    std::uninitialized_value_construct_n(data_, size);
    return true;
  }
  void reset() noexcept {
    if (data_ == nullptr)
      return;
    std::destroy_n(data_, size_);
    allocator_->deallocate(data_, kAlignment);
    data_ = nullptr;
    size_ = 0;
  }

  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T *data() noexcept { return data_; }
  const T *data() const noexcept { return data_; }
  T &operator[](size_t i) noexcept { return data_[i]; }
  const T &operator[](size_t i) const noexcept { return data_[i]; }
  T *begin() noexcept { return data_; }
  T *end() noexcept { return data_ + size_; }
  const T *begin() const noexcept { return data_; }
  const T *end() const noexcept { return data_ + size_; }
  std::span<T> span() noexcept { return {data_, size_}; }
  std::span<const T> span() const noexcept { return {data_, size_}; }

private:
  static constexpr size_t kAlignment = alignof(T) < alignof(std::max_align_t)
                                           ? alignof(std::max_align_t)
                                           : alignof(T);
  HostAllocator *allocator_ = nullptr; // Borrowed: outlives its allocations.
  T *data_ = nullptr;
  size_t size_ = 0;
};

/// A growable array from a host allocator; growing can fail. Move-only.
/// Thread safety: externally synchronised.
template <typename T> class HostVector {
public:
  explicit HostVector(HostAllocator &allocator) noexcept
      : allocator_(&allocator) {}

  /// False, and unchanged, when out of memory.
  [[nodiscard]] bool reserve(size_t capacity) noexcept {
    if (capacity <= items_.size())
      return true;
    HostArray<T> larger;
    if (!larger.allocate(*allocator_, capacity))
      return false;
    for (size_t i = 0; i < size_; ++i)
      larger[i] = std::move(items_[i]);
    items_ = std::move(larger);
    return true;
  }
  /// False, with `item` untouched, when out of memory.
  [[nodiscard]] bool push(T &&item) noexcept {
    if (size_ == items_.size() && !reserve(size_ == 0 ? 8 : 2 * size_))
      return false;
    items_[size_++] = std::move(item);
    return true;
  }
  /// Appends copies of `count` items.
  [[nodiscard]] bool append(const T *items, size_t count) noexcept {
    if (size_ + count > items_.size() &&
        !reserve(size_ + count < 2 * size_ ? 2 * size_ : size_ + count))
      return false;
    for (size_t i = 0; i < count; ++i)
      items_[size_++] = items[i];
    return true;
  }
  /// Drops items behind the first `size`.
  void truncate(size_t size) noexcept {
    while (size_ > size)
      items_[--size_] = T();
  }
  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T *data() noexcept { return items_.data(); }
  const T *data() const noexcept { return items_.data(); }
  T &operator[](size_t i) noexcept { return items_[i]; }
  const T &operator[](size_t i) const noexcept { return items_[i]; }
  T *begin() noexcept { return items_.data(); }
  T *end() noexcept { return items_.data() + size_; }
  const T *begin() const noexcept { return items_.data(); }
  const T *end() const noexcept { return items_.data() + size_; }

private:
  HostAllocator *allocator_; // Borrowed: outlives its allocations.
  HostArray<T> items_;
  size_t size_ = 0;
};

} // namespace fusilli

#endif // SUPPORT_HOST_ALLOCATOR_H
