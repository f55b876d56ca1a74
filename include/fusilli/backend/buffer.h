// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Device memory with a shape and an element type.

#ifndef FUSILLI_BACKEND_BUFFER_H
#define FUSILLI_BACKEND_BUFFER_H

#include <fusilli/backend/handle.h>
#include <fusilli/support/export.h>
#include <fusilli/support/float_types.h>
#include <fusilli/support/int_types.h>
#include <fusilli/support/logging.h>
#include <fusilli/support/runtime_types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace fusilli {

/// The runtime's element type for C++ type T, `kType`; declared for float,
/// half, bf16, int, int16_t, int8_t and Int4 only.
template <typename T> struct IreeHalElementType;
#define FUSILLI_DEFINE_ELEMENT_TYPE(TYPE, VALUE)                               \
  template <> struct IreeHalElementType<TYPE> {                                \
    static constexpr iree_hal_element_type_t kType = VALUE;                    \
  };
FUSILLI_DEFINE_ELEMENT_TYPE(float, IREE_HAL_ELEMENT_TYPE_FLOAT_32)
FUSILLI_DEFINE_ELEMENT_TYPE(half, IREE_HAL_ELEMENT_TYPE_FLOAT_16)
FUSILLI_DEFINE_ELEMENT_TYPE(bf16, IREE_HAL_ELEMENT_TYPE_BFLOAT_16)
FUSILLI_DEFINE_ELEMENT_TYPE(int, IREE_HAL_ELEMENT_TYPE_INT_32)
FUSILLI_DEFINE_ELEMENT_TYPE(int16_t, IREE_HAL_ELEMENT_TYPE_INT_16)
FUSILLI_DEFINE_ELEMENT_TYPE(int8_t, IREE_HAL_ELEMENT_TYPE_INT_8)
FUSILLI_DEFINE_ELEMENT_TYPE(Int4, IREE_HAL_ELEMENT_TYPE_SINT_4)
#undef FUSILLI_DEFINE_ELEMENT_TYPE

/// `IreeHalElementType<T>::kType`.
template <typename T>
constexpr iree_hal_element_type_t getIreeHalElementTypeForT() {
  return IreeHalElementType<T>::kType;
}

/// Device memory with a shape and an element type, dense and row-major.
///
///     FUSILLI_ASSIGN_OR_RETURN(
///         Buffer buffer,
///         Buffer::allocate(handle, {2, 3}, std::vector<float>(6, 1.0f)));
///
/// The buffer of a tensor has shape `TensorAttr::getPhysicalDim()`. Thread
/// safety: externally synchronised; several executions may read one buffer.
class FUSILLI_EXPORT Buffer {
public:
  /// Memory of shape `shape` with a copy of `data`. T is float, half, bf16,
  /// int, int16_t, int8_t or Int4 (stored packed, two elements in a byte).
  /// RuntimeFailure if the shape is empty or has no elements, if `data` is not
  /// as long as the shape says, or if memory is short.
  template <typename T>
  static ErrorOr<Buffer> allocate(const Handle &handle,
                                  const std::vector<iree_hal_dim_t> &shape,
                                  const std::vector<T> &data) {
    constexpr iree_hal_element_type_t type = getIreeHalElementTypeForT<T>();
    if constexpr (kIsSubByteElement<T>) {
      std::vector<uint8_t> packed = T::pack(data);
      return allocateBytes(handle, shape, type, data.size(),
                           std::as_bytes(std::span(packed)));
    } else {
      return allocateBytes(handle, shape, type, data.size(),
                           std::as_bytes(std::span(data)));
    }
  }

  /// Shares the memory of `view` and adds a reference to it. RuntimeFailure for
  /// null.
  static ErrorOr<Buffer> import(iree_hal_buffer_view_t *view);

  /// At least `bytes` bytes of untyped memory, seen as int8 of shape {bytes};
  /// its content is undefined. RuntimeFailure for 0 or if memory is short.
  static ErrorOr<Buffer> allocateRaw(const Handle &handle, size_t bytes);

  /// Waits for all work queued on the device so far that uses this memory, also
  /// where that waits for a fence, and copies the content to `out`, which must
  /// be empty (else RuntimeFailure). T need not be the type that was allocated:
  /// `out` gets as many elements as the memory holds. Int4 is unpacked.
  template <typename T>
  ErrorObject read(const Handle &handle, std::vector<T> &out) const {
    FUSILLI_CHECK_ERROR(checkReadable(out.empty()));
    if constexpr (kIsSubByteElement<T>) {
      std::vector<uint8_t> packed(getByteLength());
      FUSILLI_CHECK_ERROR(
          readBytes(handle, std::as_writable_bytes(std::span(packed))));
      out = T::unpack(packed.data(), getElementCount());
    } else {
      std::vector<T> result(getByteLength() / sizeof(T));
      FUSILLI_CHECK_ERROR(
          readBytes(handle, std::as_writable_bytes(std::span(result))));
      out = std::move(result);
    }
    return ok();
  }

  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  /// The source is left without memory.
  Buffer(Buffer &&other) noexcept;
  Buffer &operator=(Buffer &&other) noexcept;
  ~Buffer();

  /// The view, borrowed: it lives as long as this buffer. Null after a move.
  operator iree_hal_buffer_view_t *() const;

private:
  friend struct detail::EngineAccess;
  struct Impl;
  explicit Buffer(std::unique_ptr<Impl> impl);

  /// `data` holds `elementCount` elements, packed; both are checked against
  /// `shape`.
  static ErrorOr<Buffer> allocateBytes(const Handle &handle,
                                       std::span<const iree_hal_dim_t> shape,
                                       iree_hal_element_type_t type,
                                       size_t elementCount,
                                       std::span<const std::byte> data);
  /// RuntimeFailure unless `outIsEmpty` and there is memory to read.
  ErrorObject checkReadable(bool outIsEmpty) const;
  /// Length of the view in bytes and in elements; 0 without memory.
  size_t getByteLength() const;
  size_t getElementCount() const;
  /// Waits for pending work and copies the first `out.size()` bytes.
  ErrorObject readBytes(const Handle &handle, std::span<std::byte> out) const;

  std::unique_ptr<Impl> impl_;
};

} // namespace fusilli

#endif // FUSILLI_BACKEND_BUFFER_H
