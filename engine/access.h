// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Handle and Buffer hold, and the way from the public objects to those of
// the runtime.
#ifndef ENGINE_ACCESS_H
#define ENGINE_ACCESS_H

#include "runtime/hal/buffer_view.h"
#include "runtime/hal/device.h"
#include "runtime/hal/fence.h"
#include "runtime/vm/instance.h"

#include "fusilli/backend/buffer.h"
#include "fusilli/backend/fence.h"
#include "fusilli/backend/handle.h"

namespace fusilli {

struct Handle::Impl {
  Backend backend;
  // The group outlives modules and contexts, the device goes last.
  Ref<vm::Instance> instance;
  Ref<hal::Device> device;
  Ref<hal::DeviceGroup> devices;
};

struct Buffer::Impl {
  Ref<hal::BufferView> view;
};

struct Fence::Impl {
  Ref<hal::Fence> fence;
  bool isJoined = false;
};

namespace detail {

/// Null for objects that were moved from.
struct EngineAccess {
  static const Handle::Impl *impl(const Handle &handle) {
    return handle.impl_.get();
  }
  static hal::BufferView *view(const Buffer &buffer) {
    return buffer.impl_ ? buffer.impl_->view.get() : nullptr;
  }
  static hal::Fence *fence(const Fence &fence) {
    return fence.impl_ ? fence.impl_->fence.get() : nullptr;
  }
  static Buffer makeBuffer(Ref<hal::BufferView> view) {
    return Buffer(
        std::make_unique<Buffer::Impl>(Buffer::Impl{std::move(view)}));
  }
};

} // namespace detail

namespace engine {

// The C types of the public headers are these classes under another name.
inline hal::BufferView *fromC(iree_hal_buffer_view_t *view) {
  return reinterpret_cast<hal::BufferView *>(view);
}
inline iree_hal_buffer_view_t *toC(hal::BufferView *view) {
  return reinterpret_cast<iree_hal_buffer_view_t *>(view);
}
inline hal::Device *fromC(iree_hal_device_t *device) {
  return reinterpret_cast<hal::Device *>(device);
}
inline iree_hal_device_t *toC(hal::Device *device) {
  return reinterpret_cast<iree_hal_device_t *>(device);
}

} // namespace engine
} // namespace fusilli

#endif // ENGINE_ACCESS_H
