// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers and buffer views of the compatibility layer: inline names over a few
// functions that the library exports under its own prefix. Objects are
// reference counted; retain and release accept null.
#ifndef IREE_HAL_API_H
#define IREE_HAL_API_H

#include <iree/base/allocator.h>
#include <iree/base/config.h>

typedef struct iree_hal_allocator_t iree_hal_allocator_t;
typedef uint32_t iree_hal_encoding_type_t;
typedef uint32_t iree_hal_memory_type_t;
typedef uint16_t iree_hal_memory_access_t;
typedef uint32_t iree_hal_buffer_usage_t;
typedef uint64_t iree_hal_queue_affinity_t;

// The library has no tensors of these.
inline constexpr iree_hal_element_type_t IREE_HAL_ELEMENT_TYPE_COMPLEX_64 =
    0x23000040u;
inline constexpr iree_hal_element_type_t IREE_HAL_ELEMENT_TYPE_FLOAT_8_E4M3_FN =
    0x25000008u;
inline constexpr iree_hal_element_type_t
    IREE_HAL_ELEMENT_TYPE_FLOAT_8_E5M2_FNUZ = 0x26000008u;
inline constexpr iree_hal_element_type_t
    IREE_HAL_ELEMENT_TYPE_FLOAT_8_E4M3_FNUZ = 0x27000008u;
inline constexpr iree_hal_element_type_t
    IREE_HAL_ELEMENT_TYPE_FLOAT_8_E8M0_FNU = 0x28000008u;

#define IREE_HAL_QUEUE_AFFINITY_ANY (~uint64_t{0})
#define IREE_HAL_WHOLE_BUFFER (~uint64_t{0})

enum iree_hal_encoding_types_t : uint32_t {
  IREE_HAL_ENCODING_TYPE_OPAQUE = 0,
  IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR = 1,
};
enum iree_hal_memory_type_bits_t : uint32_t {
  IREE_HAL_MEMORY_TYPE_NONE = 0,
  IREE_HAL_MEMORY_TYPE_OPTIMAL = 1,
  IREE_HAL_MEMORY_TYPE_HOST_VISIBLE = 2,
  IREE_HAL_MEMORY_TYPE_HOST_COHERENT = 4,
  IREE_HAL_MEMORY_TYPE_HOST_CACHED = 8,
  IREE_HAL_MEMORY_TYPE_HOST_LOCAL = 64 | 2 | 4,
  IREE_HAL_MEMORY_TYPE_DEVICE_VISIBLE = 16,
  IREE_HAL_MEMORY_TYPE_DEVICE_LOCAL = 32 | 16,
};
enum iree_hal_memory_access_bits_t : uint16_t {
  IREE_HAL_MEMORY_ACCESS_NONE = 0,
  IREE_HAL_MEMORY_ACCESS_READ = 1,
  IREE_HAL_MEMORY_ACCESS_WRITE = 2,
  IREE_HAL_MEMORY_ACCESS_DISCARD = 4,
  IREE_HAL_MEMORY_ACCESS_MAY_ALIAS = 8,
  IREE_HAL_MEMORY_ACCESS_UNALIGNED = 16,
  IREE_HAL_MEMORY_ACCESS_ANY = 32,
  IREE_HAL_MEMORY_ACCESS_ALL = 1 | 2 | 4,
};
enum iree_hal_buffer_usage_bits_t : uint32_t {
  IREE_HAL_BUFFER_USAGE_TRANSFER_SOURCE = 1u << 0,
  IREE_HAL_BUFFER_USAGE_TRANSFER_TARGET = 1u << 1,
  IREE_HAL_BUFFER_USAGE_TRANSFER = 3u,
  IREE_HAL_BUFFER_USAGE_DISPATCH_STORAGE_READ = 1u << 10,
  IREE_HAL_BUFFER_USAGE_DISPATCH_STORAGE_WRITE = 1u << 11,
  IREE_HAL_BUFFER_USAGE_DISPATCH_STORAGE = 3u << 10,
  IREE_HAL_BUFFER_USAGE_DEFAULT = 0xC03u,
};
enum iree_hal_external_buffer_type_t : uint32_t {
  IREE_HAL_EXTERNAL_BUFFER_TYPE_NONE = 0,
  IREE_HAL_EXTERNAL_BUFFER_TYPE_HOST_ALLOCATION = 1,
  IREE_HAL_EXTERNAL_BUFFER_TYPE_DEVICE_ALLOCATION = 2,
  IREE_HAL_EXTERNAL_BUFFER_TYPE_OPAQUE_FD = 3,
  IREE_HAL_EXTERNAL_BUFFER_TYPE_OPAQUE_WIN32 = 4,
};

