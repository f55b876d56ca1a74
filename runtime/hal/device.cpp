// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transfers, device groups, the driver registry.
#include "runtime/hal/device.h"

#include "runtime/hal/driver_registry.h"
#include "support/fault.h"

#include <cstring>

namespace fusilli::hal {

constexpr TypeDescriptor Device::kType{"hal.device", ObjectKind::Device};
constexpr TypeDescriptor DeviceGroup::kType{"hal.device_group",
                                            ObjectKind::DeviceGroup};
constexpr TypeDescriptor Driver::kType{"hal.driver", ObjectKind::Driver};

namespace {

/// The bytes to copy, kWholeBuffer resolved.
StatusOr<DeviceSize> checkTransfer(const void *host, const Buffer &buffer,
                                   DeviceSize offset, DeviceSize length,
                                   uint32_t usage, uint16_t access) {
  FUSILLI_STATUS_ASSIGN(DeviceSize bytes, buffer.checkRange(offset, length));
  FUSILLI_STATUS_RETURN_IF_ERROR(buffer.checkUsage(usage));
  FUSILLI_STATUS_RETURN_IF_ERROR(buffer.checkAccess(access));
  if (host == nullptr && bytes != 0)
    return invalidArgumentError("transfer with a null host pointer");
  return bytes;
}

} // namespace

Status Device::hostToDevice(const void *source, Buffer &target,
                            DeviceSize offset, DeviceSize length) {
  FUSILLI_STATUS_ASSIGN(DeviceSize bytes,
                        checkTransfer(source, target, offset, length,
                                      kUsageTransferTarget, kAccessWrite));
  return bytes != 0 ? upload(source, target, offset, bytes) : okStatus();
}

Status Device::deviceToHost(Buffer &source, DeviceSize offset, void *target,
                            DeviceSize length) {
  FUSILLI_STATUS_ASSIGN(DeviceSize bytes,
                        checkTransfer(target, source, offset, length,
                                      kUsageTransferSource, kAccessRead));
  return bytes != 0 ? download(source, offset, target, bytes) : okStatus();
}

Status Device::upload(const void *source, Buffer &target, DeviceSize offset,
                      DeviceSize length) {
  if (target.hostPointer() == nullptr)
    return unimplementedError("transfer to memory the host cannot see");
  std::memcpy(target.hostPointer() + offset, source, length);
  return okStatus();
}

Status Device::download(Buffer &source, DeviceSize offset, void *target,
                        DeviceSize length) {
  if (source.hostPointer() == nullptr)
    return unimplementedError("transfer of memory the host cannot see");
  std::memcpy(target, source.hostPointer() + offset, length);
  return okStatus();
}

StatusOr<Ref<Buffer>> Device::queueAlloca(Fence *wait, Fence *signal,
                                          const BufferParams &params,
                                          DeviceSize byteLength) {
  FUSILLI_STATUS_ASSIGN(Ref<Buffer> buffer,
                        allocator().allocate(params, byteLength));
  const BufferRef kept[] = {{buffer.get()}};
  FUSILLI_STATUS_RETURN_IF_ERROR(queueExecute(wait, signal, nullptr, kept));
  return buffer;
}

Status Device::queueDealloca(Fence *wait, Fence *signal, Buffer &buffer) {
  const BufferRef kept[] = {{&buffer}};
  return queueExecute(wait, signal, nullptr, kept);
}

StatusOr<Ref<DeviceGroup>> DeviceGroup::create(std::span<Device *const> devices,
                                               HostAllocator &allocator) {
  if (devices.empty())
    return invalidArgumentError("device group without devices");
  HostArray<Ref<Device>> own;
  if (!own.allocate(allocator, devices.size()))
    return outOfMemoryError("a device group");
  for (size_t i = 0; i < devices.size(); ++i) {
    if (devices[i] == nullptr)
      return invalidArgumentError(strCat("device ", i, " of a group is null"));
    own[i] = Ref<Device>::share(devices[i]);
  }
  auto group = makeRef<DeviceGroup>(allocator, std::move(own));
  if (!group)
    return outOfMemoryError("a device group");
  return group;
}

DriverRegistry &DriverRegistry::defaultRegistry() {
  static DriverRegistry &registry = *new DriverRegistry();
  return registry;
}

Status DriverRegistry::registerFactory(DriverFactory *factory) {
  if (factory == nullptr)
    return invalidArgumentError("registration of a null driver factory");
  FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::DriverRegistration));
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < size_; ++i)
    if (factories_[i] == factory)
      return alreadyExistsError("driver factory is registered already");
  if (size_ == kCapacity)
    return resourceExhaustedError(
        strCat("driver registry is full with ", kCapacity, " factories"));
  factories_[size_++] = factory;
  return okStatus();
}

Status DriverRegistry::unregisterFactory(DriverFactory *factory) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < size_; ++i) {
    if (factories_[i] != factory)
      continue;
    for (size_t j = i + 1; j < size_; ++j)
      factories_[j - 1] = factories_[j];
    factories_[--size_] = nullptr;
    return okStatus();
  }
  return notFoundError("driver factory is not registered");
}

StatusOr<Ref<Driver>> DriverRegistry::createDriver(std::string_view name,
                                                   HostAllocator &allocator) {
  std::lock_guard lock(mutex_);
  std::string known;
  for (size_t i = size_; i-- > 0;) {
    std::span<const std::string_view> names = factories_[i]->names();
    for (size_t j = names.size(); j-- > 0;) {
      if (names[j] == name)
        return factories_[i]->create(names[j], allocator);
      known += strCat(known.empty() ? "" : ", ", names[j]);
    }
  }
  return notFoundError(strCat("no driver named '", name, "', known are: ",
                              known.empty() ? "none" : known));
}

} // namespace fusilli::hal
