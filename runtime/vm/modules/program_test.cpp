// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs from artifact bytes to results, with hand-written kernels: loading,
// argument rules, aliasing, lifetimes, concurrency.
#include "runtime/vm/modules/program_fixture.h"

#include "artifact/vm_abi.h"

#include <cstring>
#include <gmock/gmock.h>
#include <random>
#include <thread>

namespace fusilli::vm {
namespace {

using namespace testing;
using artifact::testing::addArtifact;
using artifact::testing::chainArtifact;
using ::testing::HasSubstr;

std::vector<uint8_t> addBytes(int64_t n, bool runInline, bool inplace = false) {
  return artifact::write(addArtifact(n, runInline, inplace));
}

using ProgramTest = DriverTest;

FUSILLI_ON_CPU_DRIVERS(ProgramTest);

TEST_P(ProgramTest, AddsInlineAndOnThePool) {
  for (bool runInline : {true, false}) {
    for (int64_t n : {1, 2, 7, 1000}) {
      Loaded loaded = loadBytes(addBytes(n, runInline));
      std::vector<float> a(static_cast<size_t>(n));
      std::vector<float> b(a.size());
      std::vector<float> sum(a.size());
      for (size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<float>(i);
        b[i] = static_cast<float>(3 * i + 1);
        sum[i] = a[i] + b[i];
      }
      auto y = floats(*device_, std::vector<float>(a.size()));
      auto va = floats(*device_, a);
      auto vb = floats(*device_, b);
      RefObject *arguments[] = {y.get(), va.get(), vb.get(), nullptr};
      Status status = loaded.context->invoke(loaded.main, arguments);
      ASSERT_TRUE(status.isOk()) << status.toString();
      EXPECT_EQ(valuesOf(*y), sum);
    }
  }
}

TEST_P(ProgramTest, ListFormWorksAndGivesReferencesBack) {
  Loaded loaded = loadBytes(addBytes(2, true));
  auto y = floats(*device_, {0, 0});
  auto a = floats(*device_, {1, 2});
  auto b = floats(*device_, {10, 20});
  {
    auto list = List::create(4);
    ASSERT_TRUE(list.isOk());
    for (RefObject *object :
         {static_cast<RefObject *>(y.get()), static_cast<RefObject *>(a.get()),
          static_cast<RefObject *>(b.get()), static_cast<RefObject *>(nullptr)})
      ASSERT_TRUE((*list)->pushShared(object).isOk());
    EXPECT_EQ((*list)->capacity(), 4u);
    ASSERT_TRUE(loaded.context->invoke(loaded.main, **list).isOk());
    EXPECT_EQ(y->refCount(), 2u);
  }
  EXPECT_EQ(y->refCount(), 1u);
  EXPECT_EQ(valuesOf(*y), (std::vector<float>{11, 22}));
}

TEST_P(ProgramTest, WorkspaceAndConstants) {
  for (bool runInline : {true, false}) {
    Loaded loaded = loadBytes(artifact::write(chainArtifact(100, runInline)));
    auto y = floats(*device_, std::vector<float>(100));
    auto a = floats(*device_, std::vector<float>(100, 1.0f));
    auto b = floats(*device_, std::vector<float>(100, 2.0f));
    auto workspace = device_->allocator().allocate({}, 400);
    std::memset((*workspace)->hostPointer(), 0xff, 400);
    RefObject *arguments[] = {y.get(), a.get(), b.get(), workspace->get()};
    for (int round = 0; round < 3; ++round) {
      Status status = loaded.context->invoke(loaded.main, arguments);
      ASSERT_TRUE(status.isOk()) << status.toString();
      for (size_t i = 0; i < 100; ++i)
        EXPECT_EQ(valuesOf(*y)[i], 3.0f + static_cast<float>(i + 1));
    }
    auto small = device_->allocator().allocate({}, 399);
    arguments[3] = small->get();
    Status status = loaded.context->invoke(loaded.main, arguments);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                ::testing::AllOf(HasSubstr("399"), HasSubstr("400")));
    arguments[3] = nullptr;
    EXPECT_EQ(loaded.context->invoke(loaded.main, arguments).code(),
              StatusCode::InvalidArgument);
    arguments[3] = y.get();
    EXPECT_EQ(loaded.context->invoke(loaded.main, arguments).code(),
              StatusCode::InvalidArgument);
    // A workspace inside an argument.
    arguments[3] = y->buffer();
    status = loaded.context->invoke(loaded.main, arguments);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("overlaps"));
  }
}

