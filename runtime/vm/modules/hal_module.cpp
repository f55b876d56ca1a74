// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HAL types and the HAL module.
#include "runtime/vm/modules/hal_module.h"

#include "runtime/hal/buffer_view.h"

#include <array>

namespace fusilli::vm {

namespace {

// Names that the contract reserves; nothing of these types exists yet.
constexpr TypeDescriptor kChannel{"hal.channel", ObjectKind::Other};
constexpr TypeDescriptor kEvent{"hal.event", ObjectKind::Other};
constexpr TypeDescriptor kExecutableCache{"hal.executable_cache",
                                          ObjectKind::Other};
constexpr TypeDescriptor kFile{"hal.file", ObjectKind::Other};

} // namespace

Status registerHalTypes(Instance &instance) {
  const TypeDescriptor *types[] = {&hal::Allocator::kType,
                                   &hal::Buffer::kType,
                                   &hal::BufferView::kType,
                                   &kChannel,
                                   &hal::CommandBuffer::kType,
                                   &hal::Device::kType,
                                   &kEvent,
                                   &hal::Executable::kType,
                                   &kExecutableCache,
                                   &hal::Fence::kType,
                                   &kFile,
                                   &hal::Semaphore::kType};
  for (size_t i = 0; i < std::size(types); ++i) {
    Status status = instance.registerType(types[i]);
    if (status.isOk())
      continue;
    while (i-- > 0)
      instance.unregisterType(types[i]).ignore();
    return status;
  }
  return okStatus();
}

HalModule::HalModule(HostAllocator &allocator, Ref<Instance> instance,
                     Ref<hal::DeviceGroup> devices) noexcept
    : Module(allocator), instance_(std::move(instance)),
      devices_(std::move(devices)) {}

StatusOr<Ref<Module>> HalModule::create(Ref<Instance> instance,
                                        Ref<hal::DeviceGroup> devices,
                                        HostAllocator &allocator) {
  if (!instance || !devices)
    return invalidArgumentError("HAL module without instance or devices");
  auto module =
      makeRef<HalModule>(allocator, std::move(instance), std::move(devices));
  if (!module)
    return outOfMemoryError("the HAL module");
  return Ref<Module>(std::move(module));
}

std::span<const FunctionExport> HalModule::exports() const noexcept {
  static constexpr std::array exports = {
      FunctionExport{"devices.default", "v.r"}};
  return exports;
}

StatusOr<ModuleStatePtr> HalModule::createState(HostAllocator &) {
  return ModuleStatePtr();
}

Status HalModule::call(ModuleState *, uint16_t, Arguments arguments,
                       List *results) {
  if (!arguments.empty())
    return invalidArgumentError(strCat("'hal.devices.default' takes no "
                                       "arguments, given ",
                                       arguments.size()));
  if (results == nullptr)
    return invalidArgumentError("'hal.devices.default' needs a result list");
  return results->pushShared(&devices_->device(0));
}

} // namespace fusilli::vm
