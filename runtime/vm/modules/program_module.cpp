// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading: the artifact becomes a module, and in each context an executable
// and a recorded command buffer.
#include "runtime/vm/modules/program_module.h"

#include "artifact/program.h"
#include "runtime/base/trace.h"
#include "runtime/vm/modules/program_state.h"
#include "support/data_type.h"
#include "support/tensor_layout.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace fusilli::vm {

namespace {

constexpr std::string_view kWorkspaceAttribute =
    "iree.abi.transients.size.constant";
constexpr uint16_t kAsyncOrdinal = 1; // in exports()

template <typename T> size_t lengthOf(const T *vector) {
  return vector != nullptr ? vector->size() : 0;
}

std::string_view viewOf(const flatbuffers::String *string) {
  return string != nullptr ? std::string_view(string->c_str(), string->size())
                           : std::string_view();
}

template <typename T, typename V> std::span<const T> spanOf(const V *vector) {
  return vector != nullptr ? std::span<const T>(vector->data(), vector->size())
                           : std::span<const T>();
}

/// The first dim of each symbol: verified, there is one.
void findSources(std::span<const ProgramArg> args,
                 std::span<SymbolSource> sources) {
  for (size_t i = args.size(); i-- > 0;)
    for (size_t d = args[i].dimSymbols.size(); d-- > 0;)
      if (int32_t symbol = args[i].dimSymbols[d]; symbol >= 0)
        sources[static_cast<size_t>(symbol)] = {static_cast<uint32_t>(i),
                                                static_cast<uint32_t>(d)};
}

StatusOr<uint64_t> workspaceBytes(int64_t value) {
  if (value < 0 || static_cast<uint64_t>(value) > artifact::kMaxBytes)
    return outOfRangeError(strCat("a workspace of ", value, " bytes"));
  return static_cast<uint64_t>(value);
}

Status setWorkgroups(const artifact::Instruction &instruction,
                     const artifact::ProgramValues &values, uint32_t *count) {
  uint64_t total = 1;
  for (size_t i = 0; i < 3; ++i) {
    int64_t extent = values[instruction.workgroupCount[i]];
    if (extent < 0 || extent > UINT32_MAX ||
        __builtin_mul_overflow(total, static_cast<uint64_t>(extent), &total))
      return outOfRangeError(
          strCat("workgroup count ", extent, " in dimension ", i));
    count[i] = static_cast<uint32_t>(extent);
  }
  return okStatus();
}

/// Keeps the module, whose artifact holds the bytes, for a constants buffer.
void releaseModule(void *module, hal::Buffer *) {
  static_cast<ProgramModule *>(module)->release();
}

} // namespace

hal::ElementType elementTypeOfDataType(uint8_t dataType) {
  const dtype::Info *info = dtype::find(dataType);
  if (info == nullptr)
    return hal::ElementType::None;
  using enum hal::ElementType;
  auto sized = [&](hal::ElementType any) {
    return static_cast<hal::ElementType>(hal::elementKind(any) << 24 |
                                         info->bits);
  };
  switch (info->kind) {
  case dtype::Kind::Float:
    return sized(Float32);
  case dtype::Kind::BFloat:
    return sized(BFloat16);
  case dtype::Kind::Float8E5M2:
    return F8E5M2;
  case dtype::Kind::Signed:
    return sized(Int8); // signless, which both may stand for
  case dtype::Kind::Unsigned:
    return sized(Uint8);
  case dtype::Kind::Boolean:
    return Bool8;
  }
  return None;
}