TEST_P(ProgramTest, SourceBytesMayGoAfterLoad) {
  std::vector<uint8_t> bytes = artifact::write(chainArtifact(4, true));
  Loaded loaded = loadBytes(bytes);
  std::fill(bytes.begin(), bytes.end(), 0xcc);
  bytes = {};
  auto y = floats(*device_, {0, 0, 0, 0});
  auto a = floats(*device_, {1, 1, 1, 1});
  auto workspace = device_->allocator().allocate({}, 16);
  auto b = floats(*device_, {2, 2, 2, 2});
  RefObject *arguments[] = {y.get(), a.get(), b.get(), workspace->get()};
  ASSERT_TRUE(loaded.context->invoke(loaded.main, arguments).isOk());
  EXPECT_EQ(valuesOf(*y), (std::vector<float>{4, 5, 6, 7}));
}

TEST_P(ProgramTest, MisalignedSourceBytes) {
  std::vector<uint8_t> bytes = artifact::write(chainArtifact(4, true));
  std::vector<uint8_t> shifted(bytes.size() + 3);
  std::copy(bytes.begin(), bytes.end(), shifted.begin() + 3);
  auto loaded = load(device_, std::span<const uint8_t>(shifted).subspan(3),
                     /*copy=*/false);
  ASSERT_TRUE(loaded.isOk()) << loaded.status().toString();
  auto y = floats(*device_, {0, 0, 0, 0});
  auto a = floats(*device_, {1, 1, 1, 1});
  auto b = floats(*device_, {2, 2, 2, 2});
  auto workspace = device_->allocator().allocate({}, 16);
  RefObject *arguments[] = {y.get(), a.get(), b.get(), workspace->get()};
  ASSERT_TRUE(loaded->context->invoke(loaded->main, arguments).isOk());
  EXPECT_EQ(valuesOf(*y), (std::vector<float>{4, 5, 6, 7}));
}

TEST_P(ProgramTest, AlignedBytesAreUsedInPlace) {
  std::vector<uint8_t> bytes = artifact::write(chainArtifact(4, true));
  std::vector<uint8_t> room(bytes.size() + 64);
  size_t start = 64 - reinterpret_cast<uintptr_t>(room.data()) % 64;
  std::copy(bytes.begin(), bytes.end(), room.begin() + start);
  auto own = std::span<const uint8_t>(room).subspan(start, bytes.size());
  auto instance = *Instance::create();
  for (bool copy : {false, true}) {
    auto module = ProgramModule::create(instance, own, copy);
    ASSERT_TRUE(module.isOk()) << module.status().toString();
    const auto &artifact = static_cast<ProgramModule &>(**module).artifact();
    const uint8_t *constants = artifact.constants()->data();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(constants) % 64, 0u);
    EXPECT_EQ(constants >= own.data() && constants < own.data() + own.size(),
              !copy);
  }
}

