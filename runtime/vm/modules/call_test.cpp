// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of one call, from the name of a function to the references that
// come back: section 6 of docs/runtime-contract.md.
#include "runtime/vm/modules/program_fixture.h"

#include "artifact/vm_abi.h"

#include <array>
#include <cstring>
#include <gmock/gmock.h>
#include <set>
#include <thread>

namespace fusilli::vm {
namespace {

using namespace testing;
using artifact::testing::addArtifact;
using artifact::testing::chainArtifact;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<uint8_t> addBytes(int64_t n) {
  return artifact::write(addArtifact(n, /*runInline=*/true));
}

/// What must be the same before and after a call.
struct Alive {
  std::array<int64_t, static_cast<size_t>(ObjectKind::Count)> objects{};
  int64_t statuses = liveStatusRecords();
  Alive() {
    for (size_t i = 0; i < objects.size(); ++i)
      objects[i] = liveObjects(static_cast<ObjectKind>(i));
  }
  bool operator==(const Alive &) const = default;
};

//===-- Names and handles of functions ------------------------------------===//

/// A module whose table of exports can be taken away.
class StubModule final : public Module {
public:
  explicit StubModule(HostAllocator &allocator) : Module(allocator) {}
  std::string_view name() const noexcept override { return "stub"; }
  std::span<const FunctionExport> exports() const noexcept override {
    static constexpr std::array all = {FunctionExport{"first", "v.v"},
                                       FunctionExport{"second", "v.v"}};
    ++tableReads;
    return failing ? std::span<const FunctionExport>() : all;
  }
  StatusOr<ModuleStatePtr> createState(HostAllocator &) override {
    return ModuleStatePtr();
  }
  Status call(ModuleState *, uint16_t ordinal, Arguments, List *) override {
    calls += ordinal == 1;
    return okStatus();
  }
  mutable int tableReads = 0;
  int calls = 0;
  bool failing = false;
};

TEST(FunctionTest, ResolvedOnceItNeedsNoLookup) {
  auto context = *Context::create(*Instance::create());
  auto module = makeRef<StubModule>(systemAllocator());
  Module *modules[] = {module.get()};
  ASSERT_TRUE(context->registerModules(modules).isOk());
  Function second = *context->resolveFunction("stub.second");
  module->failing = true;
  EXPECT_EQ(context->resolveFunction("stub.second").code(),
            StatusCode::NotFound);
  const int reads = module->tableReads;
  const uint64_t lookups = Context::lookupCount();
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(context->invoke(second, Arguments()).isOk());
  EXPECT_EQ(module->calls, 1000);
  EXPECT_EQ(module->tableReads, reads);
  EXPECT_EQ(Context::lookupCount(), lookups);
}

TEST(FunctionTest, HandlesAreSixteenBytesAndBorrowTheirModule) {
  static_assert(sizeof(Function) == 16);
  static_assert(sizeof(Function::linkage) == 2 &&
                sizeof(Function::ordinal) == 2);
  static_assert(std::is_trivially_copyable_v<Function>);
  auto context = *Context::create(*Instance::create());
  Function function;
  {
    auto module = makeRef<StubModule>(systemAllocator());
    Module *modules[] = {module.get()};
    ASSERT_TRUE(context->registerModules(modules).isOk());
    function = *context->resolveFunction("stub.first");
    EXPECT_EQ(module->refCount(), 2u); // this one and the context's
    EXPECT_EQ(function.module, module.get());
    EXPECT_EQ(function.linkage, Linkage::Export);
  }
  // Alive because the context is, whatever is added to it later.
  auto more = makeRef<StubModule>(systemAllocator());
  Module *modules[] = {more.get()};
  ASSERT_TRUE(context->registerModules(modules).isOk());
  EXPECT_TRUE(context->invoke(function, Arguments()).isOk());
  EXPECT_NE(context->resolveFunction("stub.first")->module, function.module);
}

class CallTest : public DriverTest {
protected:
  Loaded loadArtifact(const fbs::ArtifactT &source) {
    return loadBytes(artifact::write(source));
  }
  static Function asyncOf(const Loaded &loaded) {
    return *loaded.context->resolveFunction(ProgramModule::kAsyncFunction);
  }
  Ref<hal::BufferView> some(size_t n) {
    return floats(*device_, std::vector<float>(n, 1.0f));
  }
};

FUSILLI_ON_CPU_DRIVERS(CallTest);

TEST_P(CallTest, ProgramsHaveTwoEntryPoints) {
  Loaded loaded = loadBytes(addBytes(1));
  EXPECT_EQ(loaded.main.module->name(), "module");
  auto main = loaded.context->resolveFunction("module.main");
  auto async = loaded.context->resolveFunction("module.main$async");
  ASSERT_TRUE(main.isOk() && async.isOk());
  EXPECT_NE(main->ordinal, async->ordinal);
  EXPECT_EQ(loaded.context->resolveFunction("main").code(),
            StatusCode::InvalidArgument);
  for (const char *name :
       {"module.other", "module.", "module.main.x", "other.main", ".main"}) {
    auto function = loaded.context->resolveFunction(name);
    EXPECT_EQ(function.code(), StatusCode::NotFound) << name;
  }
  EXPECT_THAT(
      std::string(
          loaded.context->resolveFunction("module.other").status().message()),
      AllOf(HasSubstr("'module'"), HasSubstr("'other'")));
}

TEST_P(CallTest, ResultListsAreForFunctionsWithResults) {
  Loaded loaded = loadBytes(addBytes(1));
  auto y = some(1);
  auto a = some(1);
  RefObject *arguments[] = {y.get(), a.get(), a.get(), nullptr};
  auto results = *List::create(0);
  EXPECT_TRUE(loaded.context->invoke(loaded.main, arguments, nullptr).isOk());
  EXPECT_TRUE(
      loaded.context->invoke(loaded.main, arguments, results.get()).isOk());
  EXPECT_EQ(results->size(), 0u);
  EXPECT_EQ(valuesOf(*y)[0], 2.0f); // in the caller's own buffer
  Function device = *loaded.context->resolveFunction("hal.devices.default");
  EXPECT_EQ(loaded.context->invoke(device, Arguments(), nullptr).code(),
            StatusCode::InvalidArgument);
  ASSERT_TRUE(
      loaded.context->invoke(device, Arguments(), results.get()).isOk());
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(results->get(0), device_.get());
}

//===-- The signature -----------------------------------------------------===//

TEST_P(CallTest, ListOfManyArgumentsNeverGrows) {
  constexpr uint32_t kInputs = 150;
  fbs::ArtifactT source = artifact::testing::emptyTestArtifact();
  using artifact::testing::makeArg;
  source.args.push_back(
      std::make_unique<fbs::ArgT>(makeArg("y", fbs::ArgKind::Output, 1)));
  for (uint32_t i = 0; i < kInputs; ++i)
    source.args.push_back(std::make_unique<fbs::ArgT>(
        makeArg(strCat("x", 1000 + i), fbs::ArgKind::Input, 1)));
  using artifact::testing::bindArgument;
  artifact::testing::appendDispatch(
      source, artifact::testing::kAddFirst,
      {bindArgument(0, 4), bindArgument(1, 4), bindArgument(kInputs, 4)}, 1,
      FUSILLI_VM_DISPATCH_INLINE);
  artifact::testing::appendReturn(source);
  Loaded loaded = loadArtifact(source);
  const auto &module = static_cast<const ProgramModule &>(*loaded.main.module);
  const size_t count = module.argumentCount();
  EXPECT_EQ(count, 1 + kInputs + 1); // output, inputs, workspace
  std::vector<Ref<hal::BufferView>> views;
  for (uint32_t i = 0; i <= kInputs; ++i)
    views.push_back(floats(*device_, {static_cast<float>(i)}));
  for (bool async : {false, true}) {
    const size_t capacity = count + (async ? 2 : 0);
    CountingAllocator allocator;
    auto list = *List::create(capacity, allocator);
    const uint64_t calls = allocator.counts().calls;
    for (auto &view : views)
      ASSERT_TRUE(list->pushShared(view.get()).isOk());
    while (list->size() < capacity)
      ASSERT_TRUE(list->push(nullptr).isOk());
    EXPECT_EQ(list->capacity(), capacity);
    EXPECT_EQ(allocator.counts().calls, calls);
    Status status = loaded.context->invoke(
        async ? asyncOf(loaded) : loaded.main, *list, nullptr);
    ASSERT_TRUE(status.isOk()) << status.toString();
    ASSERT_TRUE(device_->waitIdle().isOk());
    EXPECT_EQ(list->capacity(), capacity);
    EXPECT_EQ(valuesOf(*views[0])[0], 151.0f);
    std::memset(views[0]->buffer()->hostPointer(), 0, sizeof(float));
  }
}

TEST_P(CallTest, OneMissingAndOneExtraArgumentAreNamed) {
  Loaded loaded = loadBytes(addBytes(1));
  auto v = some(1);
  auto y = some(1);
  const std::vector<RefObject *> good = {y.get(), v.get(), v.get(), nullptr};
  for (bool async : {false, true}) {
    std::vector<RefObject *> arguments = good;
    if (async)
      arguments.insert(arguments.end(), {nullptr, nullptr});
    const size_t right = arguments.size();
    Function function = async ? asyncOf(loaded) : loaded.main;
    arguments.push_back(nullptr);
    for (size_t count : {right - 1, right + 1}) {
      Status status =
          loaded.context->invoke(function, Arguments(arguments).first(count));
      EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr(strCat("with ", count, " arguments")),
                        HasSubstr(strCat("takes ", right))));
    }
    EXPECT_TRUE(
        loaded.context->invoke(function, Arguments(arguments).first(right))
            .isOk());
  }
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(CallTest, NullsAndOtherTypesAreRefusedAtEachPlace) {
  Loaded loaded = loadArtifact(chainArtifact(4, true));
  auto view = some(4);
  auto y = some(4);
  auto buffer = *device_->allocator().allocate({}, 16);
  auto list = *List::create(0);
  const std::vector<RefObject *> good = {y.get(), view.get(), view.get(),
                                         buffer.get()};
  const char *names[] = {"output 'y'", "input 'a'", "input 'b'", "workspace"};
  auto expectRefused = [&](const Function &function, Arguments arguments,
                           const char *name, const char *text) {
    Status status = loaded.context->invoke(function, arguments);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument) << name << text;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(name), HasSubstr(text)));
  };
  for (size_t i = 0; i < 4; ++i) {
    std::vector<RefObject *> bad = good;
    bad[i] = nullptr;
    expectRefused(loaded.main, bad, names[i], "null");
    bad[i] = list.get();
    expectRefused(loaded.main, bad, names[i], "vm.list");
    bad[i] = i < 3 ? static_cast<RefObject *>(buffer.get()) : view.get();
    expectRefused(loaded.main, bad, names[i],
                  i < 3 ? "hal.buffer" : "hal.buffer_view");
  }
  const char *fences[] = {"wait fence", "signal fence"};
  for (size_t i = 0; i < 2; ++i) {
    std::vector<RefObject *> bad = good;
    bad.insert(bad.end(), {nullptr, nullptr}); // null fences are allowed
    bad[4 + i] = list.get();
    expectRefused(asyncOf(loaded), bad, fences[i], "vm.list");
  }
  EXPECT_TRUE(loaded.context->invoke(loaded.main, good).isOk());
}