StatusOr<Ref<Module>> ProgramModule::create(Ref<Instance> instance,
                                            std::span<const uint8_t> bytes,
                                            bool copy, HostAllocator &allocator,
                                            ProgramMode mode) {
  if (!instance)
    return invalidArgumentError("program module of a null instance");
  trace::Span span("load", "verify artifact");
  FUSILLI_STATUS_ASSIGN(artifact::Reader reader,
                        artifact::Reader::open(bytes, copy, allocator));
  const auto *sources = reader.artifact().args();
  HostArray<ProgramArg> args;
  if (!args.allocate(allocator, lengthOf(sources)))
    return outOfMemoryError("the arguments of a program");
  for (uint32_t i = 0; i < args.size(); ++i) {
    const fbs::Arg &source = *sources->Get(i);
    ProgramArg &arg = args[i];
    arg.name = viewOf(source.name());
    arg.isOutput = source.kind() == fbs::ArgKind::Output;
    arg.elementType = elementTypeOfDataType(source.dtype());
    arg.dims = spanOf<int64_t>(source.physical_dims());
    arg.dimSymbols = spanOf<int32_t>(source.dim_symbols());
    arg.extents = spanOf<int64_t>(source.dims());
    arg.strides = spanOf<int64_t>(source.strides());
    arg.isView =
        !layout::isDense(arg.extents, arg.strides) &&
        std::ranges::none_of(arg.dimSymbols, [](int32_t s) { return s >= 0; });
    arg.byteLength = source.byte_length();
    arg.inplaceInputs = spanOf<uint32_t>(source.inplace_inputs());
    arg.isConstant = source.is_constant();
  }
  HostArray<SymbolSource> symbols;
  if (!symbols.allocate(allocator, lengthOf(reader.artifact().symbols())))
    return outOfMemoryError("the symbols of a program");
  findSources(args.span(), symbols.span());
  auto module =
      makeRef<ProgramModule>(allocator, std::move(instance), std::move(reader),
                             std::move(args), std::move(symbols), mode);
  if (!module)
    return outOfMemoryError("a program module");
  return Ref<Module>(std::move(module));
}

ProgramModule::ProgramModule(HostAllocator &allocator, Ref<Instance> instance,
                             artifact::Reader reader,
                             HostArray<ProgramArg> args,
                             HostArray<SymbolSource> sources,
                             ProgramMode mode) noexcept
    : Module(allocator), instance_(std::move(instance)),
      reader_(std::move(reader)), args_(std::move(args)),
      sources_(std::move(sources)), mode_(mode) {
  while (outputCount_ < args_.size() && args_[outputCount_].isOutput)
    ++outputCount_;
  // Verified: it is said at most once.
  for (size_t position = 0; position < reader_.program().size();)
    if (artifact::decodeInstruction(reader_.program(), position)->opcode ==
        FUSILLI_VM_WORKSPACE)
      symbolicWorkspace_ = true;
  std::to_chars(workspaceText_, workspaceText_ + sizeof(workspaceText_) - 1,
                workspaceSize());
}

uint64_t ProgramModule::workspaceSize() const noexcept {
  return artifact().workspace_size();
}

std::span<const ModuleDependency> ProgramModule::dependencies() const noexcept {
  static constexpr std::array dependencies = {ModuleDependency{"hal", 1, true}};
  return dependencies;
}

std::span<const FunctionImport> ProgramModule::imports() const noexcept {
  static constexpr std::array imports = {
      FunctionImport{"hal.devices.default", "v.r", true}};
  return imports;
}

std::span<const FunctionExport> ProgramModule::exports() const noexcept {
  static constexpr std::array exports = {FunctionExport{"main", "r*.v"},
                                         FunctionExport{"main$async", "r*.v"}};
  return exports;
}

std::string_view ProgramModule::functionAttribute(uint16_t ordinal,
                                                  std::string_view key) const {
  if (ordinal == kAsyncOrdinal && key == kWorkspaceAttribute &&
      !symbolicWorkspace_)
    return workspaceText_;
  return {};
}

StatusOr<ModuleStatePtr> ProgramModule::createState(HostAllocator &allocator) {
  void *memory =
      allocator.allocate(sizeof(ProgramState), alignof(std::max_align_t));
  if (memory == nullptr)
    return outOfMemoryError("the state of a program");
  return ModuleStatePtr(new (memory) ProgramState(),
                        ModuleStateDeleter{&allocator});
}

Status ProgramModule::resolveImport(ModuleState *state, size_t index,
                                    const Function &function,
                                    ModuleState *functionState) {
  FUSILLI_STATUS_ASSIGN(Ref<List> results, List::create(1, hostAllocator()));
  FUSILLI_STATUS_RETURN_IF_ERROR(function.module->call(
      functionState, function.ordinal, Arguments(), results.get()));
  auto *device = results->get(0);
  if (device == nullptr || device->type() != &hal::Device::kType)
    return internalError("'hal.devices.default' gave no device");
  static_cast<ProgramState *>(state)->device =
      Ref<hal::Device>::share(static_cast<hal::Device *>(device));
  return okStatus();
}

