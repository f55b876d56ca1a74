// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of modules and calls of functions.
#include "runtime/vm/context.h"

#include "support/fault.h"

#include <algorithm>
#include <atomic>

namespace fusilli::vm {

constexpr TypeDescriptor Context::kType{"vm.context", ObjectKind::Context};
constexpr TypeDescriptor Module::kType{"vm.module", ObjectKind::Module};

namespace {

std::atomic<uint64_t> lookups{0};

struct FullName {
  std::string_view module;
  std::string_view function;
};

StatusOr<FullName> splitName(std::string_view fullName) {
  size_t dot = fullName.find('.');
  if (dot == std::string_view::npos)
    return invalidArgumentError(
        strCat("function name '", fullName, "' is not 'module.function'"));
  return FullName{fullName.substr(0, dot), fullName.substr(dot + 1)};
}

} // namespace

StatusOr<Ref<Context>> Context::create(Ref<Instance> instance,
                                       HostAllocator &allocator) {
  if (!instance)
    return invalidArgumentError("context of a null instance");
  auto context = makeRef<Context>(allocator, std::move(instance));
  if (!context)
    return outOfMemoryError("a context");
  return context;
}

Context::~Context() {
  while (moduleCount_ > 0)
    dropLast();
}

void Context::dropLast() noexcept {
  Entry &entry = modules_[--moduleCount_];
  if (entry.initialized)
    entry.module->deinitialize(entry.state.get());
  entry.state.reset();
  entry.module.reset();
  entry.initialized = false;
}

Status Context::reserve(size_t count) {
  if (count <= modules_.size())
    return okStatus();
  HostArray<Entry> larger;
  if (!larger.allocate(hostAllocator(), std::max(count, 2 * modules_.size())))
    return outOfMemoryError("the modules of a context");
  std::move(modules_.begin(), modules_.end(), larger.begin());
  modules_ = std::move(larger);
  return okStatus();
}

Status Context::registerModules(std::span<Module *const> modules) {
  if (frozen_)
    return failedPreconditionError("modules registered in a frozen context");
  for (Module *module : modules)
    if (module == nullptr)
      return invalidArgumentError("registration of a null module");
  FUSILLI_STATUS_RETURN_IF_ERROR(reserve(moduleCount_ + modules.size()));
  size_t before = moduleCount_;
  for (Module *module : modules) {
    Status status = registerModule(module);
    if (status.isOk())
      continue;
    while (moduleCount_ > before)
      dropLast();
    return std::move(status).annotate(strCat("module '", module->name(), "'"));
  }
  return okStatus();
}

Status Context::registerModule(Module *module) {
  Entry &entry = modules_[moduleCount_++];
  entry.module = Ref<Module>::share(module);
  FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::ModuleState));
  FUSILLI_STATUS_ASSIGN(entry.state, module->createState(hostAllocator()));
  for (const ModuleDependency &dependency : module->dependencies()) {
    const Entry *found = findModule(dependency.name);
    bool missing = found == nullptr || found == &entry;
    if (missing && dependency.required)
      return notFoundError(
          strCat("needs module '", dependency.name, "', which is missing"));
    if (!missing && found->module->version() < dependency.minimumVersion)
      return notFoundError(strCat("needs module '", dependency.name,
                                  "' of version ", dependency.minimumVersion,
                                  ", it has ", found->module->version()));
  }
  FUSILLI_STATUS_RETURN_IF_ERROR(resolveImports(entry));
  FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::ModuleInit));
  FUSILLI_STATUS_RETURN_IF_ERROR(module->initialize(entry.state.get()));
  entry.initialized = true;
  return okStatus();
}

Status Context::resolveImports(Entry &entry) {
  std::span<const FunctionImport> imports = entry.module->imports();
  for (size_t i = 0; i < imports.size(); ++i) {
    const FunctionImport &import = imports[i];
    FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::ImportResolution));
    auto function = resolveFunction(import.fullName);
    if (!function.isOk()) {
      if (import.required || function.code() != StatusCode::NotFound)
        return std::move(function).status();
      FUSILLI_STATUS_RETURN_IF_ERROR(entry.module->resolveImport(
          entry.state.get(), i, Function(), nullptr));
      continue;
    }
    std::string_view convention =
        function->module->exports()[function->ordinal].convention;
    if (convention != import.convention)
      return internalError(strCat("import '", import.fullName, "' has '",
                                  import.convention, "', the function has '",
                                  convention, "'"));
    FUSILLI_STATUS_RETURN_IF_ERROR(entry.module->resolveImport(
        entry.state.get(), i, *function, state(function->module)));
  }
  return okStatus();
}

const Context::Entry *
Context::findModule(std::string_view name) const noexcept {
  lookups.fetch_add(1, std::memory_order_relaxed);
  // Newest first.
  for (size_t i = moduleCount_; i-- > 0;)
    if (modules_[i].module->name() == name)
      return &modules_[i];
  return nullptr;
}

StatusOr<Function> Context::resolveFunction(std::string_view fullName) const {
  FUSILLI_STATUS_ASSIGN(FullName name, splitName(fullName));
  const Entry *entry = findModule(name.module);
  if (entry == nullptr)
    return notFoundError(
        strCat("no module '", name.module, "' for function '", fullName, "'"));
  std::span<const FunctionExport> exports = entry->module->exports();
  for (size_t i = 0; i < exports.size(); ++i)
    if (exports[i].name == name.function)
      return Function{entry->module.get(), Linkage::Export,
                      static_cast<uint16_t>(i)};
  return notFoundError(strCat("module '", name.module, "' has no function '",
                              name.function, "'"));
}

ModuleState *Context::state(const Module *module) const noexcept {
  for (size_t i = moduleCount_; i-- > 0;)
    if (modules_[i].module.get() == module)
      return modules_[i].state.get();
  return nullptr;
}

Status Context::invoke(const Function &function, Arguments arguments,
                       List *results) const {
  for (size_t i = moduleCount_; i-- > 0;)
    if (modules_[i].module.get() == function.module) [[likely]]
      return function.module->call(modules_[i].state.get(), function.ordinal,
                                   arguments, results);
  return invalidArgumentError("call of a function of another context");
}

uint64_t Context::lookupCount() noexcept {
  return lookups.load(std::memory_order_relaxed);
}

} // namespace fusilli::vm