//===-- Checks of each argument -------------------------------------------===//

/// y and x of one data type, [n]; the program does nothing.
fbs::ArtifactT typedArtifact(uint8_t dataType, int64_t n, uint64_t bytes) {
  fbs::ArtifactT source = artifact::testing::emptyTestArtifact();
  for (const char *name : {"y", "x"}) {
    auto arg = std::make_unique<fbs::ArgT>(artifact::testing::makeArg(
        name, name[0] == 'y' ? fbs::ArgKind::Output : fbs::ArgKind::Input, n));
    arg->dtype = dataType;
    arg->byte_length = bytes;
    source.args.push_back(std::move(arg));
  }
  artifact::testing::appendDispatch(source, artifact::testing::kNop, {}, 1,
                                    FUSILLI_VM_DISPATCH_INLINE);
  artifact::testing::appendReturn(source);
  return source;
}

TEST_P(CallTest, ShapesAndLengthsAreCompared) {
  Loaded loaded = loadArtifact(typedArtifact(3, 6, 24));
  auto good = some(6);
  auto make = [&](std::vector<hal::DeviceSize> dims,
                  hal::EncodingType encoding =
                      hal::EncodingType::DenseRowMajor) {
    auto buffer = *device_->allocator().allocate({}, 64);
    return *hal::BufferView::create(buffer, dims, hal::ElementType::Float32,
                                    encoding);
  };
  struct Case {
    Ref<hal::BufferView> view;
    std::vector<const char *> texts;
  };
  const Case cases[] = {
      {make({}), {"rank 0", "expected 1"}},
      {make({6, 1}), {"rank 2", "expected 1"}},
      {make({5}), {"dim 0 of 5", "expected 6"}},
      {make({7}), {"dim 0 of 7", "expected 6"}},
      {make({0}), {"dim 0 of 0", "expected 6"}},
  };
  for (size_t at : {0, 1})
    for (const Case &c : cases) {
      auto other = some(6);
      RefObject *arguments[] = {good.get(), other.get(), nullptr};
      arguments[at] = c.view.get();
      Status status = loaded.context->invoke(loaded.main, arguments);
      EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
      for (const char *text : c.texts)
        EXPECT_THAT(std::string(status.message()),
                    AllOf(HasSubstr(at == 0 ? "output 'y'" : "input 'x'"),
                          HasSubstr(text)));
    }
  // An opaque encoding stands for any; a longer buffer is as good.
  auto opaque = make({6}, hal::EncodingType::Opaque);
  auto longer = make({6});
  RefObject *fine[] = {opaque.get(), longer.get(), nullptr};
  EXPECT_TRUE(loaded.context->invoke(loaded.main, fine).isOk());
  // The signature may need more bytes than the dense shape has.
  Loaded padded = loadArtifact(typedArtifact(3, 6, 32));
  auto x = make({6});
  RefObject *shorter[] = {good.get(), x.get(), nullptr};
  Status status = padded.context->invoke(padded.main, shorter);
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("output 'y'"), HasSubstr("24 bytes"),
                    HasSubstr("at least 32")));
  EXPECT_TRUE(padded.context->invoke(padded.main, fine).isOk());
}

