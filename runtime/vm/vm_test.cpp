// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instance, list, context: registration rules, unwinding, lifetimes.
#include "runtime/vm/context.h"
#include "runtime/vm/instance.h"
#include "runtime/vm/list.h"
#include "support/fault.h"

#include <array>
#include <gmock/gmock.h>
#include <thread>

namespace fusilli::vm {
namespace {

using ::testing::HasSubstr;

constexpr TypeDescriptor kTypeA{"test.a", ObjectKind::Other};
constexpr TypeDescriptor kTypeB{"test.b", ObjectKind::Other};
constexpr TypeDescriptor kTypeC{"test.c", ObjectKind::Other};
constexpr TypeDescriptor kOtherA{"test.a", ObjectKind::Other};

TEST(InstanceTest, BuiltInTypesAreThere) {
  auto instance = *Instance::create();
  EXPECT_EQ(instance->lookupType("vm.list"), &List::kType);
  EXPECT_NE(instance->lookupType("vm.buffer"), nullptr);
  EXPECT_EQ(instance->lookupType("vm.unknown"), nullptr);
}

TEST(InstanceTest, StartsWithOneReferenceAndRoomForThirtyTwoTypes) {
  auto instance = *Instance::create();
  EXPECT_EQ(instance->refCount(), 1u);
  std::array<std::string, 40> names;
  std::array<TypeDescriptor, 40> types;
  for (size_t i = 0; i < types.size(); ++i) {
    names[i] = strCat("test.", i);
    types[i] = {names[i].c_str(), ObjectKind::Other};
  }
  size_t builtIn = instance->typeCount();
  size_t added = 0;
  while (added < types.size() && instance->registerType(&types[added]).isOk())
    ++added;
  EXPECT_EQ(builtIn + added, 32u);
  EXPECT_EQ(instance->registerType(&types[added]).code(),
            StatusCode::ResourceExhausted);
  // Still usable.
  EXPECT_EQ(instance->lookupType("test.0"), &types[0]);
  EXPECT_EQ(instance->lookupType(names[added]), nullptr);
  EXPECT_TRUE(instance->registerType(&types[1]).isOk());
  EXPECT_TRUE(instance->unregisterType(&types[0]).isOk());
  EXPECT_TRUE(instance->registerType(&types[added]).isOk());
  EXPECT_EQ(instance->lookupType(names[added]), &types[added]);
}

TEST(InstanceTest, RemovalKeepsTheOthers) {
  auto instance = *Instance::create();
  for (const TypeDescriptor *type : {&kTypeA, &kTypeB, &kTypeC})
    ASSERT_TRUE(instance->registerType(type).isOk());
  ASSERT_TRUE(instance->unregisterType(&kTypeB).isOk());
  EXPECT_EQ(instance->lookupType("test.a"), &kTypeA);
  EXPECT_EQ(instance->lookupType("test.b"), nullptr);
  EXPECT_EQ(instance->lookupType("test.c"), &kTypeC);
  EXPECT_EQ(instance->unregisterType(&kTypeB).code(), StatusCode::NotFound);
}

TEST(InstanceTest, RegistrationsAreCounted) {
  auto instance = *Instance::create();
  ASSERT_TRUE(instance->registerType(&kTypeA).isOk());
  ASSERT_TRUE(instance->registerType(&kTypeA).isOk());
  EXPECT_EQ(instance->registerType(&kOtherA).code(),
            StatusCode::InvalidArgument);
  ASSERT_TRUE(instance->unregisterType(&kTypeA).isOk());
  EXPECT_EQ(instance->lookupType("test.a"), &kTypeA);
  ASSERT_TRUE(instance->unregisterType(&kTypeA).isOk());
  EXPECT_EQ(instance->lookupType("test.a"), nullptr);
}

TEST(InstanceTest, FullTableIsAnError) {
  auto instance = *Instance::create(4);
  ASSERT_TRUE(instance->registerType(&kTypeA).isOk());
  ASSERT_TRUE(instance->registerType(&kTypeB).isOk());
  EXPECT_EQ(instance->registerType(&kTypeC).code(),
            StatusCode::ResourceExhausted);
  ASSERT_TRUE(instance->unregisterType(&kTypeA).isOk());
  EXPECT_TRUE(instance->registerType(&kTypeC).isOk());
}

TEST(InstanceTest, DescriptorsAreChecked) {
  auto instance = *Instance::create();
  alignas(8) char memory[2 * sizeof(TypeDescriptor)] = {};
  EXPECT_EQ(
      instance
          ->registerType(reinterpret_cast<const TypeDescriptor *>(memory + 4))
          .code(),
      StatusCode::InvalidArgument);
  EXPECT_EQ(instance->registerType(nullptr).code(),
            StatusCode::InvalidArgument);
}

TEST(InstanceTest, SharedOneIsMadeOnceAndDiesWithItsOwners) {
  int64_t created = createdObjects(ObjectKind::Instance);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::thread> threads;
    std::vector<Ref<Instance>> owners(32);
    std::atomic<int> waiting{32};
    for (size_t t = 0; t < owners.size(); ++t)
      threads.emplace_back([&, t] {
        --waiting;
        while (waiting.load() > 0)
          std::this_thread::yield();
        owners[t] = *Instance::shared();
      });
    for (auto &thread : threads)
      thread.join();
    EXPECT_EQ(createdObjects(ObjectKind::Instance), created + round + 1);
    for (const auto &owner : owners)
      EXPECT_EQ(owner.get(), owners[0].get());
    EXPECT_EQ(liveObjects(ObjectKind::Instance), 1);
    owners.clear();
    EXPECT_EQ(liveObjects(ObjectKind::Instance), 0);
  }
}

TEST(InstanceTest, FailedInitialisationReleasesTheShared) {
  auto fail = [](Instance &) { return internalError("no types"); };
  EXPECT_EQ(Instance::shared(fail).code(), StatusCode::Internal);
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 0);
  auto good = Instance::shared();
  ASSERT_TRUE(good.isOk());
  EXPECT_EQ(Instance::shared(fail)->get(), good->get());
}

