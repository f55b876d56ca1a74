// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Module: a set of functions with per-context state. Native modules and
// compiled programs are the same to a context.
#ifndef RUNTIME_VM_MODULE_H
#define RUNTIME_VM_MODULE_H

#include "runtime/vm/list.h"
#include "support/ref.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace fusilli::vm {

class Context;
class Instance;
class Module;

enum class Linkage : uint16_t { Internal = 0, Import = 1, Export = 2 };

/// A resolved function. Borrows the module: valid for the life of the context
/// that resolved it.
struct Function {
  Module *module = nullptr;
  Linkage linkage = Linkage::Internal;
  uint16_t ordinal = 0;

  explicit operator bool() const noexcept { return module != nullptr; }
};
static_assert(sizeof(Function) <= 16);

/// A module that must be there before this one.
struct ModuleDependency {
  std::string_view name;
  uint32_t minimumVersion = 0;
  bool required = true;
};

/// A function that this module calls. `convention` is compared with the
/// export's, character for character.
struct FunctionImport {
  std::string_view fullName; ///< "module.function"
  std::string_view convention;
  bool required = true;
};

struct FunctionExport {
  std::string_view name;
  std::string_view convention; ///< "r.r": argument and result kinds
};

/// What a module keeps for one context. Destroyed by the context.
class ModuleState {
public:
  virtual ~ModuleState() = default;
};

/// Frees a state that was made in memory of a host allocator.
struct ModuleStateDeleter {
  HostAllocator *allocator = nullptr;
  void operator()(ModuleState *state) const noexcept {
    state->~ModuleState();
    allocator->deallocate(state, alignof(std::max_align_t));
  }
};
using ModuleStatePtr = std::unique_ptr<ModuleState, ModuleStateDeleter>;

/// Arguments of one call, borrowed: outputs by name, inputs by name, the
/// workspace buffer or null.
using Arguments = std::span<RefObject *const>;

/// Thread safety: immutable after creation; state is per context. `call` may
/// run on several threads at once.
class Module : public RefObject {
public:
  static const TypeDescriptor kType;

  virtual std::string_view name() const noexcept = 0;
  virtual uint32_t version() const noexcept { return 0; }
  virtual std::span<const ModuleDependency> dependencies() const noexcept {
    return {};
  }
  virtual std::span<const FunctionImport> imports() const noexcept {
    return {};
  }
  virtual std::span<const FunctionExport> exports() const noexcept {
    return {};
  }
  /// Value of a string attribute of an exported function; empty when unset.
  virtual std::string_view functionAttribute(uint16_t ordinal,
                                             std::string_view key) const {
    return {};
  }

  /// Makes the state of one context; null is allowed for stateless modules.
  virtual StatusOr<ModuleStatePtr> createState(HostAllocator &allocator) = 0;
  /// Hands over import `index`; `function` is null for a missing optional one.
  virtual Status resolveImport(ModuleState *state, size_t index,
                               const Function &function,
                               ModuleState *functionState) {
    return okStatus();
  }
  /// Runs once after all imports are there.
  virtual Status initialize(ModuleState *state) { return okStatus(); }
  /// Runs when the context drops the module; errors have nowhere to go.
  virtual void deinitialize(ModuleState *state) noexcept {}

  /// Runs an exported function and returns when it is complete. Checks all
  /// arguments. `results` may be null when the function has none.
  virtual Status call(ModuleState *state, uint16_t ordinal, Arguments arguments,
                      List *results) = 0;

protected:
  explicit Module(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULE_H