TEST_P(CallTest, ViewsTakeBuffersOfAnyShapeThatAreLongEnough) {
  fbs::ArtifactT artifact = addArtifact(4, /*runInline=*/true);
  fbs::ArgT &a = *artifact.args[1];
  a.dims = {2, 2}; // strides {3, 1}: 5 elements
  a.strides = {3, 1};
  a.physical_dims = {5};
  a.byte_length = 20;
  Loaded loaded = loadArtifact(artifact);
  auto y = some(4), b = some(4);
  auto call = [&](std::vector<hal::DeviceSize> dims) {
    size_t count = 1;
    for (hal::DeviceSize dim : dims)
      count *= dim;
    auto buffer = some(count);
    auto view =
        *hal::BufferView::create(Ref<hal::Buffer>::share(buffer->buffer()),
                                 dims, hal::ElementType::Float32);
    RefObject *arguments[] = {y.get(), view.get(), b.get(), nullptr};
    return loaded.context->invoke(loaded.main, arguments);
  };
  for (const auto &dims : {std::vector<hal::DeviceSize>{5}, {2, 3}, {40}})
    EXPECT_TRUE(call(dims).isOk());
  Status status = call({2, 2});
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("input 'a'"), HasSubstr("16 bytes"),
                    HasSubstr("at least 20")));
}

