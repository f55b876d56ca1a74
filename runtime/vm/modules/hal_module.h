// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Joins VM and HAL: registers the HAL's types, and gives programs the devices
// of a group.
#ifndef RUNTIME_VM_MODULES_HAL_MODULE_H
#define RUNTIME_VM_MODULES_HAL_MODULE_H

#include "runtime/hal/device.h"
#include "runtime/vm/instance.h"
#include "runtime/vm/module.h"

namespace fusilli::vm {

/// Registers hal.allocator, hal.buffer, hal.buffer_view, hal.command_buffer,
/// hal.device, hal.executable, hal.fence, hal.semaphore and the reserved names
/// of later types. Unregisters what it has registered when one fails.
Status registerHalTypes(Instance &instance);

/// Module "hal". Exports "devices.default" ("v.r").
/// Thread safety: immutable.
class HalModule final : public Module {
public:
  /// InvalidArgument for a null group.
  static StatusOr<Ref<Module>>
  create(Ref<Instance> instance, Ref<hal::DeviceGroup> devices,
         HostAllocator &allocator = systemAllocator());

  hal::DeviceGroup &devices() const noexcept { return *devices_; }

  std::string_view name() const noexcept override { return "hal"; }
  uint32_t version() const noexcept override { return 1; }
  std::span<const FunctionExport> exports() const noexcept override;
  StatusOr<ModuleStatePtr> createState(HostAllocator &allocator) override;
  Status call(ModuleState *state, uint16_t ordinal, Arguments arguments,
              List *results) override;

  HalModule(HostAllocator &allocator, Ref<Instance> instance,
            Ref<hal::DeviceGroup> devices) noexcept;

private:
  ~HalModule() override = default;
  const Ref<Instance> instance_;
  const Ref<hal::DeviceGroup> devices_;
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULES_HAL_MODULE_H
