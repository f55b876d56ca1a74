// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loaded artifact: module, context and resolved entry point, made together
// and dropped together, so that a context is never paired with the function of
// another one. Everything that can be done once is done here; `invoke` looks
// nothing up and allocates nothing.
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include "runtime/hal/device.h"
#include "runtime/vm/context.h"
#include "runtime/vm/modules/program_module.h"

#include <cstdint>
#include <memory>
#include <span>

namespace fusilli::engine {

/// Thread safety: immutable; `invoke` may run on several threads at once.
class Program {
public:
  /// Verifies and loads. The bytes are copied. Errors are those of
  /// ProgramModule::create and Context::registerModules, and Incompatible for
  /// an artifact of another backend than `backend` ("CPU").
  static StatusOr<std::unique_ptr<Program>> load(Ref<vm::Instance> instance,
                                                 Ref<hal::DeviceGroup> devices,
                                                 std::span<const uint8_t> bytes,
                                                 std::string_view backend);

  /// Outputs by name, then inputs by name.
  std::span<const vm::ProgramArg> args() const { return module_->args(); }
  const fbs::Artifact &artifact() const { return module_->artifact(); }
  /// Bytes; 0 when they depend on the extents of a call.
  uint64_t workspaceSize() const { return workspaceSize_; }
  bool hasSymbolicWorkspace() const { return module_->hasSymbolicWorkspace(); }
  /// Bytes for the extents of `arguments`, as for invoke; the workspace among
  /// them is not looked at.
  StatusOr<uint64_t> workspaceSize(vm::Arguments arguments) const {
    return module_->workspaceSize(context_->state(module_.get()), arguments);
  }
  /// What is computed from constants once: the bytes that takes, those that are
  /// held now, and letting go of them; see ProgramModule.
  uint64_t preparedSize() const { return module_->preparedSize(); }
  uint64_t preparedBytes() const {
    return module_->preparedBytes(*context_->state(module_.get()));
  }
  uint64_t releasePrepared() const {
    return module_->releasePrepared(*context_->state(module_.get()));
  }

  /// Buffer views in the order of args(), then the workspace buffer or null.
  /// Blocking.
  Status invoke(vm::Arguments arguments) const {
    return context_->invoke(function_, arguments);
  }

  /// Two more arguments: the wait and the signal fence, or null. Returns when
  /// the work is queued.
  Status invokeAsync(vm::Arguments arguments) const {
    return context_->invoke(asyncFunction_, arguments);
  }
  /// Runs the prepare program and the program, dispatch by dispatch, and gives
  /// the time of each in microseconds, in order.
  Status profile(vm::Arguments arguments, std::vector<double> &times) const {
    return module_->profile(*context_->state(module_.get()), arguments, times);
  }
  /// A call with its arguments checked and bound once.
  StatusOr<Ref<vm::BoundCall>> bind(vm::Arguments arguments) const {
    return vm::BoundCall::create(context_, function_, arguments);
  }

private:
  Program() = default;

  Ref<vm::ProgramModule> module_;
  Ref<vm::Context> context_;
  vm::Function function_;      // of context_
  vm::Function asyncFunction_; // of context_
  uint64_t workspaceSize_ = 0;
};

} // namespace fusilli::engine

#endif // ENGINE_PROGRAM_H
