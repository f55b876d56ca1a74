// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffer: a buffer view of the runtime, and blocking copies from and to it.
#include "engine/access.h"
#include "engine/status_error.h"

#include <limits>

namespace fusilli {
namespace {

std::string shapeText(std::span<const iree_hal_dim_t> shape) {
  std::string text = "{";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "}";
}

// The element count of a shape; nothing on overflow.
std::optional<size_t> volume(std::span<const iree_hal_dim_t> shape) {
  size_t count = 1;
  for (iree_hal_dim_t extent : shape) {
    if (extent != 0 && count > std::numeric_limits<size_t>::max() / extent)
      return std::nullopt;
    count *= extent;
  }
  return count;
}

ErrorOr<hal::Device *> deviceOf(const Handle &handle) {
  const auto *impl = detail::EngineAccess::impl(handle);
  if (!impl)
    return error(ErrorCode::InvalidArgument, "the handle was moved from");
  return ok(impl->device.get());
}

} // namespace

Buffer::Buffer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Buffer::Buffer(Buffer &&other) noexcept = default;
Buffer &Buffer::operator=(Buffer &&other) noexcept = default;
Buffer::~Buffer() = default;

ErrorOr<Buffer> Buffer::allocateBytes(const Handle &handle,
                                      std::span<const iree_hal_dim_t> shape,
                                      iree_hal_element_type_t type,
                                      size_t elementCount,
                                      std::span<const std::byte> data) {
  std::optional<size_t> expected = volume(shape);
  if (shape.empty() || expected == 0)
    return error(ErrorCode::RuntimeFailure,
                 "cannot allocate a buffer of shape " + shapeText(shape) +
                     ", it has no elements");
  if (expected != elementCount)
    return error(ErrorCode::RuntimeFailure,
                 "a buffer of shape " + shapeText(shape) + " holds " +
                     (expected ? std::to_string(*expected)
                               : std::string("more than 2^64")) +
                     " elements, " + std::to_string(elementCount) +
                     " were given");
  FUSILLI_ASSIGN_OR_RETURN(hal::Device * device, deviceOf(handle));
  FUSILLI_ENGINE_ASSIGN(Ref<hal::Buffer> buffer,
                        device->allocator().allocate({}, data.size()));
  FUSILLI_CHECK_ERROR(engine::toErrorObject(
      device->hostToDevice(data.data(), *buffer, 0, data.size())));
  std::vector<hal::DeviceSize> dims(shape.begin(), shape.end());
  FUSILLI_ENGINE_ASSIGN(
      Ref<hal::BufferView> view,
      hal::BufferView::create(std::move(buffer), dims,
                              static_cast<hal::ElementType>(type)));
  return ok(detail::EngineAccess::makeBuffer(std::move(view)));
}

ErrorOr<Buffer> Buffer::import(iree_hal_buffer_view_t *view) {
  if (!view)
    return error(ErrorCode::RuntimeFailure, "cannot import a null buffer view");
  return ok(detail::EngineAccess::makeBuffer(
      Ref<hal::BufferView>::share(engine::fromC(view))));
}

ErrorOr<Buffer> Buffer::allocateRaw(const Handle &handle, size_t bytes) {
  if (bytes == 0)
    return error(ErrorCode::RuntimeFailure,
                 "cannot allocate a raw buffer of 0 bytes");
  FUSILLI_ASSIGN_OR_RETURN(hal::Device * device, deviceOf(handle));
  FUSILLI_ENGINE_ASSIGN(Ref<hal::Buffer> buffer,
                        device->allocator().allocate({}, bytes));
  const hal::DeviceSize dims[] = {bytes};
  FUSILLI_ENGINE_ASSIGN(
      Ref<hal::BufferView> view,
      hal::BufferView::create(std::move(buffer), dims, hal::ElementType::Int8));
  return ok(detail::EngineAccess::makeBuffer(std::move(view)));
}

ErrorObject Buffer::checkReadable(bool outIsEmpty) const {
  if (!outIsEmpty)
    return error(ErrorCode::RuntimeFailure,
                 "the vector that a buffer is read into must be empty");
  if (!impl_)
    return error(ErrorCode::RuntimeFailure, "the buffer was moved from");
  return ok();
}

size_t Buffer::getByteLength() const {
  return impl_ ? impl_->view->byteLength() : 0;
}

size_t Buffer::getElementCount() const {
  return impl_ ? impl_->view->elementCount() : 0;
}

ErrorObject Buffer::readBytes(const Handle &handle,
                              std::span<std::byte> out) const {
  FUSILLI_ASSIGN_OR_RETURN(hal::Device * device, deviceOf(handle));
  hal::Buffer &buffer = *impl_->view->buffer();
  FUSILLI_CHECK_ERROR(engine::toErrorObject(device->waitForBuffer(buffer)));
  return engine::toErrorObject(
      device->deviceToHost(buffer, 0, out.data(), out.size()));
}

Buffer::operator iree_hal_buffer_view_t *() const {
  return impl_ ? engine::toC(impl_->view.get()) : nullptr;
}

} // namespace fusilli