TEST(InstanceTest, CreateAndDestroyStorm) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) {
        auto instance = Instance::shared();
        EXPECT_TRUE(instance.isOk());
        EXPECT_TRUE((*instance)->registerType(&kTypeA).isOk());
        EXPECT_EQ((*instance)->lookupType("test.a"), &kTypeA);
        EXPECT_TRUE((*instance)->unregisterType(&kTypeA).isOk());
      }
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 0);
}

TEST(ListTest, PushTakesOwnershipEvenOnFailure) {
  CountingAllocator allocator;
  auto object = *List::create(0);
  auto list = *List::create(1, allocator);
  ASSERT_TRUE(list->pushShared(object.get()).isOk());
  EXPECT_EQ(object->refCount(), 2u);
  allocator.failNth(1);
  EXPECT_EQ(list->pushShared(object.get()).code(),
            StatusCode::ResourceExhausted);
  EXPECT_EQ(object->refCount(), 2u);
  EXPECT_EQ(list->size(), 1u);
  ASSERT_TRUE(list->push(nullptr).isOk());
  EXPECT_EQ(list->get(1), nullptr);
  EXPECT_EQ(list->get(2), nullptr);
  EXPECT_EQ(list->set(2, nullptr).code(), StatusCode::OutOfRange);
  EXPECT_EQ(list->borrow()[0], object.get());
  list->clear();
  EXPECT_EQ(object->refCount(), 1u);
}

/// What a test asks of a module.
struct ModuleSpec {
  std::string_view name = "m";
  uint32_t version = 1;
  std::vector<ModuleDependency> dependencies = {};
  std::vector<FunctionImport> imports = {};
  StatusCode state = StatusCode::Ok;
  StatusCode initialize = StatusCode::Ok;
  std::vector<std::string> *log = nullptr;
};

class SpecState final : public ModuleState {
public:
  std::vector<Function> imported;
};

class SpecModule final : public Module {
public:
  SpecModule(HostAllocator &allocator, ModuleSpec spec)
      : Module(allocator), spec_(std::move(spec)) {}

  std::string_view name() const noexcept override { return spec_.name; }
  uint32_t version() const noexcept override { return spec_.version; }
  std::span<const ModuleDependency> dependencies() const noexcept override {
    return spec_.dependencies;
  }
  std::span<const FunctionImport> imports() const noexcept override {
    return spec_.imports;
  }
  std::span<const FunctionExport> exports() const noexcept override {
    static constexpr std::array exports = {FunctionExport{"f", "v.v"},
                                           FunctionExport{"g", "r.v"}};
    return exports;
  }
  StatusOr<ModuleStatePtr> createState(HostAllocator &allocator) override {
    if (spec_.state != StatusCode::Ok)
      return Status::make(spec_.state, "state");
    void *memory =
        allocator.allocate(sizeof(SpecState), alignof(std::max_align_t));
    if (memory == nullptr)
      return outOfMemoryError("state");
    return ModuleStatePtr(new (memory) SpecState(),
                          ModuleStateDeleter{&allocator});
  }
  Status resolveImport(ModuleState *state, size_t, const Function &function,
                       ModuleState *) override {
    static_cast<SpecState *>(state)->imported.push_back(function);
    return okStatus();
  }
  Status initialize(ModuleState *) override {
    log("init");
    return spec_.initialize == StatusCode::Ok
               ? okStatus()
               : Status::make(spec_.initialize, "init");
  }
  void deinitialize(ModuleState *) noexcept override { log("deinit"); }
  Status call(ModuleState *, uint16_t ordinal, Arguments, List *) override {
    return ordinal == 0 ? okStatus() : unimplementedError("g");
  }

private:
  void log(const char *what) {
    if (spec_.log != nullptr)
      spec_.log->push_back(strCat(spec_.name, " ", what));
  }
  ModuleSpec spec_;
};