TEST_P(CallTest, IntegersOfOneWidthPassForEachOther) {
  using enum hal::ElementType;
  struct Case {
    uint8_t dataType; // fusilli::DataType
    uint64_t bits;
    std::set<hal::ElementType> accepted;
  };
  const Case cases[] = {
      {1, 16, {Float16, Opaque16}},
      {2, 16, {BFloat16, Opaque16}},
      {3, 32, {Float32, Opaque32}},
      {4, 64, {Float64, Opaque64}},
      {5, 8, {Int8, Sint8, Uint8, Bool8, Opaque8}},  // Uint8
      {6, 4, {Int4, Sint4, Uint4}},                  // Int4
      {7, 8, {Int8, Sint8, Uint8, Bool8, Opaque8}},  // Int8
      {8, 16, {Int16, Sint16, Uint16, Opaque16}},    // Int16
      {9, 32, {Int32, Sint32, Uint32, Opaque32}},    // Int32
      {10, 64, {Int64, Sint64, Uint64, Opaque64}},   // Int64
      {11, 8, {Int8, Sint8, Uint8, Bool8, Opaque8}}, // Boolean
      {12, 8, {F8E5M2, Opaque8}},
  };
  const hal::ElementType all[] = {
      Opaque8, Opaque16, Opaque32,  Opaque64,   Bool8,      Int4,
      Sint4,   Uint4,    Int8,      Sint8,      Uint8,      Int16,
      Sint16,  Uint16,   Int32,     Sint32,     Uint32,     Int64,
      Sint64,  Uint64,   Float16,   Float32,    Float64,    BFloat16,
      F8E5M2,  F8E4M3FN, Complex64, F8E5M2FNUZ, F8E4M3FNUZ, F8E8M0FNU};
  auto storage = *device_->allocator().allocate({}, 64);
  auto other = *device_->allocator().allocate({}, 64);
  const hal::DeviceSize dims[] = {4};
  for (const Case &c : cases) {
    Loaded loaded = loadArtifact(typedArtifact(c.dataType, 4, c.bits / 2));
    auto y = *hal::BufferView::create(storage, dims, *c.accepted.begin());
    for (hal::ElementType type : all) {
      auto x = *hal::BufferView::create(other, dims, type);
      RefObject *arguments[] = {y.get(), x.get(), nullptr};
      Status status = loaded.context->invoke(loaded.main, arguments);
      SCOPED_TRACE(strCat(hal::elementTypeName(type), " for data type ",
                          static_cast<int>(c.dataType)));
      if (c.accepted.contains(type)) {
        EXPECT_TRUE(status.isOk()) << status.toString();
        continue;
      }
      EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("input 'x'"),
                        HasSubstr(hal::elementTypeName(type)),
                        HasSubstr("expected")));
    }
  }
}