TEST_P(ProgramTest, NeedsTheHalModuleFirst) {
  std::vector<uint8_t> bytes = addBytes(1, true);
  {
    auto instance = *Instance::create();
    auto context = *Context::create(instance);
    hal::Device *devices[] = {device_.get()};
    auto halModule =
        *HalModule::create(instance, *hal::DeviceGroup::create(devices));
    auto program = *ProgramModule::create(instance, bytes, true);
    Module *programFirst[] = {program.get(), halModule.get()};
    Status status = context->registerModules(programFirst);
    EXPECT_EQ(status.code(), StatusCode::NotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr("'hal'"));
    // The context let go of both; the creator's references are the last.
    EXPECT_EQ(context->moduleCount(), 0u);
    EXPECT_EQ(program->refCount(), 1u);
    program.reset();
    halModule.reset();
    EXPECT_EQ(liveObjects(ObjectKind::Module), 0);
  }
  EXPECT_TRUE(load(device_, bytes).isOk());
}

struct Mismatch {
  const char *name;
  StatusCode code;
  const char *text;
  Ref<RefObject> argument;
};

TEST_P(ProgramTest, EveryArgumentRuleHasItsError) {
  Loaded loaded = loadBytes(addBytes(4, true));
  hal::Device &d = *device_;
  auto y = floats(d, {0, 0, 0, 0});
  auto a = floats(d, {1, 2, 3, 4});
  auto b = floats(d, {1, 2, 3, 4});
  auto buffer = d.allocator().allocate({}, 16);
  hal::DeviceSize square[] = {2, 2};
  auto list = List::create(0);
  hal::BufferParams noRead;
  noRead.access = hal::kAccessWrite;
  auto writeOnly = d.allocator().allocate(noRead, 16);
  hal::DeviceSize four[] = {4};
  const Mismatch cases[] = {
      {"null", StatusCode::InvalidArgument, "null", nullptr},
      {"list", StatusCode::InvalidArgument, "vm.list", *list},
      {"raw buffer", StatusCode::InvalidArgument, "hal.buffer", *buffer},
      {"int", StatusCode::InvalidArgument, "si32",
       floats(d, {1, 2, 3, 4}, hal::ElementType::Sint32)},
      {"rank", StatusCode::InvalidArgument, "rank 2",
       *hal::BufferView::create(*buffer, square, hal::ElementType::Float32)},
      {"dim", StatusCode::InvalidArgument, "[5]", floats(d, {1, 2, 3, 4, 5})},
      {"usage", StatusCode::PermissionDenied, "usage",
       floats(d, {1, 2, 3, 4}, hal::ElementType::Float32, hal::kUsageTransfer)},
      {"access", StatusCode::PermissionDenied, "access",
       *hal::BufferView::create(*writeOnly, four, hal::ElementType::Float32)},
  };
  for (const Mismatch &c : cases) {
    RefObject *arguments[] = {y.get(), a.get(), c.argument.get(), nullptr};
    Status status = loaded.context->invoke(loaded.main, arguments);
    EXPECT_EQ(status.code(), c.code) << c.name << ": " << status.toString();
    EXPECT_THAT(std::string(status.message()),
                ::testing::AllOf(HasSubstr("input 'b'"), HasSubstr(c.text)))
        << c.name;
  }
  // An opaque element type of the same width stands for any.
  auto opaque = floats(d, {1, 2, 3, 4}, hal::ElementType::Opaque32);
  RefObject *good[] = {y.get(), a.get(), opaque.get(), nullptr};
  EXPECT_TRUE(loaded.context->invoke(loaded.main, good).isOk());
}

TEST_P(ProgramTest, ArgumentCountIsChecked) {
  Loaded loaded = loadBytes(addBytes(1, true));
  auto v = floats(*device_, {1});
  RefObject *arguments[] = {v.get(), v.get(), v.get(), nullptr, nullptr};
  for (size_t count : {size_t{0}, size_t{3}, size_t{5}}) {
    Status status =
        loaded.context->invoke(loaded.main, Arguments(arguments, count));
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(
        std::string(status.message()),
        ::testing::AllOf(HasSubstr(std::to_string(count)), HasSubstr("4")));
  }
}

