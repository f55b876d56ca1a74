// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions behind the compatibility headers (include/compat). They are
// exported under the project's prefix; the foreign names exist in the client's
// code only.
#include "engine/access.h"

#include "include/compat/iree/hal/api.h"

#include <memory>
#include <vector>

using namespace fusilli;

namespace {

const hal::BufferView *view(const iree_hal_buffer_view_t *view) {
  return reinterpret_cast<const hal::BufferView *>(view);
}
hal::Buffer *buffer(const iree_hal_buffer_t *buffer) {
  return reinterpret_cast<hal::Buffer *>(
      const_cast<iree_hal_buffer_t *>(buffer));
}
iree_status_t toC(Status status) {
  return reinterpret_cast<iree_status_t>(status.release());
}
Status fromC(iree_status_t status) {
  return Status::adopt(reinterpret_cast<uintptr_t>(status));
}

} // namespace

void fusilli_status_print(FILE *file, iree_status_t raw) {
  Status status = fromC(raw);
  std::fputs(status.toString().c_str(), file);
  status.release(); // still the caller's
}

void fusilli_status_free(iree_status_t raw) { fromC(raw).ignore(); }

size_t fusilli_buffer_view_rank(const iree_hal_buffer_view_t *v) {
  return view(v)->rank();
}
size_t fusilli_buffer_view_dim(const iree_hal_buffer_view_t *v, size_t i) {
  return view(v)->dim(i);
}
uint32_t fusilli_buffer_view_element_type(const iree_hal_buffer_view_t *v) {
  return static_cast<uint32_t>(view(v)->elementType());
}
size_t fusilli_buffer_view_element_count(const iree_hal_buffer_view_t *v) {
  return view(v)->elementCount();
}
uint64_t fusilli_buffer_view_byte_length(const iree_hal_buffer_view_t *v) {
  return view(v)->byteLength();
}
iree_hal_buffer_t *fusilli_buffer_view_buffer(const iree_hal_buffer_view_t *v) {
  return reinterpret_cast<iree_hal_buffer_t *>(view(v)->buffer());
}
void fusilli_buffer_view_retain(iree_hal_buffer_view_t *v) { retain(view(v)); }
void fusilli_buffer_view_release(iree_hal_buffer_view_t *v) {
  release(view(v));
}

iree_status_t fusilli_buffer_view_create(iree_hal_buffer_t *b, size_t rank,
                                         const size_t *dims,
                                         uint32_t elementType,
                                         uint32_t encoding,
                                         iree_hal_buffer_view_t **result) {
  *result = nullptr;
  std::vector<hal::DeviceSize> extents(dims, dims + rank);
  StatusOr<Ref<hal::BufferView>> created =
      hal::BufferView::create(Ref<hal::Buffer>::share(buffer(b)), extents,
                              static_cast<hal::ElementType>(elementType),
                              static_cast<hal::EncodingType>(encoding));
  if (!created.isOk())
    return toC(std::move(created).status());
  *result = engine::toC(created->detach());
  return nullptr;
}

uint64_t fusilli_buffer_byte_length(const iree_hal_buffer_t *b) {
  return buffer(b)->byteLength();
}
void fusilli_buffer_retain(iree_hal_buffer_t *b) { retain(buffer(b)); }
void fusilli_buffer_release(iree_hal_buffer_t *b) { release(buffer(b)); }

iree_hal_allocator_t *fusilli_device_allocator(iree_hal_device_t *device) {
  return reinterpret_cast<iree_hal_allocator_t *>(
      &engine::fromC(device)->allocator());
}

namespace {

// A client's callback, called with the client's name for the buffer's type.
struct ForeignRelease {
  void (*release)(void *userData, iree_hal_buffer_t *buffer);
  void *userData;

  static void call(void *context, hal::Buffer *buffer) {
    std::unique_ptr<ForeignRelease> self(
        static_cast<ForeignRelease *>(context));
    self->release(self->userData,
                  reinterpret_cast<iree_hal_buffer_t *>(buffer));
  }
};

} // namespace

iree_status_t fusilli_allocator_import(
    iree_hal_allocator_t *allocator, uint32_t usage, uint16_t access,
    uint32_t memoryType, uint64_t minAlignment, uint32_t externalType,
    uint64_t size, uint64_t address,
    void (*release)(void *userData, iree_hal_buffer_t *buffer), void *userData,
    iree_hal_buffer_t **result) {
  *result = nullptr;
  std::unique_ptr<ForeignRelease> foreign;
  hal::ReleaseCallback callback;
  if (release) {
    foreign =
        std::make_unique<ForeignRelease>(ForeignRelease{release, userData});
    callback = {&ForeignRelease::call, foreign.get()};
  }
  StatusOr<Ref<hal::Buffer>> imported =
      reinterpret_cast<hal::Allocator *>(allocator)->import(
          {.usage = usage,
           .access = access,
           .type = memoryType,
           .minAlignment = minAlignment},
          {.type = static_cast<hal::ExternalBufferType>(externalType),
           .size = size,
           .handle = address},
          callback);
  if (!imported.isOk())
    return toC(std::move(imported).status());
  foreign.release(); // freed by the callback
  *result = reinterpret_cast<iree_hal_buffer_t *>(imported->detach());
  return nullptr;
}
