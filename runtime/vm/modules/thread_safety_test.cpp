// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Objects that say they are thread-safe, used by eight threads at once in
// random order. The assertions catch lost updates; ThreadSanitizer the rest.
#include "runtime/vm/modules/program_fixture.h"

#include <array>
#include <random>
#include <thread>

namespace fusilli::vm {
namespace {

using namespace testing;

constexpr int kThreads = 8;
constexpr int kSteps = 400;
constexpr uint32_t kSeed = 20261122;

constexpr TypeDescriptor kTypeA{"test.a", ObjectKind::Other};
constexpr TypeDescriptor kTypeB{"test.b", ObjectKind::Other};

class NoDriver final : public hal::DriverFactory {
public:
  std::span<const std::string_view> names() const noexcept override {
    return names_;
  }
  StatusOr<Ref<hal::Driver>> create(std::string_view,
                                    HostAllocator &) override {
    return unavailableError("never there");
  }

private:
  std::array<std::string_view, 1> names_{"none"};
};

// What all threads use.
struct Shared {
  Ref<Instance> instance = *Instance::create();
  Ref<hal::Device> device = *makeDevice("local-task", 2);
  Ref<hal::Semaphore> semaphore = *hal::Semaphore::create();
  Ref<hal::Fence> fence = *hal::Fence::createAt(semaphore, 1);
  std::atomic<uint64_t> next{2};
  std::atomic<int> wrong{0};

  void expect(bool right) { wrong += right ? 0 : 1; }
};

void useRegistry(Shared &shared, NoDriver &own) {
  hal::DriverRegistry &registry = hal::DriverRegistry::defaultRegistry();
  shared.expect(registry.registerFactory(&own).isOk());
  shared.expect(registry.createDriver("none").code() ==
                StatusCode::Unavailable);
  shared.expect(registry.unregisterFactory(&own).isOk());
  shared.expect(registry.createDriver("local-sync").isOk());
}

void useInstance(Shared &shared, const TypeDescriptor &type) {
  Ref<Instance> own = shared.instance;
  shared.expect(own->registerType(&type).isOk());
  shared.expect(own->lookupType(type.name) == &type);
  shared.expect(own->lookupType("vm.list") != nullptr);
  shared.expect(own->unregisterType(&type).isOk());
}

void useAllocator(Shared &shared, hal::DeviceSize bytes) {
  Ref<hal::Device> device = shared.device;
  auto buffer = device->allocator().allocate({}, bytes);
  shared.expect(buffer.isOk());
  uint8_t in = 7;
  uint8_t out = 0;
  shared.expect(device->hostToDevice(&in, **buffer, bytes - 1, 1).isOk());
  shared.expect(device->deviceToHost(**buffer, bytes - 1, &out, 1).isOk());
  shared.expect(out == in);
}

void useTimeline(Shared &shared) {
  Ref<hal::Semaphore> own = shared.semaphore;
  // Two threads may signal in the wrong order: then one is refused.
  uint64_t value = shared.next.fetch_add(1);
  StatusCode code = own->signal(value).code();
  shared.expect(code == StatusCode::Ok || code == StatusCode::InvalidArgument);
  shared.expect(own->wait(value).isOk());
  shared.expect(*own->query() >= value);
  Ref<hal::Fence> fence = shared.fence;
  shared.expect(hal::Fence::wait(fence.get()).isOk());
  hal::Fence *both[] = {fence.get(), fence.get()};
  shared.expect((*hal::Fence::join(both))->size() == 1);
}

void useQueue(Shared &shared) {
  auto timeline = *hal::Semaphore::create();
  auto one = *hal::Fence::createAt(timeline, 1);
  auto two = *hal::Fence::createAt(timeline, 2);
  shared.expect(
      shared.device->queueExecute(one.get(), two.get(), nullptr, {}).isOk());
  shared.expect(hal::Fence::signal(one.get()).isOk());
  shared.expect(hal::Fence::wait(two.get()).isOk());
}

TEST(ThreadSafetyTest, MixedOperations) {
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  const int64_t before = liveObjects();
  {
    Shared shared;
    const size_t types = shared.instance->typeCount();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&shared, t] {
        std::mt19937 random(kSeed + static_cast<uint32_t>(t));
        NoDriver factory;
        for (int i = 0; i < kSteps; ++i)
          switch (random() % 5) {
          case 0:
            useRegistry(shared, factory);
            break;
          case 1:
            useInstance(shared, random() % 2 ? kTypeA : kTypeB);
            break;
          case 2:
            useAllocator(shared, 1 + random() % 5000);
            break;
          case 3:
            useTimeline(shared);
            break;
          default:
            useQueue(shared);
          }
      });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(shared.wrong.load(), 0);
    EXPECT_EQ(shared.instance->typeCount(), types);
    EXPECT_EQ(shared.instance->refCount(), 1u);
    EXPECT_EQ(shared.fence->refCount(), 1u);
    hal::AllocatorStatistics s = shared.device->allocator().statistics();
    EXPECT_EQ(s.deviceAllocated, s.deviceFreed);
    EXPECT_TRUE(shared.device->waitIdle().isOk());
  }
  EXPECT_EQ(liveObjects(), before);
}

TEST(ThreadSafetyTest, OneBufferIsReadByAll) {
  auto device = *makeDevice("local-task", 2);
  std::vector<float> values(4096);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i);
  Ref<hal::BufferView> view = floats(*device, values);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Ref<hal::BufferView> own = view;
        std::vector<float> out(values.size());
        wrong += own->dim(0) != values.size() || own->rank() != 1;
        wrong += !device
                      ->deviceToHost(*own->buffer(), 0, out.data(),
                                     own->byteLength())
                      .isOk();
        wrong += out != values;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(view->refCount(), 1u);
}

} // namespace
} // namespace fusilli::vm