TEST_P(ProgramTest, IntegersOfOneWidthAreInterchangeable) {
  using enum hal::ElementType;
  EXPECT_TRUE(hal::elementTypeCompatible(Bool8, Int8));
  EXPECT_TRUE(hal::elementTypeCompatible(Int8, Uint8));
  EXPECT_TRUE(hal::elementTypeCompatible(Uint8, Bool8));
  EXPECT_FALSE(hal::elementTypeCompatible(Int8, Int16));
  EXPECT_FALSE(hal::elementTypeCompatible(Float32, Int32));
  EXPECT_FALSE(hal::elementTypeCompatible(Float16, BFloat16));
}

TEST_P(ProgramTest, OverlapIsRefusedUnlessInPlace) {
  auto shared = device_->allocator().allocate({}, 64);
  auto window = [&](uint64_t offset, size_t count) {
    hal::ExternalBuffer external;
    external.type = hal::ExternalBufferType::HostAllocation;
    external.handle =
        reinterpret_cast<uintptr_t>((*shared)->hostPointer()) + offset;
    external.size = count * sizeof(float);
    auto buffer = device_->allocator().import({}, external, {});
    hal::DeviceSize dims[] = {count};
    return *hal::BufferView::create(*buffer, dims, hal::ElementType::Float32);
  };
  auto low = window(0, 4);
  auto same = window(0, 4);
  auto shifted = window(4, 4);
  auto beside = window(16, 4);
  auto other = floats(*device_, {1, 1, 1, 1});
  auto code = [&](Loaded &loaded, hal::BufferView *y, hal::BufferView *a,
                  hal::BufferView *b) {
    RefObject *arguments[] = {y, a, b, nullptr};
    Status status = loaded.context->invoke(loaded.main, arguments);
    if (!status.isOk()) {
      EXPECT_THAT(
          std::string(status.message()),
          ::testing::AllOf(HasSubstr("output 'y'"), HasSubstr("input '")));
    }
    return status.code();
  };
  Loaded plain = loadBytes(addBytes(4, true));
  Loaded inplace = loadBytes(addBytes(4, true, /*inplace=*/true));
  for (Loaded *loaded : {&plain, &inplace}) {
    EXPECT_EQ(code(*loaded, low.get(), beside.get(), other.get()),
              StatusCode::Ok);
    EXPECT_EQ(code(*loaded, low.get(), other.get(), other.get()),
              StatusCode::Ok);
    EXPECT_EQ(code(*loaded, low.get(), shifted.get(), other.get()),
              StatusCode::InvalidArgument);
    EXPECT_EQ(code(*loaded, shifted.get(), other.get(), low.get()),
              StatusCode::InvalidArgument);
  }
  EXPECT_EQ(code(plain, low.get(), low.get(), other.get()),
            StatusCode::InvalidArgument);
  EXPECT_EQ(code(plain, low.get(), same.get(), other.get()),
            StatusCode::InvalidArgument);
  EXPECT_EQ(code(inplace, low.get(), same.get(), low.get()), StatusCode::Ok);
}

TEST_P(ProgramTest, UnalignedImportsCompute) {
  Loaded loaded = loadBytes(addBytes(3, true));
  alignas(64) float memory[16] = {};
  for (size_t shift : {1, 2, 3}) {
    float *base = memory + shift;
    base[0] = 1;
    base[1] = 2;
    base[2] = 3;
    hal::ExternalBuffer external;
    external.type = hal::ExternalBufferType::HostAllocation;
    external.handle = reinterpret_cast<uintptr_t>(base);
    external.size = 12;
    auto buffer = device_->allocator().import({}, external, {});
    hal::DeviceSize dims[] = {3};
    auto a = hal::BufferView::create(*buffer, dims, hal::ElementType::Float32);
    auto y = floats(*device_, {0, 0, 0});
    auto b = floats(*device_, {1, 1, 1});
    RefObject *arguments[] = {y.get(), a->get(), b.get(), nullptr};
    ASSERT_TRUE(loaded.context->invoke(loaded.main, arguments).isOk());
    EXPECT_EQ(valuesOf(*y), (std::vector<float>{2, 3, 4}));
  }
}

