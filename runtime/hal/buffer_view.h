// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BufferView: a buffer seen as a dense tensor.
#ifndef RUNTIME_HAL_BUFFER_VIEW_H
#define RUNTIME_HAL_BUFFER_VIEW_H

#include "runtime/hal/buffer.h"

#include <span>

namespace fusilli::hal {

/// Retains its buffer; the tensor starts at the buffer's first byte.
/// Thread safety: immutable.
class BufferView final : public RefObject {
public:
  static const TypeDescriptor kType;
  static constexpr size_t kMaxRank = 64;

  /// InvalidArgument: null buffer, rank above kMaxRank, or the dense bytes do
  /// not fit the buffer; OutOfRange: the element count overflows;
  /// Unimplemented: an encoding without a size.
  static StatusOr<Ref<BufferView>>
  create(Ref<Buffer> buffer, std::span<const DeviceSize> dims,
         ElementType elementType,
         EncodingType encoding = EncodingType::DenseRowMajor,
         HostAllocator &allocator = systemAllocator());

  Buffer *buffer() const noexcept { return buffer_.get(); }
  std::span<const DeviceSize> dims() const noexcept { return dims_.span(); }
  size_t rank() const noexcept { return dims_.size(); }
  /// 0 for an index >= rank.
  DeviceSize dim(size_t index) const noexcept {
    return index < dims_.size() ? dims_[index] : 0;
  }
  DeviceSize elementCount() const noexcept { return elementCount_; }
  ElementType elementType() const noexcept { return elementType_; }
  EncodingType encoding() const noexcept { return encoding_; }
  /// ceil(elements * bits / 8); at most buffer()->byteLength().
  DeviceSize byteLength() const noexcept { return byteLength_; }

  BufferView(HostAllocator &allocator, Ref<Buffer> buffer,
             HostArray<DeviceSize> dims, ElementType elementType,
             EncodingType encoding, DeviceSize elementCount,
             DeviceSize byteLength) noexcept;

private:
  ~BufferView() override = default;
  const Ref<Buffer> buffer_;
  const HostArray<DeviceSize> dims_;
  const DeviceSize elementCount_;
  const DeviceSize byteLength_;
  const ElementType elementType_;
  const EncodingType encoding_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_BUFFER_VIEW_H
