// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Context: modules that run together. Registers modules, resolves functions
// once, and calls them.
#ifndef RUNTIME_VM_CONTEXT_H
#define RUNTIME_VM_CONTEXT_H

#include "runtime/vm/instance.h"
#include "runtime/vm/module.h"

#include <span>
#include <string_view>

namespace fusilli::vm {

/// Retains the instance and its modules.
/// Thread safety: registration and freezing externally synchronised; lookup
/// and invoke thread-safe after that, also of the same function at once.
class Context final : public RefObject {
public:
  static const TypeDescriptor kType;

  /// An empty, growable context.
  static StatusOr<Ref<Context>>
  create(Ref<Instance> instance, HostAllocator &allocator = systemAllocator());

  /// Adds modules in order. On failure what this call added is undone in
  /// reverse, and the context keeps working with its previous modules.
  /// InvalidArgument: null module; FailedPrecondition: frozen; NotFound: a
  /// required module or function is missing or too old; Internal: the calling
  /// conventions differ; or what a module's initialisation gave.
  Status registerModules(std::span<Module *const> modules);
  /// No more modules can be registered.
  void freeze() noexcept { frozen_ = true; }
  size_t moduleCount() const noexcept { return moduleCount_; }
  Instance &instance() const noexcept { return *instance_; }

  /// "module.function". InvalidArgument without a dot; NotFound names what is
  /// missing. Counted, so that a test can prove that execution looks up
  /// nothing.
  StatusOr<Function> resolveFunction(std::string_view fullName) const;

  /// The fast form: borrows everything, allocates nothing, looks up nothing
  /// but the module's state.
  Status invoke(const Function &function, Arguments arguments,
                List *results = nullptr) const;
  /// The general form.
  Status invoke(const Function &function, const List &arguments,
                List *results = nullptr) const {
    return invoke(function, arguments.borrow(), results);
  }

  /// The state of a module of this context; null when it has none or is not
  /// registered. For modules and for `ProgramModule::bind`.
  ModuleState *state(const Module *module) const noexcept;

  /// Function and module lookups by name in this process so far.
  static uint64_t lookupCount() noexcept;

  Context(HostAllocator &allocator, Ref<Instance> instance) noexcept
      : RefObject(kType, allocator), instance_(std::move(instance)) {}

private:
  struct Entry {
    Ref<Module> module;
    ModuleStatePtr state;
    bool initialized = false;
  };
  ~Context() override;
  Status registerModule(Module *module);
  Status resolveImports(Entry &entry);
  Status reserve(size_t count);
  void dropLast() noexcept;
  const Entry *findModule(std::string_view name) const noexcept;

  const Ref<Instance> instance_;
  HostArray<Entry> modules_;
  size_t moduleCount_ = 0;
  bool frozen_ = false;
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_CONTEXT_H
