// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Module "module": a compiled program. Creation verifies the artifact; the
// state of a context holds the executable and the command buffer into which
// the static host program was evaluated. A call checks its arguments, binds
// them and submits: no allocation, no lookup, no lock when the work is inline.
#ifndef RUNTIME_VM_MODULES_PROGRAM_MODULE_H
#define RUNTIME_VM_MODULES_PROGRAM_MODULE_H

#include "artifact/program.h"
#include "artifact/reader.h"
#include "runtime/hal/buffer_view.h"
#include "runtime/hal/device.h"
#include "runtime/vm/context.h"
#include "runtime/vm/instance.h"
#include "runtime/vm/module.h"

#include <span>

namespace fusilli::vm {

class ProgramState;

/// One argument as the signature has it. Strings and arrays point into the
/// artifact.
struct ProgramArg {
  std::string_view name;
  bool isOutput = false;
  hal::ElementType elementType = hal::ElementType::None;
  std::span<const int64_t> dims; ///< physical
  uint64_t byteLength = 0;
  std::span<const uint32_t> inplaceInputs; ///< argument numbers
};

class BoundCall;

/// How a program runs. Both give the same results.
enum class ProgramMode : uint8_t {
  /// Evaluated once, at load, into a reusable command buffer.
  Recorded,
  /// Read word by word in every call, into a one-shot command buffer. For
  /// programs with decisions at run time; allocates.
  Interpreted,
};

/// The HAL's element type for a fusilli::DataType number; None when unknown.
hal::ElementType elementTypeOfDataType(uint8_t dataType);

/// Thread safety: immutable.
class ProgramModule final : public Module {
public:
  /// The entry point: arguments are outputs by name, inputs by name (buffer
  /// views), and the workspace (a buffer, or null when none is needed).
  static constexpr std::string_view kMainFunction = "module.main";
  /// The same, queued: two more arguments, the wait and the signal fence (each
  /// may be null). Returns when the work is queued; everything that it uses is
  /// kept alive until the signal. Failures travel on the signal fence.
  static constexpr std::string_view kAsyncFunction = "module.main$async";

  /// Borrowed: `bytes` outlive the module, unless `copy`. Errors: those of
  /// Reader::open; Unavailable for a target this machine is not.
  static StatusOr<Ref<Module>>
  create(Ref<Instance> instance, std::span<const uint8_t> bytes,
         bool copy = true, HostAllocator &allocator = systemAllocator(),
         ProgramMode mode = ProgramMode::Recorded);

  const fbs::Artifact &artifact() const noexcept { return reader_.artifact(); }
  std::span<const ProgramArg> args() const noexcept { return args_.span(); }
  uint64_t workspaceSize() const noexcept;
  /// args() + 1, for the workspace.
  size_t argumentCount() const noexcept { return args_.size() + 1; }

  std::string_view name() const noexcept override { return "module"; }
  std::span<const ModuleDependency> dependencies() const noexcept override;
  std::span<const FunctionImport> imports() const noexcept override;
  std::span<const FunctionExport> exports() const noexcept override;
  /// "iree.abi.transients.size.constant": the workspace bytes in decimal, on
  /// the async entry point only.
  std::string_view functionAttribute(uint16_t ordinal,
                                     std::string_view key) const override;
  StatusOr<ModuleStatePtr> createState(HostAllocator &allocator) override;
  Status resolveImport(ModuleState *state, size_t index,
                       const Function &function,
                       ModuleState *functionState) override;
  Status initialize(ModuleState *state) override;
  /// Checks, in this order: argument count, then per argument null and type,
  /// encoding, element type, rank, dims, byte length (InvalidArgument naming
  /// the argument and both values), usage and memory type (PermissionDenied),
  /// workspace size, and overlaps: an output may share memory with another
  /// argument only where it is exactly the same range and the signature lists
  /// that input as in-place (InvalidArgument naming both otherwise).
  Status call(ModuleState *state, uint16_t ordinal, Arguments arguments,
              List *results) override;

  ProgramModule(HostAllocator &allocator, Ref<Instance> instance,
                artifact::Reader reader, HostArray<ProgramArg> args,
                ProgramMode mode) noexcept;

private:
  friend class BoundCall;
  ~ProgramModule() override = default;
  Status callBlocking(ProgramState &state, Arguments arguments) const;
  Status callInterpreted(ProgramState &state, Arguments arguments) const;
  Status callAsync(ProgramState &state, Arguments arguments) const;
  Status checkArguments(Arguments arguments) const;
  bool acceptsArgument(const ProgramArg &arg,
                       const RefObject *argument) const noexcept;
  Status explainArgument(const ProgramArg &arg, RefObject *argument) const;
  Status checkWorkspace(RefObject *workspace) const;
  Status checkOverlap(Arguments arguments) const;
  Status explainOverlap(size_t first, size_t second) const;
  /// One reference per argument and the workspace, into `bindings`.
  void bindArguments(Arguments arguments,
                     hal::BufferRef *bindings) const noexcept;
  /// Evaluates the program into a command buffer; arguments become slots.
  StatusOr<Ref<hal::CommandBuffer>> record(ProgramState &state,
                                           uint32_t mode) const;
  Status recordDispatch(ProgramState &state, hal::CommandBuffer &commands,
                        const artifact::Instruction &instruction,
                        HostVector<hal::BufferRef> &refs) const;
  /// The commands of one call: those of the state, or freshly interpreted.
  StatusOr<Ref<hal::CommandBuffer>> commandsOf(ProgramState &state) const;
  Status makeConstants(ProgramState &state);

  const Ref<Instance> instance_;
  const artifact::Reader reader_;
  const HostArray<ProgramArg> args_;
  const ProgramMode mode_;
  size_t outputCount_ = 0;
  char workspaceText_[24] = {};
};

/// A call whose arguments were checked and bound once: `execute` does nothing
/// but run. Keeps everything it uses alive.
/// Thread safety: one thread at a time.
class BoundCall final : public RefObject {
public:
  static const TypeDescriptor kType;

  /// Checks as ProgramModule::call. `function` is a program's main function
  /// resolved by `context`.
  static StatusOr<Ref<BoundCall>>
  create(Ref<Context> context, const Function &function, Arguments arguments,
         HostAllocator &allocator = systemAllocator());

  /// Blocking.
  Status execute();
  /// Replaces argument `index`; on failure the old one stays.
  Status setArgument(size_t index, RefObject *argument);

  BoundCall(HostAllocator &allocator, Ref<Context> context,
            ProgramModule &module, ProgramState &state) noexcept;

private:
  ~BoundCall() override = default;
  const Ref<Context> context_;
  ProgramModule &module_; // Borrowed: the context retains it.
  ProgramState &state_;   // Borrowed: the context owns it.
  HostArray<Ref<RefObject>> arguments_;
  HostArray<hal::BufferRef> bindings_;
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULES_PROGRAM_MODULE_H