Status ProgramModule::initialize(ModuleState *state) {
  trace::Span span("load", "prepare program");
  auto &own = *static_cast<ProgramState *>(state);
  FUSILLI_STATUS_RETURN_IF_ERROR(createExecutables(own));
  FUSILLI_STATUS_RETURN_IF_ERROR(makeConstants(own));
  CallPlan plan = staticPlan(own);
  if (hasPrepared()) {
    FUSILLI_STATUS_ASSIGN(
        own.prepare,
        record(own, reader_.prepare(), hal::kCommandBufferReusable, plan, {}));
  }
  if (mode_ == ProgramMode::Interpreted)
    return okStatus();
  if (hasSymbols())
    return own.shapes.allocate(hostAllocator())
               ? okStatus()
               : outOfMemoryError("the shapes of a program");
  FUSILLI_STATUS_ASSIGN(
      own.commands,
      record(own, reader_.program(), hal::kCommandBufferReusable, plan, {}));
  return okStatus();
}

Status ProgramModule::createExecutables(ProgramState &state) const {
  const auto *sources = artifact().entries();
  const size_t entryCount = lengthOf(sources);
  HostArray<hal::EntryParams> entries;
  if (!entries.allocate(hostAllocator(), entryCount) ||
      !state.kernels.allocate(hostAllocator(), entryCount) ||
      !state.executables.allocate(hostAllocator(), reader_.executableCount()))
    return outOfMemoryError("the entries of a program");
  for (uint32_t e = 0; e < state.executables.size(); ++e) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < entryCount; ++i) {
      const fbs::Entry &source = *sources->Get(i);
      if (source.executable() != e)
        continue;
      entries[count].name = viewOf(source.name());
      entries[count].offset = source.offset();
      entries[count].localMemory = source.local_memory();
      entries[count].bindingCount = source.binding_count();
      entries[count].constantCount = source.constant_count();
      state.kernels[i].ordinal = count++;
    }
    artifact::ExecutableView view = reader_.executable(e);
    auto executable = state.device->createExecutable(
        {.format = view.format,
         .requirements = view.requirements,
         .bytes = view.bytes,
         .entries = entries.span().first(count)});
    if (!executable.isOk())
      return std::move(executable)
          .status()
          .annotate(strCat("artifact is for target '", reader_.target(), "'"));
    state.executables[e] = *std::move(executable);
    for (uint32_t i = 0; i < entryCount; ++i)
      if (sources->Get(i)->executable() == e)
        state.kernels[i].executable = state.executables[e].get();
  }
  return okStatus();
}

Status ProgramModule::makeConstants(ProgramState &state) {
  std::span<const uint8_t> bytes = reader_.constants();
  if (bytes.empty())
    return okStatus();
  hal::BufferParams params;
  params.usage =
      hal::kUsageStorageRead | hal::kUsageTransferSource | hal::kUsageImmutable;
  params.access = hal::kAccessRead;
  hal::ExternalBuffer external;
  external.type = hal::ExternalBufferType::HostAllocation;
  external.size = bytes.size();
  external.handle = reinterpret_cast<uintptr_t>(bytes.data());
  // In place where the device can; a submission may outlive this context.
  retain();
  auto imported =
      state.device->allocator().import(params, external, {releaseModule, this});
  if (imported.isOk()) {
    state.constants = *std::move(imported);
    return okStatus();
  }
  release();
  if (imported.code() != StatusCode::Unavailable)
    return std::move(imported).status();
  params.usage |= hal::kUsageTransferTarget;
  params.access |= hal::kAccessWrite;
  FUSILLI_STATUS_ASSIGN(state.constants, state.device->allocator().allocate(
                                             params, bytes.size()));
  return state.device->hostToDevice(bytes.data(), *state.constants, 0,
                                    bytes.size());
}