fbs::ArtifactT kernelArtifact(artifact::testing::TestKernel kernel,
                              uint32_t workgroups, bool runInline) {
  fbs::ArtifactT result = artifact::testing::emptyTestArtifact();
  uint64_t bytes = uint64_t{workgroups} * sizeof(float);
  result.args.push_back(std::make_unique<fbs::ArgT>(
      artifact::testing::makeArg("y", fbs::ArgKind::Output, workgroups)));
  uint32_t flags = runInline ? FUSILLI_VM_DISPATCH_INLINE : 0;
  if (artifact::testing::testBindingCount(kernel) == 0)
    artifact::testing::appendDispatch(result, kernel, {}, workgroups, flags);
  else
    artifact::testing::appendDispatch(
        result, kernel, {artifact::testing::bindArgument(0, bytes)}, workgroups,
        flags);
  artifact::testing::appendReturn(result);
  return result;
}

TEST_P(ProgramTest, KernelFailureIsAnErrorAndTheRestGoesOn) {
  for (bool runInline : {true, false}) {
    Loaded failing = loadBytes(artifact::write(
        kernelArtifact(artifact::testing::kFailAt, 16, runInline)));
    Loaded good = loadBytes(addBytes(1, runInline));
    auto cells = floats(*device_, std::vector<float>(16));
    RefObject *arguments[] = {cells.get(), nullptr};
    for (int round = 0; round < 3; ++round) {
      Status status = failing.context->invoke(failing.main, arguments);
      EXPECT_EQ(status.code(), StatusCode::Internal);
      EXPECT_THAT(std::string(status.message()),
                  ::testing::AllOf(HasSubstr("'fail_at'"), HasSubstr("9")));
      auto y = floats(*device_, {0});
      auto a = floats(*device_, {1});
      RefObject *more[] = {y.get(), a.get(), a.get(), nullptr};
      ASSERT_TRUE(good.context->invoke(good.main, more).isOk());
      EXPECT_EQ(valuesOf(*y)[0], 2.0f);
    }
  }
}

TEST_P(ProgramTest, LocalMemoryIsThere) {
  for (bool runInline : {true, false}) {
    Loaded loaded = loadBytes(artifact::write(
        kernelArtifact(artifact::testing::kLocal, 100, runInline)));
    auto y = floats(*device_, std::vector<float>(100));
    RefObject *arguments[] = {y.get(), nullptr};
    ASSERT_TRUE(loaded.context->invoke(loaded.main, arguments).isOk());
    const auto *words =
        reinterpret_cast<const uint32_t *>(y->buffer()->hostPointer());
    for (uint32_t i = 0; i < 100; ++i)
      EXPECT_EQ(words[i], 2 * i);
  }
}

TEST_P(ProgramTest, ManyArguments) {
  fbs::ArtifactT source = artifact::testing::emptyTestArtifact();
  constexpr uint32_t kInputs = 150;
  source.args.push_back(std::make_unique<fbs::ArgT>(
      artifact::testing::makeArg("y", fbs::ArgKind::Output, 1)));
  for (uint32_t i = 0; i < kInputs; ++i)
    source.args.push_back(
        std::make_unique<fbs::ArgT>(artifact::testing::makeArg(
            strCat("x", 1000 + i), fbs::ArgKind::Input, 1)));
  using artifact::testing::bindArgument;
  artifact::testing::appendDispatch(
      source, artifact::testing::kAddFirst,
      {bindArgument(0, 4), bindArgument(1, 4), bindArgument(kInputs, 4)}, 1,
      FUSILLI_VM_DISPATCH_INLINE);
  artifact::testing::appendReturn(source);
  Loaded loaded = loadBytes(artifact::write(source));
  auto y = floats(*device_, {0});
  std::vector<Ref<hal::BufferView>> inputs;
  std::vector<RefObject *> arguments = {y.get()};
  for (uint32_t i = 0; i < kInputs; ++i) {
    inputs.push_back(floats(*device_, {static_cast<float>(i + 1)}));
    arguments.push_back(inputs.back().get());
  }
  arguments.push_back(nullptr);
  Status status = loaded.context->invoke(loaded.main, arguments);
  ASSERT_TRUE(status.isOk()) << status.toString();
  EXPECT_EQ(valuesOf(*y)[0], 151.0f);
}