typedef struct iree_hal_buffer_params_t {
  iree_hal_buffer_usage_t usage;
  iree_hal_memory_access_t access;
  iree_hal_memory_type_t type;
  iree_hal_queue_affinity_t queue_affinity;
  uint64_t min_alignment;
} iree_hal_buffer_params_t;

typedef struct iree_hal_external_buffer_t {
  iree_hal_external_buffer_type_t type;
  uint32_t flags;
  uint64_t size;
  union {
    struct {
      void *ptr;
    } host_allocation;
    struct {
      uint64_t ptr;
    } device_allocation;
    struct {
      int fd;
    } opaque_fd;
    struct {
      void *handle;
    } opaque_win32;
  } handle;
} iree_hal_external_buffer_t;

typedef void (*iree_hal_buffer_release_fn_t)(void *user_data,
                                             iree_hal_buffer_t *buffer);
typedef struct iree_hal_buffer_release_callback_t {
  iree_hal_buffer_release_fn_t fn;
  void *user_data;
} iree_hal_buffer_release_callback_t;

inline iree_hal_buffer_release_callback_t
iree_hal_buffer_release_callback_null() {
  return {nullptr, nullptr};
}

#define FUSILLI_COMPAT_API __attribute__((visibility("default")))
extern "C" {
FUSILLI_COMPAT_API size_t
fusilli_buffer_view_rank(const iree_hal_buffer_view_t *view);
/// 0 for an index past the rank.
FUSILLI_COMPAT_API size_t
fusilli_buffer_view_dim(const iree_hal_buffer_view_t *view, size_t index);
FUSILLI_COMPAT_API uint32_t
fusilli_buffer_view_element_type(const iree_hal_buffer_view_t *view);
FUSILLI_COMPAT_API size_t
fusilli_buffer_view_element_count(const iree_hal_buffer_view_t *view);
FUSILLI_COMPAT_API uint64_t
fusilli_buffer_view_byte_length(const iree_hal_buffer_view_t *view);
/// Borrowed: lives as long as the view.
FUSILLI_COMPAT_API iree_hal_buffer_t *
fusilli_buffer_view_buffer(const iree_hal_buffer_view_t *view);
FUSILLI_COMPAT_API void
fusilli_buffer_view_retain(iree_hal_buffer_view_t *view);
FUSILLI_COMPAT_API void
fusilli_buffer_view_release(iree_hal_buffer_view_t *view);
FUSILLI_COMPAT_API iree_status_t fusilli_buffer_view_create(
    iree_hal_buffer_t *buffer, size_t rank, const size_t *dims,
    uint32_t elementType, uint32_t encoding, iree_hal_buffer_view_t **result);
FUSILLI_COMPAT_API uint64_t
fusilli_buffer_byte_length(const iree_hal_buffer_t *buffer);
FUSILLI_COMPAT_API void fusilli_buffer_retain(iree_hal_buffer_t *buffer);
FUSILLI_COMPAT_API void fusilli_buffer_release(iree_hal_buffer_t *buffer);
/// The device's allocator, borrowed.
FUSILLI_COMPAT_API iree_hal_allocator_t *
fusilli_device_allocator(iree_hal_device_t *device);
/// Wraps memory of the caller, without a copy.
FUSILLI_COMPAT_API iree_status_t fusilli_allocator_import(
    iree_hal_allocator_t *allocator, uint32_t usage, uint16_t access,
    uint32_t memoryType, uint64_t minAlignment, uint32_t externalType,
    uint64_t size, uint64_t address,
    void (*release)(void *userData, iree_hal_buffer_t *buffer), void *userData,
    iree_hal_buffer_t **result);
}