StatusOr<Ref<hal::CommandBuffer>>
ProgramModule::record(ProgramState &state, std::span<const uint32_t> words,
                      uint32_t mode, CallPlan &plan,
                      std::span<const int64_t> symbols) const {
  FUSILLI_STATUS_ASSIGN(Ref<hal::CommandBuffer> commands,
                        state.device->createCommandBuffer(mode));
  FUSILLI_STATUS_RETURN_IF_ERROR(commands->begin());
  HostVector<hal::BufferRef> refs(hostAllocator());
  artifact::ProgramValues values(hostAllocator());
  FUSILLI_STATUS_RETURN_IF_ERROR(values.start(symbols));
  size_t position = 0;
  while (true) {
    FUSILLI_STATUS_ASSIGN(artifact::Instruction instruction,
                          artifact::decodeInstruction(words, position));
    if (instruction.opcode == FUSILLI_VM_RETURN)
      break;
    if (instruction.isArithmetic()) {
      FUSILLI_STATUS_RETURN_IF_ERROR(values.evaluate(instruction));
    } else if (instruction.opcode == FUSILLI_VM_WORKSPACE) {
      FUSILLI_STATUS_ASSIGN(plan.workspaceSize,
                            workspaceBytes(values[instruction.operands[0]]));
    } else {
      FUSILLI_STATUS_RETURN_IF_ERROR(
          instruction.isDispatch() ? recordDispatch(state, *commands, plan,
                                                    instruction, values, refs)
                                   : commands->barrier());
    }
  }
  FUSILLI_STATUS_RETURN_IF_ERROR(commands->end());
  return commands;
}

Status ProgramModule::recordDispatch(ProgramState &state,
                                     hal::CommandBuffer &commands,
                                     const CallPlan &plan,
                                     const artifact::Instruction &instruction,
                                     const artifact::ProgramValues &values,
                                     HostVector<hal::BufferRef> &refs) const {
  bool isSymbolic = instruction.opcode == FUSILLI_VM_DISPATCH_SYMBOLIC;
  refs.truncate(0);
  for (uint32_t i = 0; i < instruction.bindingCount; ++i) {
    const fbs::Binding &binding =
        *artifact().bindings()->Get(instruction.firstBinding + i);
    hal::BufferRef ref;
    uint64_t size = 0;
    switch (binding.kind()) {
    case fbs::BindingKind::Argument:
      ref.slot = binding.index();
      size = plan.args[binding.index()].byteLength;
      break;
    case fbs::BindingKind::Workspace:
      ref.slot = static_cast<uint32_t>(args_.size());
      size = plan.workspaceSize;
      break;
    case fbs::BindingKind::Constant:
      ref.buffer = state.constants.get();
      size = reader_.constants().size();
      break;
    case fbs::BindingKind::Prepared:
      ref.slot = static_cast<uint32_t>(args_.size() + 1);
      size = preparedSize();
      break;
    }
    ref.offset = binding.offset();
    ref.length = binding.length();
    if (isSymbolic) {
      // Negative ones become too large.
      ref.offset = static_cast<uint64_t>(values[instruction.ranges[2 * i]]);
      ref.length = static_cast<uint64_t>(values[instruction.ranges[2 * i + 1]]);
    }
    if (ref.offset > size || ref.length > size - ref.offset)
      return outOfRangeError(strCat(
          "binding ", i, " of dispatch '", nameOf(instruction.entry),
          "' takes bytes ", ref.offset, " + ", ref.length, " of ", size));
    if (!refs.push(std::move(ref)))
      return outOfMemoryError("the bindings of a dispatch");
  }
  hal::DispatchParams dispatch;
  dispatch.executable = state.kernels[instruction.entry].executable;
  dispatch.entry = state.kernels[instruction.entry].ordinal;
  dispatch.bindings = {refs.data(), refs.size()};
  if ((instruction.flags & FUSILLI_VM_DISPATCH_INLINE) != 0)
    dispatch.flags = hal::kDispatchInline;
  if (!isSymbolic) {
    std::copy_n(instruction.workgroupCount, 3, dispatch.workgroupCount);
    return commands.dispatch(dispatch);
  }
  FUSILLI_STATUS_RETURN_IF_ERROR(
      setWorkgroups(instruction, values, dispatch.workgroupCount));
  uint32_t constants[artifact::kMaxEntryConstants];
  for (size_t i = 0; i < instruction.constants.size(); ++i) {
    auto value = static_cast<uint64_t>(values[instruction.constants[i]]);
    constants[2 * i] = static_cast<uint32_t>(value);
    constants[2 * i + 1] = static_cast<uint32_t>(value >> 32);
  }
  dispatch.constants = {constants, instruction.constants.size() * 2};
  return commands.dispatch(dispatch);
}

std::string_view ProgramModule::nameOf(uint32_t entry) const {
  return viewOf(artifact().entries()->Get(entry)->name());
}

} // namespace fusilli::vm
