// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The HAL's types in an instance, and the HAL module.
#include "runtime/vm/modules/program_fixture.h"

#include <gtest/gtest.h>

namespace fusilli::vm {
namespace {

using namespace testing;

constexpr const char *kHalTypes[] = {
    "hal.allocator", "hal.buffer",     "hal.buffer_view",
    "hal.channel",   "hal.device",     "hal.command_buffer",
    "hal.event",     "hal.executable", "hal.executable_cache",
    "hal.fence",     "hal.file",       "hal.semaphore"};

TEST(HalTypesTest, EachIsFoundByItsFullName) {
  auto instance = *Instance::create();
  size_t before = instance->typeCount();
  for (const char *name : kHalTypes)
    EXPECT_EQ(instance->lookupType(name), nullptr) << name;
  ASSERT_TRUE(registerHalTypes(*instance).isOk());
  EXPECT_EQ(instance->typeCount(), before + std::size(kHalTypes));
  for (const char *name : kHalTypes) {
    const TypeDescriptor *type = instance->lookupType(name);
    ASSERT_NE(type, nullptr) << name;
    EXPECT_STREQ(type->name, name);
  }
  EXPECT_EQ(instance->lookupType("hal.buffer_view"), &hal::BufferView::kType);
  for (const char *name : {"buffer_view", "hal.Buffer", "hal.buffe", "hal", ""})
    EXPECT_EQ(instance->lookupType(name), nullptr) << name;
}

TEST(HalTypesTest, AllOrNoneAreRegistered) {
  for (size_t capacity = 2; capacity < 2 + std::size(kHalTypes); ++capacity) {
    auto instance = *Instance::create(capacity);
    EXPECT_EQ(registerHalTypes(*instance).code(),
              StatusCode::ResourceExhausted);
    EXPECT_EQ(instance->typeCount(), 2u) << capacity;
  }
  auto instance = *Instance::create(2 + std::size(kHalTypes));
  EXPECT_TRUE(registerHalTypes(*instance).isOk());
}

TEST(HalModuleTest, RetainsInstanceAndDevices) {
  auto device = *makeDevice("null");
  auto instance = *Instance::create();
  hal::Device *devices[] = {device.get()};
  auto group = *hal::DeviceGroup::create(devices);
  EXPECT_EQ(HalModule::create(nullptr, group).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(HalModule::create(instance, nullptr).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(group->refCount(), 1u);
  auto module = *HalModule::create(instance, group);
  EXPECT_EQ(module->refCount(), 1u);
  EXPECT_EQ(instance->refCount(), 2u);
  EXPECT_EQ(group->refCount(), 2u);
  instance.reset();
  group.reset();
  device.reset();
  // All of them live through the module alone, and die with it.
  auto results = *List::create(1);
  EXPECT_TRUE(module->call(nullptr, 0, {}, results.get()).isOk());
  EXPECT_EQ(results->get(0)->type(), &hal::Device::kType);
  EXPECT_EQ(module->call(nullptr, 0, {}, nullptr).code(),
            StatusCode::InvalidArgument);
  RefObject *one[] = {nullptr};
  EXPECT_EQ(module->call(nullptr, 0, one, results.get()).code(),
            StatusCode::InvalidArgument);
  results.reset();
  module.reset();
  EXPECT_EQ(liveObjects(), 0);
}

} // namespace
} // namespace fusilli::vm
