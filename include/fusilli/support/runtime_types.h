// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opaque C types at global scope which the C++ interface mentions. They name
// objects of the runtime that a client only ever passes on; the accessor
// functions live in the compatibility headers `iree/hal/api.h` and
// `iree/runtime/api.h`. The element type codes are what those accessors return.

#ifndef FUSILLI_SUPPORT_RUNTIME_TYPES_H
#define FUSILLI_SUPPORT_RUNTIME_TYPES_H

#include <cstddef>
#include <cstdint>

/// Extent of one dimension of a buffer view; always the same type as size_t.
typedef std::size_t iree_hal_dim_t;

/// A device: owned by a `fusilli::Handle`, borrowed by everyone else.
typedef struct iree_hal_device_t iree_hal_device_t;
/// Untyped device storage, reference counted by the runtime.
typedef struct iree_hal_buffer_t iree_hal_buffer_t;
/// Storage with a shape and an element type, reference counted.
typedef struct iree_hal_buffer_view_t iree_hal_buffer_view_t;

/// A runtime status: null is success; any other value owns a message which
/// exactly one consumer must free.
typedef struct iree_status_handle_t *iree_status_t;

/// Element type of a buffer view: numerical class in the top byte, bits below.
typedef uint32_t iree_hal_element_type_t;

/// Known element types. INT is signless, SINT signed, UINT unsigned.
enum iree_hal_element_types_t : uint32_t {
  IREE_HAL_ELEMENT_TYPE_NONE = 0u,
  IREE_HAL_ELEMENT_TYPE_INT_4 = 0x10000004u,
  IREE_HAL_ELEMENT_TYPE_INT_8 = 0x10000008u,
  IREE_HAL_ELEMENT_TYPE_INT_16 = 0x10000010u,
  IREE_HAL_ELEMENT_TYPE_INT_32 = 0x10000020u,
  IREE_HAL_ELEMENT_TYPE_INT_64 = 0x10000040u,
  IREE_HAL_ELEMENT_TYPE_SINT_4 = 0x11000004u,
  IREE_HAL_ELEMENT_TYPE_SINT_8 = 0x11000008u,
  IREE_HAL_ELEMENT_TYPE_SINT_16 = 0x11000010u,
  IREE_HAL_ELEMENT_TYPE_SINT_32 = 0x11000020u,
  IREE_HAL_ELEMENT_TYPE_SINT_64 = 0x11000040u,
  IREE_HAL_ELEMENT_TYPE_UINT_4 = 0x12000004u,
  IREE_HAL_ELEMENT_TYPE_UINT_8 = 0x12000008u,
  IREE_HAL_ELEMENT_TYPE_UINT_16 = 0x12000010u,
  IREE_HAL_ELEMENT_TYPE_UINT_32 = 0x12000020u,
  IREE_HAL_ELEMENT_TYPE_UINT_64 = 0x12000040u,
  IREE_HAL_ELEMENT_TYPE_BOOL_8 = 0x13000008u,
  IREE_HAL_ELEMENT_TYPE_FLOAT_16 = 0x21000010u,
  IREE_HAL_ELEMENT_TYPE_FLOAT_32 = 0x21000020u,
  IREE_HAL_ELEMENT_TYPE_FLOAT_64 = 0x21000040u,
  IREE_HAL_ELEMENT_TYPE_BFLOAT_16 = 0x22000010u,
  IREE_HAL_ELEMENT_TYPE_FLOAT_8_E5M2 = 0x24000008u,
};

#endif // FUSILLI_SUPPORT_RUNTIME_TYPES_H