Ref<Module> makeModule(ModuleSpec spec) {
  return makeRef<SpecModule>(systemAllocator(), std::move(spec));
}

class ContextTest : public ::testing::Test {
protected:
  void SetUp() override { context_ = *Context::create(*Instance::create()); }
  void TearDown() override {
    context_.reset();
    EXPECT_EQ(liveObjects(ObjectKind::Module), 0);
    EXPECT_EQ(liveObjects(ObjectKind::Context), 0);
    EXPECT_EQ(liveObjects(ObjectKind::Instance), 0);
  }
  Status add(ModuleSpec spec) {
    Ref<Module> module = makeModule(std::move(spec));
    Module *modules[] = {module.get()};
    Status status = context_->registerModules(modules);
    EXPECT_EQ(module->refCount(), status.isOk() ? 2u : 1u);
    return status;
  }
  Ref<Context> context_;
};

TEST_F(ContextTest, NullAndFrozen) {
  Module *null[] = {nullptr};
  EXPECT_EQ(context_->registerModules(null).code(),
            StatusCode::InvalidArgument);
  context_->freeze();
  EXPECT_EQ(add({}).code(), StatusCode::FailedPrecondition);
  EXPECT_EQ(Context::create(nullptr).code(), StatusCode::InvalidArgument);
}

TEST_F(ContextTest, Dependencies) {
  EXPECT_EQ(add({.name = "a", .dependencies = {{"base", 2, true}}}).code(),
            StatusCode::NotFound);
  EXPECT_TRUE(add({.name = "b", .dependencies = {{"base", 2, false}}}).isOk());
  EXPECT_TRUE(add({.name = "base", .version = 1}).isOk());
  Status old = add({.name = "c", .dependencies = {{"base", 2, true}}});
  EXPECT_EQ(old.code(), StatusCode::NotFound);
  EXPECT_THAT(std::string(old.message()), HasSubstr("version 2"));
  EXPECT_TRUE(add({.name = "base", .version = 2}).isOk());
  EXPECT_TRUE(add({.name = "c", .dependencies = {{"base", 2, true}}}).isOk());
  EXPECT_EQ(context_->moduleCount(), 4u);
}

TEST_F(ContextTest, Imports) {
  EXPECT_EQ(add({.name = "a", .imports = {{"base.f", "v.v", true}}}).code(),
            StatusCode::NotFound);
  EXPECT_TRUE(add({.name = "a", .imports = {{"base.f", "v.v", false}}}).isOk());
  ASSERT_TRUE(add({.name = "base"}).isOk());
  EXPECT_TRUE(add({.name = "b", .imports = {{"base.f", "v.v", true}}}).isOk());
  EXPECT_EQ(add({.name = "c", .imports = {{"base.f", "r.v", true}}}).code(),
            StatusCode::Internal);
  EXPECT_EQ(add({.name = "d", .imports = {{"base.h", "v.v", true}}}).code(),
            StatusCode::NotFound);
  EXPECT_EQ(add({.name = "e", .imports = {{"nodot", "v.v", false}}}).code(),
            StatusCode::InvalidArgument);
}

TEST_F(ContextTest, StartsEmptyAndGrows) {
  EXPECT_EQ(context_->moduleCount(), 0u);
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i)
    names.push_back(strCat("m", i));
  for (const std::string &name : names)
    ASSERT_TRUE(add({.name = name}).isOk());
  EXPECT_EQ(context_->moduleCount(), 50u);
  for (const std::string &name : names)
    EXPECT_TRUE(
        context_->invoke(*context_->resolveFunction(name + ".f"), Arguments())
            .isOk());
}