/// Memory that only the host sees.
class HostOnlyBuffer final : public hal::Buffer {
public:
  HostOnlyBuffer(HostAllocator &allocator, std::byte *memory, uint64_t bytes)
      : Buffer(allocator, {bytes, hal::kMemoryHostLocal, hal::kAccessAll,
                           hal::kUsageDefault, memory,
                           reinterpret_cast<uintptr_t>(memory)}) {}
};

TEST_P(CallTest, MissingRightsAreNamed) {
  Loaded loaded = loadArtifact(chainArtifact(4, true));
  auto y = some(4);
  auto a = some(4);
  auto b = some(4);
  auto workspace = *device_->allocator().allocate({}, 16);
  auto make = [&](uint32_t usage, uint16_t access) {
    hal::BufferParams params;
    params.usage = usage;
    params.access = access;
    return *device_->allocator().allocate(params, 16);
  };
  alignas(64) std::byte memory[16] = {};
  Ref<hal::Buffer> hostOnly =
      makeRef<HostOnlyBuffer>(systemAllocator(), memory, sizeof(memory));
  constexpr uint32_t kTransferRead =
      hal::kUsageTransfer | hal::kUsageStorageRead;
  constexpr uint32_t kTransferWrite =
      hal::kUsageTransfer | hal::kUsageStorageWrite;
  struct Case {
    size_t place;
    const char *name;
    Ref<hal::Buffer> buffer;
    const char *text;
  };
  const Case cases[] = {
      {0, "output 'y'", make(kTransferRead, hal::kAccessAll), "lacks 0x800"},
      {0, "output 'y'", make(hal::kUsageDefault, hal::kAccessRead),
       "lacks 0x2"},
      {0, "output 'y'", hostOnly, "memory type"},
      {1, "input 'a'", make(kTransferWrite, hal::kAccessAll), "lacks 0x400"},
      {1, "input 'a'", make(hal::kUsageDefault, hal::kAccessWrite),
       "lacks 0x1"},
      {2, "input 'b'", hostOnly, "memory type"},
      {3, "workspace", make(kTransferRead, hal::kAccessAll), "lacks 0x800"},
      {3, "workspace", make(hal::kUsageDefault, hal::kAccessRead), "lacks 0x2"},
      {3, "workspace", hostOnly, "memory type"},
  };
  const hal::DeviceSize dims[] = {4};
  for (const Case &c : cases) {
    RefObject *arguments[] = {y.get(), a.get(), b.get(), workspace.get()};
    auto view =
        *hal::BufferView::create(c.buffer, dims, hal::ElementType::Float32);
    arguments[c.place] =
        c.place < 3 ? static_cast<RefObject *>(view.get()) : c.buffer.get();
    Status status = loaded.context->invoke(loaded.main, arguments);
    EXPECT_EQ(status.code(), StatusCode::PermissionDenied) << status.toString();
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(c.name), HasSubstr(c.text)));
  }
  // No more rights than these are needed.
  hal::BufferParams least;
  least.usage = hal::kUsageStorageRead;
  least.access = hal::kAccessRead;
  auto readOnly =
      *hal::BufferView::create(*device_->allocator().allocate(least, 16), dims,
                               hal::ElementType::Float32);
  RefObject *arguments[] = {y.get(), readOnly.get(), readOnly.get(),
                            workspace.get()};
  EXPECT_TRUE(loaded.context->invoke(loaded.main, arguments).isOk());
}

