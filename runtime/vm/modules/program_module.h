// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Module "module": a compiled program. Creation verifies the artifact; the
// state of a context holds the executable and the command buffers into which
// the host program was evaluated: one, or for a program with symbols one for
// each shape. A call checks its arguments, binds them and submits: no
// allocation, no lookup, no lock when the work is inline.
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
#include <vector>

namespace fusilli::vm {

class ProgramState;

/// One argument as the signature has it. Strings and arrays point into the
/// artifact.
struct ProgramArg {
  std::string_view name;
  bool isOutput = false;
  hal::ElementType elementType = hal::ElementType::None;
  /// Of the buffer; of symbols the representatives.
  std::span<const int64_t> dims;
  std::span<const int32_t> dimSymbols; ///< per dim, -1: static; or empty
  /// The logical extents, and the strides in elements.
  std::span<const int64_t> extents, strides;
  /// Not dense: a buffer of any shape will do, if it is long enough.
  bool isView = false;
  uint64_t byteLength = 0;
  std::span<const uint32_t> inplaceInputs; ///< argument numbers
  bool isConstant = false; ///< its content does not change between calls
};

class BoundCall;
class PreparedSet;
class ProgramShape;
class ShapeLease;

/// What a call has to bring and what it runs.
struct CallPlan {
  std::span<const ProgramArg> args;
  uint64_t workspaceSize = 0;
  hal::CommandBuffer *commands = nullptr; ///< null when interpreted
  uint64_t preparedSize = 0;              ///< 0: it has no prepared memory
  hal::Buffer *prepared = nullptr;
};

/// How a program runs. Both give the same results.
enum class ProgramMode : uint8_t {
  /// Evaluated into reusable command buffers: at load, with symbols at the
  /// first call of a shape.
  Recorded,
  /// Read word by word in every call, into a one-shot command buffer. For
  /// programs with decisions at run time; allocates.
  Interpreted,
};

/// The HAL's element type for a fusilli::DataType number; None when unknown.
hal::ElementType elementTypeOfDataType(uint8_t dataType);

/// The argument whose dim gives a symbol its extent.
struct SymbolSource {
  uint32_t argument = 0;
  uint32_t dim = 0;
};

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
  /// Reader::open. Whether the device can run it is known at initialize.
  static StatusOr<Ref<Module>>
  create(Ref<Instance> instance, std::span<const uint8_t> bytes,
         bool copy = true, HostAllocator &allocator = systemAllocator(),
         ProgramMode mode = ProgramMode::Recorded);

  const fbs::Artifact &artifact() const noexcept { return reader_.artifact(); }
  std::span<const ProgramArg> args() const noexcept { return args_.span(); }
  /// Whether extents are known at run time only.
  bool hasSymbols() const noexcept { return !sources_.empty(); }
  /// Whether the workspace's size depends on them.
  bool hasSymbolicWorkspace() const noexcept { return symbolicWorkspace_; }
  /// Bytes; 0 when they depend on extents.
  uint64_t workspaceSize() const noexcept;
  /// Bytes for the extents of `arguments`, whose workspace is not looked at.
  /// Errors: those of a call.
  StatusOr<uint64_t> workspaceSize(ModuleState *state,
                                   Arguments arguments) const;
  /// Bytes that what is computed from constant arguments once takes; 0 when
  /// there is nothing of the kind.
  uint64_t preparedSize() const noexcept { return artifact().prepared_size(); }
  /// Bytes that a context holds of it now. `state` is its state of this module.
  uint64_t preparedBytes(ModuleState &state) const;
  /// Lets go of it, for the memory or because the content of a constant has
  /// changed: the next call computes it again. Calls that run keep what they
  /// use. Gives the bytes let go of. Thread-safe.
  uint64_t releasePrepared(ModuleState &state) const;
  /// Runs the prepare program and the program on the calling thread's time, one
  /// dispatch after the other, and gives the time of each in microseconds, in
  /// order. Checks the arguments as `call` does. For people; allocates.
  Status profile(ModuleState &state, Arguments arguments,
                 std::vector<double> &times) const;
  /// args() + 1, for the workspace.
  size_t argumentCount() const noexcept { return args_.size() + 1; }

  std::string_view name() const noexcept override { return "module"; }
  std::span<const ModuleDependency> dependencies() const noexcept override;
  std::span<const FunctionImport> imports() const noexcept override;
  std::span<const FunctionExport> exports() const noexcept override;
  /// "iree.abi.transients.size.constant": the workspace bytes in decimal, on
  /// the async entry point only, unless they depend on extents.
  std::string_view functionAttribute(uint16_t ordinal,
                                     std::string_view key) const override;
  StatusOr<ModuleStatePtr> createState(HostAllocator &allocator) override;
  Status resolveImport(ModuleState *state, size_t index,
                       const Function &function,
                       ModuleState *functionState) override;
  Status initialize(ModuleState *state) override;
  /// Checks, in this order: argument count, then per argument null and type,
  /// encoding, element type, rank, dims (those of one symbol are equal and
  /// positive; a view's may be any), byte length (InvalidArgument naming the
  /// argument and both values), usage and memory type (PermissionDenied),
  /// workspace size, and overlaps: an output may share memory with another
  /// argument only where it is exactly the same range and the signature lists
  /// that input as in-place (InvalidArgument naming both otherwise).
  Status call(ModuleState *state, uint16_t ordinal, Arguments arguments,
              List *results) override;