// State, dependencies, imports, initialisation: of a module that fails in all
// of them the first is told, and so on as they are put right.
TEST_F(ContextTest, StepsOfARegistrationComeInOrder) {
  ModuleSpec spec = {.name = "a",
                     .dependencies = {{"base", 1, true}},
                     .imports = {{"base.f", "wrong", true}},
                     .state = StatusCode::DataLoss,
                     .initialize = StatusCode::Aborted};
  EXPECT_EQ(add(spec).code(), StatusCode::DataLoss);
  spec.state = StatusCode::Ok;
  EXPECT_EQ(add(spec).code(), StatusCode::NotFound);
  ASSERT_TRUE(add({.name = "base"}).isOk());
  EXPECT_EQ(add(spec).code(), StatusCode::Internal);
  spec.imports[0].convention = "v.v";
  EXPECT_EQ(add(spec).code(), StatusCode::Aborted);
  spec.initialize = StatusCode::Ok;
  EXPECT_TRUE(add(spec).isOk());
  EXPECT_EQ(context_->moduleCount(), 2u);
}

TEST_F(ContextTest, ImportsBindToTheNewestModuleOrToNothing) {
  Ref<Module> older = makeModule({.name = "base"});
  Ref<Module> newer = makeModule({.name = "base"});
  Ref<Module> user = makeModule(
      {.name = "user",
       .imports = {{"base.f", "v.v", true}, {"base.h", "v.v", false}}});
  auto imported = [&] {
    return static_cast<SpecState *>(context_->state(user.get()))->imported;
  };
  Module *first[] = {older.get(), newer.get(), user.get()};
  ASSERT_TRUE(context_->registerModules(first).isOk());
  ASSERT_EQ(imported().size(), 2u);
  EXPECT_EQ(imported()[0].module, newer.get());
  EXPECT_EQ(imported()[0].ordinal, 0);
  EXPECT_FALSE(imported()[1]) << "missing, but optional";
}

TEST_F(ContextTest, FailedBatchUnwindsInReverse) {
  std::vector<std::string> log;
  ASSERT_TRUE(add({.name = "a", .log = &log}).isOk());
  Function before = *context_->resolveFunction("a.f");
  Ref<Module> b = makeModule({.name = "b", .log = &log});
  Ref<Module> c = makeModule({.name = "c", .log = &log});
  Ref<Module> bad = makeModule(
      {.name = "bad", .initialize = StatusCode::DataLoss, .log = &log});
  Module *batch[] = {b.get(), c.get(), bad.get()};
  Status status = context_->registerModules(batch);
  EXPECT_EQ(status.code(), StatusCode::DataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'bad'"));
  EXPECT_THAT(log, ::testing::ElementsAre("a init", "b init", "c init",
                                          "bad init", "c deinit", "b deinit"));
  EXPECT_EQ(context_->moduleCount(), 1u);
  EXPECT_EQ(b->refCount(), 1u);
  EXPECT_TRUE(context_->invoke(before, Arguments()).isOk());
  context_.reset();
  EXPECT_EQ(log.back(), "a deinit");
}

TEST_F(ContextTest, EveryFaultIsUnwound) {
  ASSERT_TRUE(add({.name = "base"}).isOk());
  for (FaultPoint point :
       {FaultPoint::ModuleState, FaultPoint::ImportResolution,
        FaultPoint::ModuleInit}) {
    armFault(point);
    EXPECT_EQ(add({.name = "a", .imports = {{"base.f", "v.v", true}}}).code(),
              StatusCode::Internal);
    EXPECT_EQ(context_->moduleCount(), 1u);
  }
  EXPECT_EQ(add({.name = "s", .state = StatusCode::ResourceExhausted}).code(),
            StatusCode::ResourceExhausted);
}

TEST_F(ContextTest, NamesOfFunctions) {
  ASSERT_TRUE(add({.name = "m"}).isOk());
  EXPECT_EQ(context_->resolveFunction("f").code(), StatusCode::InvalidArgument);
  EXPECT_EQ(context_->resolveFunction("x.f").code(), StatusCode::NotFound);
  EXPECT_EQ(context_->resolveFunction("m.x").code(), StatusCode::NotFound);
  auto function = context_->resolveFunction("m.g");
  ASSERT_TRUE(function.isOk());
  EXPECT_EQ(function->ordinal, 1);
  EXPECT_EQ(context_->invoke(*function, Arguments()).code(),
            StatusCode::Unimplemented);
  EXPECT_EQ(context_->invoke(Function(), Arguments()).code(),
            StatusCode::InvalidArgument);
}

TEST_F(ContextTest, NewestModuleOfANameWins) {
  ASSERT_TRUE(add({.name = "m"}).isOk());
  Module *old = context_->resolveFunction("m.f")->module;
  ASSERT_TRUE(add({.name = "m"}).isOk());
  EXPECT_NE(context_->resolveFunction("m.f")->module, old);
}

TEST_F(ContextTest, KeepsTheInstanceAlive) {
  Ref<Instance> instance = *Instance::create();
  auto context = *Context::create(instance);
  instance.reset();
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 2);
  context.reset();
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 1);
}

} // namespace
} // namespace fusilli::vm
