// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tests of programs share: a device, a context with a loaded artifact,
// buffer views of floats.
#ifndef RUNTIME_VM_MODULES_PROGRAM_FIXTURE_H
#define RUNTIME_VM_MODULES_PROGRAM_FIXTURE_H

#include "artifact/testing/test_artifacts.h"
#include "artifact/writer.h"
#include "runtime/hal/drivers/registration.h"
#include "runtime/vm/modules/hal_module.h"
#include "runtime/vm/modules/program_module.h"

#include <gtest/gtest.h>
#include <vector>

namespace fusilli::vm::testing {

inline StatusOr<Ref<hal::Device>>
makeDevice(std::string_view driverName, uint32_t threads = 2,
           HostAllocator &allocator = systemAllocator()) {
  FUSILLI_STATUS_RETURN_IF_ERROR(hal::registerAllDriversOnce());
  FUSILLI_STATUS_ASSIGN(auto driver,
                        hal::DriverRegistry::defaultRegistry().createDriver(
                            driverName, allocator));
  hal::DeviceParams params;
  params.threadCount = threads;
  return driver->createDevice(0, params);
}

/// A context with the HAL module and the program, and its main function.
struct Loaded {
  Ref<hal::Device> device;
  Ref<Context> context;
  Function main;
};

inline StatusOr<Loaded> load(Ref<hal::Device> device,
                             std::span<const uint8_t> bytes, bool copy = true,
                             HostAllocator &allocator = systemAllocator(),
                             ProgramMode mode = ProgramMode::Recorded) {
  Loaded loaded;
  FUSILLI_STATUS_ASSIGN(Ref<Instance> instance,
                        Instance::create(32, allocator));
  FUSILLI_STATUS_RETURN_IF_ERROR(registerHalTypes(*instance));
  FUSILLI_STATUS_ASSIGN(loaded.context, Context::create(instance, allocator));
  hal::Device *devices[] = {device.get()};
  FUSILLI_STATUS_ASSIGN(auto group,
                        hal::DeviceGroup::create(devices, allocator));
  FUSILLI_STATUS_ASSIGN(auto halModule,
                        HalModule::create(instance, group, allocator));
  FUSILLI_STATUS_ASSIGN(
      auto program,
      ProgramModule::create(instance, bytes, copy, allocator, mode));
  Module *modules[] = {halModule.get(), program.get()};
  FUSILLI_STATUS_RETURN_IF_ERROR(loaded.context->registerModules(modules));
  loaded.context->freeze();
  FUSILLI_STATUS_ASSIGN(loaded.main, loaded.context->resolveFunction(
                                         ProgramModule::kMainFunction));
  loaded.device = std::move(device);
  return loaded;
}

inline Ref<hal::BufferView>
floats(hal::Device &device, const std::vector<float> &values,
       hal::ElementType type = hal::ElementType::Float32,
       uint32_t usage = hal::kUsageDefault) {
  hal::BufferParams params;
  params.usage = usage;
  auto buffer =
      device.allocator().allocate(params, values.size() * sizeof(float));
  EXPECT_TRUE(buffer.isOk());
  std::copy(values.begin(), values.end(),
            reinterpret_cast<float *>((*buffer)->hostPointer()));
  hal::DeviceSize dims[] = {values.size()};
  auto view = hal::BufferView::create(*buffer, dims, type);
  EXPECT_TRUE(view.isOk());
  return *std::move(view);
}

inline std::vector<float> valuesOf(const hal::BufferView &view) {
  const auto *data =
      reinterpret_cast<const float *>(view.buffer()->hostPointer());
  return {data, data + view.elementCount()};
}

/// Base of tests that run on each CPU driver: a device of its own per test.
class DriverTest : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    auto device = makeDevice(GetParam());
    ASSERT_TRUE(device.isOk()) << device.status().toString();
    device_ = *std::move(device);
  }
  Loaded loadBytes(const std::vector<uint8_t> &bytes) {
    auto loaded = load(device_, bytes);
    EXPECT_TRUE(loaded.isOk()) << loaded.status().toString();
    return loaded.isOk() ? *std::move(loaded) : Loaded();
  }
  Ref<hal::Device> device_;
};

/// Instantiates a suite of DriverTests.
#define FUSILLI_ON_CPU_DRIVERS(suite)                                          \
  INSTANTIATE_TEST_SUITE_P(Drivers, suite,                                     \
                           ::testing::Values("local-sync", "local-task"),      \
                           [](const auto &info) {                              \
                             std::string name = info.param;                    \
                             name.replace(name.find('-'), 1, "_");             \
                             return name;                                      \
                           })

} // namespace fusilli::vm::testing

#endif // RUNTIME_VM_MODULES_PROGRAM_FIXTURE_H