//===-- References --------------------------------------------------------===//

TEST_P(CallTest, GivesEveryReferenceBack) {
  Loaded loaded = loadArtifact(chainArtifact(4, false));
  Loaded failing = loadArtifact([] {
    fbs::ArtifactT source = addArtifact(4, true);
    source.program.clear();
    artifact::testing::appendDispatch(source, artifact::testing::kFail, {}, 1,
                                      FUSILLI_VM_DISPATCH_INLINE);
    artifact::testing::appendReturn(source);
    return source;
  }());
  auto y = some(4);
  auto a = some(4);
  auto b = some(4);
  auto wrong = some(5);
  auto workspace = *device_->allocator().allocate({}, 16);
  auto small = *device_->allocator().allocate({}, 15);
  struct Case {
    Loaded *loaded;
    std::vector<RefObject *> arguments;
    StatusCode code;
  };
  Case cases[] = {
      {&loaded, {y.get(), a.get(), b.get(), workspace.get()}, StatusCode::Ok},
      {&loaded, {y.get(), a.get(), b.get()}, StatusCode::InvalidArgument},
      {&loaded,
       {y.get(), nullptr, b.get(), workspace.get()},
       StatusCode::InvalidArgument},
      {&loaded,
       {y.get(), a.get(), wrong.get(), workspace.get()},
       StatusCode::InvalidArgument},
      {&loaded,
       {y.get(), a.get(), b.get(), small.get()},
       StatusCode::InvalidArgument},
      {&loaded,
       {y.get(), a.get(), y.get(), workspace.get()},
       StatusCode::InvalidArgument},
      {&failing, {y.get(), a.get(), b.get(), nullptr}, StatusCode::Internal},
  };
  auto fence = *hal::Fence::createAt(*hal::Semaphore::create(1), 1);
  RefObject *all[] = {y.get(),         a.get(),     b.get(),    wrong.get(),
                      workspace.get(), small.get(), fence.get()};
  const Alive before;
  for (const Case &c : cases) {
    for (int round = 0; round < 3; ++round) {
      // Borrowed, then owned by a list, then queued.
      EXPECT_EQ(c.loaded->context->invoke(c.loaded->main, c.arguments).code(),
                c.code);
      auto list = List::create(c.arguments.size());
      for (RefObject *argument : c.arguments)
        ASSERT_TRUE((*list)->pushShared(argument).isOk());
      EXPECT_EQ(c.loaded->context->invoke(c.loaded->main, **list).code(),
                c.code);
      list = abortedError("dropped");
      if (c.code == StatusCode::Internal)
        continue; // would poison the queue
      std::vector<RefObject *> queued = c.arguments;
      queued.insert(queued.end(), {fence.get(), nullptr});
      EXPECT_EQ(c.loaded->context->invoke(asyncOf(*c.loaded), queued).code(),
                c.code);
      ASSERT_TRUE(device_->waitIdle().isOk());
    }
    for (RefObject *object : all)
      EXPECT_EQ(object->refCount(), 1u);
  }
  EXPECT_TRUE(Alive() == before);
}