inline iree_host_size_t
iree_hal_buffer_view_shape_rank(const iree_hal_buffer_view_t *view) {
  return fusilli_buffer_view_rank(view);
}
inline iree_hal_dim_t
iree_hal_buffer_view_shape_dim(const iree_hal_buffer_view_t *view,
                               iree_host_size_t index) {
  return fusilli_buffer_view_dim(view, index);
}
inline iree_hal_element_type_t
iree_hal_buffer_view_element_type(const iree_hal_buffer_view_t *view) {
  return fusilli_buffer_view_element_type(view);
}
inline iree_host_size_t
iree_hal_buffer_view_element_count(const iree_hal_buffer_view_t *view) {
  return fusilli_buffer_view_element_count(view);
}
inline iree_device_size_t
iree_hal_buffer_view_byte_length(const iree_hal_buffer_view_t *view) {
  return fusilli_buffer_view_byte_length(view);
}
inline iree_hal_buffer_t *
iree_hal_buffer_view_buffer(const iree_hal_buffer_view_t *view) {
  return fusilli_buffer_view_buffer(view);
}
inline void iree_hal_buffer_view_retain(iree_hal_buffer_view_t *view) {
  fusilli_buffer_view_retain(view);
}
inline void iree_hal_buffer_view_release(iree_hal_buffer_view_t *view) {
  fusilli_buffer_view_release(view);
}
inline iree_status_t iree_hal_buffer_view_create(
    iree_hal_buffer_t *buffer, iree_host_size_t rank,
    const iree_hal_dim_t *shape, iree_hal_element_type_t element_type,
    iree_hal_encoding_type_t encoding_type, iree_allocator_t,
    iree_hal_buffer_view_t **out_view) {
  return fusilli_buffer_view_create(buffer, rank, shape, element_type,
                                    encoding_type, out_view);
}
inline iree_device_size_t
iree_hal_buffer_byte_length(const iree_hal_buffer_t *buffer) {
  return fusilli_buffer_byte_length(buffer);
}
inline void iree_hal_buffer_retain(iree_hal_buffer_t *buffer) {
  fusilli_buffer_retain(buffer);
}
inline void iree_hal_buffer_release(iree_hal_buffer_t *buffer) {
  fusilli_buffer_release(buffer);
}
inline iree_hal_allocator_t *
iree_hal_device_allocator(iree_hal_device_t *device) {
  return fusilli_device_allocator(device);
}
inline iree_status_t
iree_hal_allocator_import_buffer(iree_hal_allocator_t *allocator,
                                 iree_hal_buffer_params_t params,
                                 iree_hal_external_buffer_t *external,
                                 iree_hal_buffer_release_callback_t callback,
                                 iree_hal_buffer_t **out_buffer) {
  uint64_t address =
      external->type == IREE_HAL_EXTERNAL_BUFFER_TYPE_DEVICE_ALLOCATION
          ? external->handle.device_allocation.ptr
      : external->type == IREE_HAL_EXTERNAL_BUFFER_TYPE_OPAQUE_FD
          ? static_cast<uint64_t>(external->handle.opaque_fd.fd)
          : reinterpret_cast<uint64_t>(external->handle.host_allocation.ptr);
  return fusilli_allocator_import(allocator, params.usage, params.access,
                                  params.type, params.min_alignment,
                                  external->type, external->size, address,
                                  callback.fn, callback.user_data, out_buffer);
}
inline iree_host_size_t
iree_hal_element_dense_byte_count(iree_hal_element_type_t type) {
  return ((type & 0xffu) + 7) / 8;
}
inline iree_device_size_t
iree_hal_element_packed_byte_count(iree_hal_element_type_t type,
                                   iree_device_size_t count) {
  return ((type & 0xffu) * count + 7) / 8;
}

#endif // IREE_HAL_API_H