  ProgramModule(HostAllocator &allocator, Ref<Instance> instance,
                artifact::Reader reader, HostArray<ProgramArg> args,
                HostArray<SymbolSource> sources, ProgramMode mode) noexcept;

private:
  friend class BoundCall;
  ~ProgramModule() override = default;
  Status callBlocking(ProgramState &state, Arguments arguments) const;
  Status callAsync(ProgramState &state, Arguments arguments) const;
  /// The plan of a call whose arguments pass all checks; `shape` keeps it.
  Status preparePlan(ProgramState &state, Arguments arguments,
                     ShapeLease &shape, CallPlan &plan) const;
  Status execute(ProgramState &state, const CallPlan &plan,
                 Arguments arguments) const;
  Status executeInterpreted(ProgramState &state, const CallPlan &plan,
                            Arguments arguments) const;

  bool hasPrepared() const noexcept { return preparedSize() != 0; }
  /// Arguments, workspace and, where there is one, the prepared memory.
  size_t slotCount() const noexcept {
    return args_.size() + (hasPrepared() ? 2 : 1);
  }
  Status createExecutables(ProgramState &state) const;
  bool isPreparedFor(const PreparedSet &set,
                     Arguments arguments) const noexcept;
  StatusOr<Ref<PreparedSet>> makePreparedSet(ProgramState &state,
                                             Arguments arguments) const;
  /// Binds what the preparing program reads and writes.
  void bindConstants(const PreparedSet &set, Arguments arguments,
                     hal::BufferRef *bindings) const noexcept;
  /// The prepared values for these arguments, computed now if need be; null
  /// for a program without any.
  StatusOr<Ref<PreparedSet>> preparedFor(ProgramState &state,
                                         Arguments arguments) const;
  /// The same behind `wait`: where that is not reached yet, the computation is
  /// queued and `wait` becomes the fence that it reaches.
  StatusOr<Ref<PreparedSet>> preparedBehind(ProgramState &state,
                                            Arguments arguments,
                                            Ref<hal::Fence> &wait) const;

  CallPlan staticPlan(const ProgramState &state) const noexcept;
  CallPlan planOf(const ProgramShape &shape) const noexcept;
  /// The shape of these arguments, made and recorded if it is new; nothing else
  /// of them is checked. Only for programs with symbols.
  StatusOr<ShapeLease> acquireShape(ProgramState &state,
                                    Arguments arguments) const;
  StatusOr<Ref<ProgramShape>> makeShape(ProgramState &state,
                                        std::span<const int64_t> symbols,
                                        Arguments arguments) const;
  /// Extents of the symbols, into `symbols`.
  Status readSymbols(Arguments arguments, int64_t *symbols) const;

  Status checkCount(Arguments arguments) const;
  Status checkArguments(const CallPlan &plan, Arguments arguments) const;
  Status checkTensors(const CallPlan &plan, Arguments arguments) const;
  bool acceptsArgument(const ProgramArg &arg,
                       const RefObject *argument) const noexcept;
  Status explainArgument(const ProgramArg &arg, RefObject *argument) const;
  /// What is wrong with an argument, extents apart; OK if nothing.
  Status explainKind(const ProgramArg &arg, RefObject *argument) const;
  /// " as dim 0 of input 'x'" for a dim of a symbol, else nothing.
  std::string relationText(const ProgramArg &arg, size_t dim) const;
  Status checkWorkspace(const CallPlan &plan, RefObject *workspace) const;
  Status checkOverlap(const CallPlan &plan, Arguments arguments) const;
  Status explainOverlap(size_t first, size_t second) const;
  /// One reference per slot, into `bindings`.
  static void bindArguments(const CallPlan &plan, Arguments arguments,
                            hal::BufferRef *bindings) noexcept;
  /// Evaluates program words for `symbols` into a command buffer; arguments
  /// become slots. Sets the plan's workspace size where the program says it.
  StatusOr<Ref<hal::CommandBuffer>>
  record(ProgramState &state, std::span<const uint32_t> words, uint32_t mode,
         CallPlan &plan, std::span<const int64_t> symbols) const;
  Status recordDispatch(ProgramState &state, hal::CommandBuffer &commands,
                        const CallPlan &plan,
                        const artifact::Instruction &instruction,
                        const artifact::ProgramValues &values,
                        HostVector<hal::BufferRef> &refs) const;
  std::string_view nameOf(uint32_t entry) const;
  Status makeConstants(ProgramState &state);

  const Ref<Instance> instance_;
  const artifact::Reader reader_;
  const HostArray<ProgramArg> args_;
  const HostArray<SymbolSource> sources_; ///< by symbol
  const ProgramMode mode_;
  bool symbolicWorkspace_ = false;
  size_t outputCount_ = 0;
  char workspaceText_[24] = {};
};

/// A call whose arguments were checked and bound once: `execute` does nothing
/// but run, and first compute what depends on constants where that was not done
/// or let go of. Keeps everything it uses alive.
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
  ~BoundCall() override;
  void bind(const CallPlan &plan, Arguments arguments);
  Arguments arguments() const noexcept;
  bool isStale() const noexcept;
  Status refreshPrepared();

  const Ref<Context> context_;
  ProgramModule &module_; // Borrowed: the context retains it.
  ProgramState &state_;   // Borrowed: the context owns it.
  Ref<hal::CommandBuffer> commands_;
  HostArray<Ref<RefObject>> arguments_;
  HostArray<hal::BufferRef> bindings_;
  Ref<PreparedSet> prepared_; ///< null: not looked for yet
  uint64_t releases_ = 0;     ///< of the state when `prepared_` was taken
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULES_PROGRAM_MODULE_H