TEST_P(ProgramTest, SameFunctionFromManyThreads) {
  for (bool runInline : {true, false}) {
    Loaded loaded = loadBytes(addBytes(50, runInline));
    auto a = floats(*device_, std::vector<float>(50, 1.5f));
    auto b = floats(*device_, std::vector<float>(50, 2.0f));
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        auto y = floats(*device_, std::vector<float>(50));
        RefObject *arguments[] = {y.get(), a.get(), b.get(), nullptr};
        for (int i = 0; i < 1000; ++i)
          wrong += !loaded.context->invoke(loaded.main, arguments).isOk();
        wrong += valuesOf(*y) != std::vector<float>(50, 3.5f);
      });
    for (auto &thread : threads)
      thread.join();
    EXPECT_EQ(wrong.load(), 0);
  }
}

TEST_P(ProgramTest, BoundCallRunsAndRebinds) {
  Loaded loaded = loadBytes(addBytes(2, true));
  auto y = floats(*device_, {0, 0});
  auto a = floats(*device_, {1, 2});
  auto b = floats(*device_, {10, 20});
  auto wrong = floats(*device_, {1, 2, 3});
  RefObject *arguments[] = {y.get(), a.get(), b.get(), nullptr};
  auto call = BoundCall::create(loaded.context, loaded.main, arguments);
  ASSERT_TRUE(call.isOk());
  ASSERT_TRUE((*call)->execute().isOk());
  EXPECT_EQ(valuesOf(*y), (std::vector<float>{11, 22}));
  EXPECT_EQ((*call)->setArgument(1, wrong.get()).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ((*call)->setArgument(4, a.get()).code(), StatusCode::OutOfRange);
  EXPECT_EQ((*call)->setArgument(1, y.get()).code(),
            StatusCode::InvalidArgument);
  ASSERT_TRUE((*call)->setArgument(1, b.get()).isOk());
  // It keeps what it uses alive.
  a.reset();
  b.reset();
  loaded = Loaded();
  ASSERT_TRUE((*call)->execute().isOk());
  EXPECT_EQ(valuesOf(*y), (std::vector<float>{20, 40}));
}

TEST_P(ProgramTest, ExecutionLooksUpNothing) {
  Loaded loaded = loadBytes(addBytes(1, true));
  auto y = floats(*device_, {0});
  auto a = floats(*device_, {1});
  RefObject *arguments[] = {y.get(), a.get(), a.get(), nullptr};
  uint64_t before = Context::lookupCount();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(loaded.context->invoke(loaded.main, arguments).isOk());
  EXPECT_EQ(Context::lookupCount(), before);
}

TEST_P(ProgramTest, WorkspaceAttributeIsDecimal) {
  constexpr std::string_view kKey = "iree.abi.transients.size.constant";
  Loaded loaded = loadBytes(artifact::write(chainArtifact(10, true)));
  Function async =
      *loaded.context->resolveFunction(ProgramModule::kAsyncFunction);
  const Module &module = *async.module;
  EXPECT_EQ(module.functionAttribute(async.ordinal, kKey), "40");
  EXPECT_EQ(module.functionAttribute(async.ordinal, "other"), "");
  // The blocking entry point carries none.
  EXPECT_EQ(module.functionAttribute(loaded.main.ordinal, kKey), "");
  Loaded none = loadBytes(addBytes(1, true));
  EXPECT_EQ(none.main.module->functionAttribute(async.ordinal, kKey), "0");
}

TEST_P(ProgramTest, AsyncCallsAreOrderedByFencesOnly) {
  Loaded loaded = loadBytes(addBytes(4, false));
  Function async =
      *loaded.context->resolveFunction(ProgramModule::kAsyncFunction);
  auto timeline = *hal::Semaphore::create();
  auto one = floats(*device_, {1, 1, 1, 1});
  auto x = floats(*device_, {0, 0, 0, 0});
  auto y = floats(*device_, {0, 0, 0, 0});
  auto z = floats(*device_, {0, 0, 0, 0});
  auto at = [&](uint64_t value) {
    return *hal::Fence::createAt(timeline, value);
  };
  auto submit = [&](hal::BufferView *out, hal::BufferView *in, uint64_t wait) {
    auto waitFence = at(wait);
    auto signalFence = at(wait + 1);
    RefObject *arguments[] = {
        out, in, one.get(), nullptr, waitFence.get(), signalFence.get()};
    Status status = loaded.context->invoke(async, arguments);
    EXPECT_TRUE(status.isOk()) << status.toString();
  };
  // x = 1 + 1, y = x + 1, z = y + 1, submitted backwards.
  submit(z.get(), y.get(), 3);
  submit(y.get(), x.get(), 2);
  submit(x.get(), one.get(), 1);
  hal::BufferView *last = z.get();
  one.reset();
  x.reset();
  y.reset();
  EXPECT_EQ(timeline->queryReached(4).code(), StatusCode::Deferred);
  ASSERT_TRUE(timeline->signal(1).isOk());
  ASSERT_TRUE(timeline->wait(4).isOk());
  EXPECT_EQ(valuesOf(*last), (std::vector<float>{4, 4, 4, 4}));
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(ProgramTest, AsyncArgumentsAreChecked) {
  Loaded loaded = loadBytes(addBytes(1, true));
  Function async =
      *loaded.context->resolveFunction(ProgramModule::kAsyncFunction);
  auto y = floats(*device_, {0});
  auto a = floats(*device_, {1});
  RefObject *arguments[] = {y.get(), a.get(), a.get(),
                            nullptr, nullptr, nullptr};
  EXPECT_TRUE(loaded.context->invoke(async, arguments).isOk());
  EXPECT_TRUE(device_->waitIdle().isOk());
  EXPECT_EQ(valuesOf(*y)[0], 2.0f);
  EXPECT_EQ(loaded.context->invoke(async, Arguments(arguments).first(4)).code(),
            StatusCode::InvalidArgument);
  arguments[5] = y.get();
  EXPECT_EQ(loaded.context->invoke(async, arguments).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(BoundCall::create(loaded.context, async, arguments).code(),
            StatusCode::InvalidArgument);
}

/// A random valid program: dispatches between arguments, workspace and
/// constants, with barriers.
fbs::ArtifactT randomProgram(std::mt19937 &random) {
  constexpr int64_t kN = 8;
  constexpr uint64_t kBytes = kN * sizeof(float);
  using namespace artifact::testing;
  fbs::ArtifactT program = chainArtifact(kN, true);
  program.program.clear();
  program.bindings.clear();
  program.workspace_size = 2 * kBytes;
  uint32_t dispatches = 1 + random() % 6;
  for (uint32_t i = 0; i < dispatches; ++i) {
    auto source = [&] {
      switch (random() % 4) {
      case 0:
        return bindConstant(kBytes);
      case 1:
        return bindWorkspace(kBytes, (random() % 2) * kBytes);
      default:
        return bindArgument(1 + random() % 2, kBytes);
      }
    };
    auto target = i + 1 == dispatches || random() % 3 == 0
                      ? bindArgument(0, kBytes)
                      : bindWorkspace(kBytes, (random() % 2) * kBytes);
    uint32_t flags = random() % 2 != 0 ? FUSILLI_VM_DISPATCH_INLINE : 0;
    appendDispatch(program, kAdd, {target, source(), source()},
                   random() % (kN + 1), flags);
    appendBarrier(program);
  }
  appendReturn(program);
  return program;
}

TEST_P(ProgramTest, InterpreterAndCommandBufferAgree) {
  constexpr uint32_t kSeed = 11;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  auto a = floats(*device_, {1, 2, 3, 4, 5, 6, 7, 8});
  auto b = floats(*device_, {0.5f, 1, 1.5f, 2, 2.5f, 3, 3.5f, 4});
  for (int round = 0; round < 200; ++round) {
    std::vector<uint8_t> bytes = artifact::write(randomProgram(random));
    std::vector<float> results[2];
    for (ProgramMode mode : {ProgramMode::Recorded, ProgramMode::Interpreted}) {
      auto loaded = load(device_, bytes, true, systemAllocator(), mode);
      ASSERT_TRUE(loaded.isOk()) << loaded.status().toString();
      auto y = floats(*device_, std::vector<float>(8, -1.0f));
      auto workspace = device_->allocator().allocate({}, 64);
      std::memset((*workspace)->hostPointer(), 0, 64);
      auto done = *hal::Fence::createAt(*hal::Semaphore::create(), 1);
      RefObject *arguments[] = {y.get(),          a.get(), b.get(),
                                workspace->get(), nullptr, done.get()};
      for (int run = 0; run < 2; ++run)
        ASSERT_TRUE(
            loaded->context->invoke(loaded->main, Arguments(arguments).first(4))
                .isOk());
      results[mode == ProgramMode::Recorded ? 0 : 1] = valuesOf(*y);
      // Queued, once more.
      std::memset(y->buffer()->hostPointer(), 0, 32);
      std::memset((*workspace)->hostPointer(), 0, 64);
      auto async =
          loaded->context->resolveFunction(ProgramModule::kAsyncFunction);
      ASSERT_TRUE(loaded->context->invoke(*async, arguments).isOk());
      ASSERT_TRUE(hal::Fence::wait(done.get()).isOk());
      RefObject *blocking[] = {y.get(), a.get(), b.get(), workspace->get()};
      std::vector<float> queued = valuesOf(*y);
      std::memset(y->buffer()->hostPointer(), 0, 32);
      std::memset((*workspace)->hostPointer(), 0, 64);
      ASSERT_TRUE(loaded->context->invoke(loaded->main, blocking).isOk());
      ASSERT_EQ(queued, valuesOf(*y)) << "round " << round;
    }
    ASSERT_EQ(results[0], results[1]) << "round " << round;
  }
}

// Nothing but the queue holds the commands of an interpreted call.
TEST_P(ProgramTest, InterpretedCallIsQueuedBehindItsFence) {
  auto loaded = load(device_, addBytes(4, /*runInline=*/false), true,
                     systemAllocator(), ProgramMode::Interpreted);
  ASSERT_TRUE(loaded.isOk()) << loaded.status().toString();
  auto async = loaded->context->resolveFunction(ProgramModule::kAsyncFunction);
  auto y = floats(*device_, {0, 0, 0, 0});
  auto a = floats(*device_, {1, 2, 3, 4});
  auto gate = *hal::Semaphore::create();
  auto wait = *hal::Fence::createAt(gate, 1);
  auto done = *hal::Fence::createAt(*hal::Semaphore::create(), 1);
  RefObject *arguments[] = {y.get(), a.get(),    a.get(),
                            nullptr, wait.get(), done.get()};
  ASSERT_TRUE(loaded->context->invoke(*async, arguments).isOk());
  loaded->context.reset();
  EXPECT_EQ(hal::Fence::query(done.get()).code(), StatusCode::Deferred);
  ASSERT_TRUE(gate->signal(1).isOk());
  ASSERT_TRUE(hal::Fence::wait(done.get()).isOk());
  EXPECT_EQ(valuesOf(*y), (std::vector<float>{2, 4, 6, 8}));
}

} // namespace
} // namespace fusilli::vm
