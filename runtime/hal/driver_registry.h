// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Drivers and the registry of their factories. The registry holds factories,
// not drivers; nothing is loaded before a driver is created.
#ifndef RUNTIME_HAL_DRIVER_REGISTRY_H
#define RUNTIME_HAL_DRIVER_REGISTRY_H

#include "runtime/hal/device.h"

#include <array>
#include <mutex>
#include <span>
#include <string_view>

namespace fusilli::hal {

/// Makes devices of one kind.
/// Thread safety: thread-safe.
class Driver : public RefObject {
public:
  static const TypeDescriptor kType;

  virtual std::string_view name() const noexcept = 0;
  /// Number of physical devices. Device id 0 is the default one; the id of a
  /// physical device is its ordinal + 1.
  virtual uint32_t deviceCount() const noexcept = 0;
  /// NotFound for an id that does not exist. The device keeps a reference to
  /// the driver when it needs it.
  virtual StatusOr<Ref<Device>> createDevice(uint64_t deviceId,
                                             const DeviceParams &params) = 0;

protected:
  explicit Driver(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}
};

/// Names the drivers that one library can make.
class DriverFactory {
public:
  virtual ~DriverFactory() = default;
  /// Static for the life of the factory.
  virtual std::span<const std::string_view> names() const noexcept = 0;
  /// Called with the registry's lock held: must not call the registry. `name`
  /// is one of `names()`.
  /// Unavailable when a vendor library cannot be loaded.
  virtual StatusOr<Ref<Driver>> create(std::string_view name,
                                       HostAllocator &allocator) = 0;
};

/// Thread safety: thread-safe.
class DriverRegistry {
public:
  static constexpr size_t kCapacity = 16;

  DriverRegistry() = default;
  DriverRegistry(const DriverRegistry &) = delete;
  DriverRegistry &operator=(const DriverRegistry &) = delete;

  /// The process's own; made on first use, never destroyed.
  static DriverRegistry &defaultRegistry();

  /// Borrowed: the factory outlives the registry or is unregistered.
  /// AlreadyExists for a second registration, ResourceExhausted when full.
  Status registerFactory(DriverFactory *factory);
  /// NotFound when it is not registered.
  Status unregisterFactory(DriverFactory *factory);

  /// Newest factory first, its last name first. NotFound names the driver and
  /// those that are known. The caller owns the one reference.
  StatusOr<Ref<Driver>>
  createDriver(std::string_view name,
               HostAllocator &allocator = systemAllocator());

private:
  std::mutex mutex_;
  std::array<DriverFactory *, kCapacity> factories_{}; // guarded by mutex_
  size_t size_ = 0;                                    // guarded by mutex_
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVER_REGISTRY_H
