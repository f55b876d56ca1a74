// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Handle: a device of its own on the instance that all handles share.
#include "engine/access.h"
#include "engine/backends.h"
#include "engine/status_error.h"

#include "runtime/base/worker_pool.h"
#include "runtime/hal/driver_registry.h"
#include "runtime/hal/drivers/registration.h"
#include "runtime/vm/modules/hal_module.h"

namespace fusilli {
namespace {

std::string backendName(Backend backend) {
  auto it = kBackendToStr.find(backend);
  return it != kBackendToStr.end()
             ? it->second
             : "number " + std::to_string(static_cast<int>(backend));
}

// InternalError for backends that are unknown or not in this build.
ErrorObject checkPresent(Backend backend) {
  if (engine::findBackend(backend))
    return ok();
  if (kBackendToStr.contains(backend))
    return error(ErrorCode::InternalError,
                 "backend " + backendName(backend) + " is not in this build");
  return error(ErrorCode::InternalError,
               "unknown backend " + backendName(backend));
}

ErrorObject refuseDeviceId(Backend backend, int deviceId) {
  if (engine::findBackend(backend))
    return error(ErrorCode::InvalidArgument,
                 "backend " + backendName(backend) +
                     " has no device numbers and no streams, device " +
                     std::to_string(deviceId) + " was given; use " +
                     "Handle::create(Backend::CPU)");
  return checkPresent(backend);
}

} // namespace

ErrorOr<Handle> Handle::create(Backend backend) {
  return create(backend, HandleOptions());
}

ErrorOr<Handle> Handle::create(Backend backend, const HandleOptions &options) {
  FUSILLI_CHECK_ERROR(checkPresent(backend));
  FUSILLI_RETURN_ERROR_IF(
      options.numThreads > WorkerPool::kMaxThreads, ErrorCode::InvalidArgument,
      "numThreads is " + std::to_string(options.numThreads) +
          ", expected 0 to " + std::to_string(WorkerPool::kMaxThreads));
  FUSILLI_CHECK_ERROR(engine::toErrorObject(hal::registerAllDriversOnce(),
                                            "cannot register drivers"));
  auto impl = std::make_unique<Impl>();
  impl->backend = backend;
  FUSILLI_ENGINE_ASSIGN(impl->instance,
                        vm::Instance::shared(&vm::registerHalTypes));
  FUSILLI_ENGINE_ASSIGN(Ref<hal::Driver> driver,
                        hal::DriverRegistry::defaultRegistry().createDriver(
                            engine::findBackend(backend)->driver));
  FUSILLI_ENGINE_ASSIGN(
      impl->device, driver->createDevice(
                        /*deviceId=*/0,
                        hal::DeviceParams{.threadCount = options.numThreads}));
  hal::Device *devices[] = {impl->device.get()};
  FUSILLI_ENGINE_ASSIGN(impl->devices, hal::DeviceGroup::create(devices));
  return ok(Handle(std::move(impl)));
}

ErrorOr<Handle> Handle::create(Backend backend, int deviceId) {
  FUSILLI_CHECK_ERROR(refuseDeviceId(backend, deviceId));
  return create(backend);
}

ErrorOr<Handle> Handle::create(Backend backend, int deviceId,
                               uintptr_t /*stream*/) {
  FUSILLI_CHECK_ERROR(refuseDeviceId(backend, deviceId));
  return create(backend);
}

Handle::Handle(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Handle::Handle(Handle &&other) noexcept = default;
Handle &Handle::operator=(Handle &&other) noexcept = default;
Handle::~Handle() = default;

Backend Handle::getBackend() const {
  return impl_ ? impl_->backend : static_cast<Backend>(UINT8_MAX);
}

Handle::operator iree_hal_device_t *() const {
  return impl_ ? engine::toC(impl_->device.get()) : nullptr;
}

} // namespace fusilli