TEST_P(CallTest, BoundCallsHoldTheirArgumentsOnce) {
  Loaded loaded = loadBytes(addBytes(2));
  auto y = some(2);
  auto a = some(2);
  auto b = some(2);
  auto wrong = some(3);
  RefObject *arguments[] = {y.get(), a.get(), a.get(), nullptr};
  const Alive before;
  {
    auto call = *BoundCall::create(loaded.context, loaded.main, arguments);
    EXPECT_EQ(y->refCount(), 2u);
    EXPECT_EQ(a->refCount(), 3u);
    const uint64_t lookups = Context::lookupCount();
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(call->execute().isOk());
    EXPECT_EQ(Context::lookupCount(), lookups);
    EXPECT_EQ(a->refCount(), 3u);
    ASSERT_TRUE(call->setArgument(1, b.get()).isOk());
    EXPECT_EQ(a->refCount(), 2u);
    EXPECT_EQ(b->refCount(), 2u);
    EXPECT_EQ(call->setArgument(1, wrong.get()).code(),
              StatusCode::InvalidArgument);
    EXPECT_EQ(wrong->refCount(), 1u);
    EXPECT_EQ(b->refCount(), 2u);
  }
  for (hal::BufferView *view : {y.get(), a.get(), b.get()})
    EXPECT_EQ(view->refCount(), 1u);
  EXPECT_TRUE(Alive() == before);
}

//===-- Workspace ---------------------------------------------------------===//

TEST_P(CallTest, OneWorkspaceServesSeveralPrograms) {
  const int64_t sizes[] = {100, 7, 64};
  auto workspace = *device_->allocator().allocate({}, 400);
  std::vector<Loaded> programs;
  for (int64_t n : sizes)
    programs.push_back(loadArtifact(chainArtifact(n, n == 64)));
  for (int fill : {0xff, 0x00, 0x7f}) {
    std::memset(workspace->hostPointer(), fill, 400);
    for (size_t i = 0; i < programs.size(); ++i) {
      auto n = static_cast<size_t>(sizes[i]);
      auto y = floats(*device_, std::vector<float>(n, -1.0f));
      auto a = some(n);
      RefObject *arguments[] = {y.get(), a.get(), a.get(), workspace.get()};
      ASSERT_TRUE(
          programs[i].context->invoke(programs[i].main, arguments).isOk());
      std::vector<float> expected(n);
      for (size_t j = 0; j < n; ++j)
        expected[j] = 2.0f + static_cast<float>(j + 1);
      EXPECT_EQ(valuesOf(*y), expected);
    }
  }
}

//===-- Reading what is queued --------------------------------------------===//

TEST_P(CallTest, WaitForBufferWaitsForQueuedWorkOnItsMemory) {
  Loaded loaded = loadBytes(addBytes(4));
  auto y = floats(*device_, {0, 0, 0, 0});
  auto a = some(4);
  auto beside = some(4);
  auto gate = *hal::Semaphore::create();
  auto wait = *hal::Fence::createAt(gate, 1);
  RefObject *arguments[] = {y.get(), a.get(),    a.get(),
                            nullptr, wait.get(), nullptr};
  ASSERT_TRUE(loaded.context->invoke(asyncOf(loaded), arguments).isOk());
  // Not behind the gate: returns at once, else this test would hang.
  EXPECT_TRUE(device_->waitForBuffer(*beside->buffer()).isOk());
  // The same memory under another name.
  hal::ExternalBuffer external;
  external.type = hal::ExternalBufferType::HostAllocation;
  external.handle = y->buffer()->devicePointer() + 12;
  external.size = 4;
  auto alias = *device_->allocator().import({}, external, {});
  std::vector<std::vector<float>> seen(2);
  std::vector<std::thread> readers;
  for (size_t i = 0; i < 2; ++i)
    readers.emplace_back([&, i] {
      hal::Buffer &buffer = i == 0 ? *y->buffer() : *alias;
      EXPECT_TRUE(device_->waitForBuffer(buffer).isOk());
      seen[i] = valuesOf(*y);
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(gate->signal(1).isOk());
  for (std::thread &reader : readers)
    reader.join();
  for (const auto &values : seen)
    EXPECT_EQ(values, (std::vector<float>{2, 2, 2, 2}));
}

} // namespace
} // namespace fusilli::vm
