// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calling: argument checks, binding, execution. The checks first ask whether
// all is right, in few instructions; only a failure is then explained.
#include "runtime/vm/modules/program_module.h"

#include "runtime/base/trace.h"
#include "runtime/vm/modules/program_state.h"

#include <algorithm>
#include <cstring>

namespace fusilli::vm {

constexpr TypeDescriptor BoundCall::kType{"vm.bound_call", ObjectKind::Other};

namespace {

using hal::Buffer;
using hal::BufferRef;
using hal::BufferView;

constexpr size_t kStackArguments = 32;
constexpr size_t kMaxStackArguments = 1024; // 32 KiB

constexpr uint32_t kInputUsage = hal::kUsageStorageRead;
constexpr uint32_t kOutputUsage = hal::kUsageStorageWrite;
constexpr uint32_t kMemoryNeeded = hal::kMemoryDeviceVisible;

uint32_t usageOf(const ProgramArg &arg) {
  return arg.isOutput ? kOutputUsage : kInputUsage;
}

uint16_t accessOf(const ProgramArg &arg) {
  return arg.isOutput ? hal::kAccessWrite : hal::kAccessRead;
}

bool allows(const Buffer &buffer, uint32_t usage, uint16_t access) {
  return (buffer.allowedUsage() & usage) == usage &&
         ((buffer.allowedAccess() & access) == access ||
          (buffer.allowedAccess() & hal::kAccessAny) != 0) &&
         (buffer.memoryType() & kMemoryNeeded) == kMemoryNeeded;
}

Status explainRights(const Buffer &buffer, uint32_t usage, uint16_t access) {
  FUSILLI_STATUS_RETURN_IF_ERROR(buffer.checkUsage(usage));
  FUSILLI_STATUS_RETURN_IF_ERROR(buffer.checkAccess(access));
  return permissionDeniedError(strCat("memory type ", buffer.memoryType(),
                                      " is not visible to the device"));
}

std::string dimsText(std::span<const hal::DeviceSize> dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    out += strCat(i > 0 ? ", " : "", dims[i]);
  return out + "]";
}

std::span<const hal::DeviceSize> unsignedDims(const ProgramArg &arg) {
  // Verified: no negative dims.
  return {reinterpret_cast<const hal::DeviceSize *>(arg.dims.data()),
          arg.dims.size()};
}

/// Device address of an argument that passed its check.
uint64_t addressOf(RefObject *argument) {
  return static_cast<BufferView *>(argument)->buffer()->devicePointer();
}

bool overlap(uint64_t a, uint64_t aBytes, uint64_t b, uint64_t bBytes) {
  return a < b + bBytes && b < a + aBytes;
}

std::string describe(const ProgramArg &arg) {
  return strCat(arg.isOutput ? "output '" : "input '", arg.name, "'");
}

} // namespace

bool ProgramModule::acceptsArgument(const ProgramArg &arg,
                                    const RefObject *argument) const noexcept {
  if (argument == nullptr || argument->type() != &BufferView::kType)
    return false;
  const auto &view = *static_cast<const BufferView *>(argument);
  const Buffer &buffer = *view.buffer();
  std::span<const hal::DeviceSize> dims = view.dims();
  if ((view.encoding() != hal::EncodingType::DenseRowMajor &&
       view.encoding() != hal::EncodingType::Opaque) ||
      !hal::elementTypeCompatible(arg.elementType, view.elementType()) ||
      buffer.byteLength() < arg.byteLength ||
      !allows(buffer, usageOf(arg), accessOf(arg)))
    return false;
  if (arg.isView)
    return true;
  if (dims.size() != arg.dims.size())
    return false;
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != static_cast<hal::DeviceSize>(arg.dims[i]))
      return false;
  return true;
}

Status ProgramModule::explainKind(const ProgramArg &arg,
                                  RefObject *argument) const {
  std::string name = describe(arg);
  if (argument == nullptr)
    return invalidArgumentError(strCat(name, " is null"));
  auto *view = refCast<BufferView>(argument);
  if (view == nullptr)
    return invalidArgumentError(strCat(name, " is a ", argument->type()->name,
                                       ", expected a ",
                                       BufferView::kType.name));
  if (view->encoding() != hal::EncodingType::DenseRowMajor &&
      view->encoding() != hal::EncodingType::Opaque)
    return invalidArgumentError(
        strCat(name, " has encoding ", static_cast<uint32_t>(view->encoding()),
               ", expected ",
               static_cast<uint32_t>(hal::EncodingType::DenseRowMajor)));
  if (!hal::elementTypeCompatible(arg.elementType, view->elementType()))
    return invalidArgumentError(strCat(
        name, " has element type ", hal::elementTypeName(view->elementType()),
        ", expected ", hal::elementTypeName(arg.elementType)));
  if (!arg.isView && view->rank() != arg.dims.size())
    return invalidArgumentError(strCat(name, " has rank ", view->rank(),
                                       ", expected ", arg.dims.size()));
  return okStatus();
}

std::string ProgramModule::relationText(const ProgramArg &arg,
                                        size_t dim) const {
  if (arg.dimSymbols.empty() || arg.dimSymbols[dim] < 0)
    return {};
  const SymbolSource &source =
      sources_[static_cast<size_t>(arg.dimSymbols[dim])];
  return strCat(" as dim ", source.dim, " of ",
                describe(args_[source.argument]));
}

Status ProgramModule::explainArgument(const ProgramArg &arg,
                                      RefObject *argument) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(explainKind(arg, argument));
  std::string name = describe(arg);
  auto *view = refCast<BufferView>(argument);
  for (size_t i = 0; !arg.isView && i < arg.dims.size(); ++i)
    if (view->dim(i) != static_cast<hal::DeviceSize>(arg.dims[i]))
      return invalidArgumentError(strCat(
          name, " has dim ", i, " of ", view->dim(i), ", expected ",
          arg.dims[i], relationText(arg, i), " (given ", dimsText(view->dims()),
          ", expected ", dimsText(unsignedDims(arg)), ")"));
  const Buffer &buffer = *view->buffer();
  if (buffer.byteLength() < arg.byteLength)
    return invalidArgumentError(
        strCat(name, " has a buffer of ", buffer.byteLength(),
               " bytes, expected at least ", arg.byteLength));
  return explainRights(buffer, usageOf(arg), accessOf(arg)).annotate(name);
}

Status ProgramModule::readSymbols(Arguments arguments, int64_t *symbols) const {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const SymbolSource &source = sources_[i];
    const ProgramArg &arg = args_[source.argument];
    RefObject *argument = arguments[source.argument];
    if (argument == nullptr || argument->type() != &BufferView::kType)
        [[unlikely]]
      return explainKind(arg, argument);
    const auto &view = *static_cast<const BufferView *>(argument);
    if (view.rank() != arg.dims.size()) [[unlikely]]
      return explainKind(arg, argument);
    symbols[i] = static_cast<int64_t>(view.dim(source.dim));
    if (symbols[i] <= 0) [[unlikely]]
      return invalidArgumentError(strCat(describe(arg), " has dim ", source.dim,
                                         " of ", view.dim(source.dim),
                                         ", expected a positive extent"));
  }
  return okStatus();
}

StatusOr<ShapeLease> ProgramModule::acquireShape(ProgramState &state,
                                                 Arguments arguments) const {
  int64_t values[artifact::kMaxSymbols];
  FUSILLI_STATUS_RETURN_IF_ERROR(readSymbols(arguments, values));
  std::span<const int64_t> symbols(values, sources_.size());
  if (mode_ == ProgramMode::Interpreted) [[unlikely]] {
    FUSILLI_STATUS_ASSIGN(Ref<ProgramShape> shape,
                          makeShape(state, symbols, arguments));
    return ShapeLease(std::move(shape));
  }
  if (ShapeLease known = state.shapes.find(symbols)) [[likely]]
    return known;
  std::lock_guard lock(state.shapes.mutex());
  if (ShapeLease known = state.shapes.find(symbols))
    return known;
  FUSILLI_STATUS_ASSIGN(Ref<ProgramShape> shape,
                        makeShape(state, symbols, arguments));
  return state.shapes.insert(std::move(shape));
}

StatusOr<Ref<ProgramShape>>
ProgramModule::makeShape(ProgramState &state, std::span<const int64_t> symbols,
                         Arguments arguments) const {
  trace::Span span("execute", "new shape");
  FUSILLI_STATUS_ASSIGN(
      Ref<ProgramShape> shape,
      ProgramShape::create(args_.span(), symbols, hostAllocator()));
  shape->workspaceSize = workspaceSize();
  CallPlan plan = planOf(*shape);
  // Before anything is kept for extents that do not belong together.
  FUSILLI_STATUS_RETURN_IF_ERROR(checkTensors(plan, arguments));
  uint32_t mode = mode_ == ProgramMode::Recorded ? hal::kCommandBufferReusable
                                                 : hal::kCommandBufferOneShot;
  FUSILLI_STATUS_ASSIGN(shape->commands,
                        record(state, reader_.program(), mode, plan, symbols));
  shape->workspaceSize = plan.workspaceSize;
  return shape;
}

CallPlan ProgramModule::staticPlan(const ProgramState &state) const noexcept {
  return {args_.span(), workspaceSize(), state.commands.get(), preparedSize()};
}

CallPlan ProgramModule::planOf(const ProgramShape &shape) const noexcept {
  return {shape.args(), shape.workspaceSize, shape.commands.get(),
          preparedSize()};
}

StatusOr<uint64_t> ProgramModule::workspaceSize(ModuleState *state,
                                                Arguments arguments) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkCount(arguments));
  if (!hasSymbols()) {
    FUSILLI_STATUS_RETURN_IF_ERROR(
        checkTensors({.args = args_.span()}, arguments));
    return workspaceSize();
  }
  FUSILLI_STATUS_ASSIGN(
      ShapeLease shape,
      acquireShape(*static_cast<ProgramState *>(state), arguments));
  FUSILLI_STATUS_RETURN_IF_ERROR(checkTensors(planOf(*shape), arguments));
  return shape->workspaceSize;
}

Status ProgramModule::checkWorkspace(const CallPlan &plan,
                                     RefObject *workspace) const {
  uint64_t needed = plan.workspaceSize;
  if (needed == 0) [[likely]]
    return okStatus();
  if (workspace == nullptr)
    return invalidArgumentError(
        strCat("workspace is null, ", needed, " bytes are needed"));
  if (workspace->type() != &Buffer::kType)
    return invalidArgumentError(strCat("workspace is a ",
                                       workspace->type()->name, ", expected a ",
                                       Buffer::kType.name));
  const auto &buffer = *static_cast<Buffer *>(workspace);
  if (buffer.byteLength() < needed)
    return invalidArgumentError(strCat("workspace has ", buffer.byteLength(),
                                       " bytes, ", needed, " are needed"));
  if (!allows(buffer, hal::kUsageStorage, hal::kAccessRead | hal::kAccessWrite))
    return explainRights(buffer, hal::kUsageStorage,
                         hal::kAccessRead | hal::kAccessWrite)
        .annotate("workspace");
  return okStatus();
}

Status ProgramModule::checkCount(Arguments arguments) const {
  if (arguments.size() != argumentCount()) [[unlikely]]
    return invalidArgumentError(strCat("call with ", arguments.size(),
                                       " arguments, the function takes ",
                                       argumentCount()));
  return okStatus();
}

Status ProgramModule::checkTensors(const CallPlan &plan,
                                   Arguments arguments) const {
  for (size_t i = 0; i < plan.args.size(); ++i)
    if (!acceptsArgument(plan.args[i], arguments[i])) [[unlikely]]
      return explainArgument(plan.args[i], arguments[i]);
  return okStatus();
}

Status ProgramModule::checkArguments(const CallPlan &plan,
                                     Arguments arguments) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkTensors(plan, arguments));
  FUSILLI_STATUS_RETURN_IF_ERROR(checkWorkspace(plan, arguments.back()));
  return checkOverlap(plan, arguments);
}

Status ProgramModule::checkOverlap(const CallPlan &plan,
                                   Arguments arguments) const {
  for (size_t o = 0; o < outputCount_; ++o) {
    const ProgramArg &output = plan.args[o];
    const uint64_t begin = addressOf(arguments[o]);
    for (size_t j = o + 1; j < plan.args.size(); ++j) {
      const ProgramArg &other = plan.args[j];
      const uint64_t otherBegin = addressOf(arguments[j]);
      if (!overlap(begin, output.byteLength, otherBegin, other.byteLength))
          [[likely]]
        continue;
      bool inPlace = begin == otherBegin &&
                     output.byteLength == other.byteLength &&
                     std::ranges::find(output.inplaceInputs, j) !=
                         output.inplaceInputs.end();
      if (!inPlace)
        return explainOverlap(o, j);
    }
  }
  if (plan.workspaceSize == 0) [[likely]]
    return okStatus();
  const uint64_t workspace =
      static_cast<Buffer *>(arguments.back())->devicePointer();
  for (size_t i = 0; i < plan.args.size(); ++i)
    if (overlap(workspace, plan.workspaceSize, addressOf(arguments[i]),
                plan.args[i].byteLength))
      return invalidArgumentError(
          strCat("workspace overlaps ", describe(plan.args[i])));
  return okStatus();
}

Status ProgramModule::explainOverlap(size_t first, size_t second) const {
  const ProgramArg &output = args_[first];
  bool listed = std::ranges::find(output.inplaceInputs, second) !=
                output.inplaceInputs.end();
  return invalidArgumentError(
      strCat(describe(output), " overlaps ", describe(args_[second]),
             listed ? ": in place it must be exactly the same memory"
                    : ": this graph cannot compute it in place"));
}

void ProgramModule::bindArguments(const CallPlan &plan, Arguments arguments,
                                  BufferRef *bindings) noexcept {
  size_t count = plan.args.size();
  for (size_t i = 0; i < count; ++i)
    bindings[i] = {static_cast<BufferView *>(arguments[i])->buffer(), 0, 0,
                   plan.args[i].byteLength};
  bindings[count] = {plan.workspaceSize != 0
                         ? static_cast<Buffer *>(arguments.back())
                         : nullptr,
                     0, 0, plan.workspaceSize};
  if (plan.preparedSize != 0)
    bindings[count + 1] = {plan.prepared, 0, 0, plan.preparedSize};
}

Status ProgramModule::call(ModuleState *state, uint16_t ordinal,
                           Arguments arguments, List *) {
  auto &own = *static_cast<ProgramState *>(state);
  return ordinal == 0 ? callBlocking(own, arguments)
                      : callAsync(own, arguments);
}

Status ProgramModule::callBlocking(ProgramState &state,
                                   Arguments arguments) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkCount(arguments));
  if (!hasSymbols()) [[likely]]
    return execute(state, staticPlan(state), arguments);
  FUSILLI_STATUS_ASSIGN(ShapeLease shape, acquireShape(state, arguments));
  return execute(state, planOf(*shape), arguments);
}

Status ProgramModule::preparePlan(ProgramState &state, Arguments arguments,
                                  ShapeLease &shape, CallPlan &plan) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkCount(arguments));
  if (hasSymbols()) {
    FUSILLI_STATUS_ASSIGN(shape, acquireShape(state, arguments));
  }
  plan = shape ? planOf(*shape) : staticPlan(state);
  return checkArguments(plan, arguments);
}

Status ProgramModule::execute(ProgramState &state, const CallPlan &checked,
                              Arguments arguments) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkArguments(checked, arguments));
  if (checked.commands == nullptr) [[unlikely]]
    return executeInterpreted(state, checked, arguments);
  CallPlan plan = checked;
  Ref<PreparedSet> prepared;
  if (hasPrepared()) [[unlikely]] {
    FUSILLI_STATUS_ASSIGN(prepared, preparedFor(state, arguments));
    plan.prepared = prepared->memory.get();
  }
  size_t count = slotCount();
  if (count <= kStackArguments) [[likely]] {
    BufferRef bindings[kStackArguments];
    bindArguments(plan, arguments, bindings);
    return state.device->execute(*plan.commands, {bindings, count});
  }
  if (count <= kMaxStackArguments) {
    auto *bindings =
        static_cast<BufferRef *>(__builtin_alloca(count * sizeof(BufferRef)));
    bindArguments(plan, arguments, bindings);
    return state.device->execute(*plan.commands, {bindings, count});
  }
  HostArray<BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), count))
    return outOfMemoryError("the bindings of a call");
  bindArguments(plan, arguments, bindings.data());
  return state.device->execute(*plan.commands, bindings.span());
}

Status ProgramModule::executeInterpreted(ProgramState &state,
                                         const CallPlan &plan,
                                         Arguments arguments) const {
  CallPlan own = plan;
  FUSILLI_STATUS_ASSIGN(
      Ref<hal::CommandBuffer> commands,
      record(state, reader_.program(), hal::kCommandBufferOneShot, own, {}));
  own.commands = commands.get();
  return execute(state, own, arguments);
}

Status ProgramModule::callAsync(ProgramState &state,
                                Arguments arguments) const {
  if (arguments.size() != argumentCount() + 2)
    return invalidArgumentError(strCat("call with ", arguments.size(),
                                       " arguments, the function takes ",
                                       argumentCount() + 2));
  Arguments own = arguments.first(argumentCount());
  hal::Fence *fences[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    RefObject *fence = arguments[argumentCount() + i];
    fences[i] = refCast<hal::Fence>(fence);
    if (fence != nullptr && fences[i] == nullptr)
      return invalidArgumentError(strCat(i == 0 ? "wait" : "signal",
                                         " fence is a ", fence->type()->name));
  }
  ShapeLease shape;
  CallPlan plan;
  FUSILLI_STATUS_RETURN_IF_ERROR(preparePlan(state, own, shape, plan));
  Ref<hal::CommandBuffer> interpreted;
  if (plan.commands == nullptr) {
    FUSILLI_STATUS_ASSIGN(
        interpreted,
        record(state, reader_.program(), hal::kCommandBufferOneShot, plan, {}));
    plan.commands = interpreted.get();
  }
  HostArray<BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), slotCount()))
    return outOfMemoryError("the bindings of a call");
  auto wait = Ref<hal::Fence>::share(fences[0]);
  FUSILLI_STATUS_ASSIGN(Ref<PreparedSet> prepared,
                        preparedBehind(state, own, wait));
  plan.prepared = prepared ? prepared->memory.get() : nullptr;
  bindArguments(plan, own, bindings.data());
  return state.device->queueExecute(wait.get(), fences[1], plan.commands,
                                    bindings.span());
}

BoundCall::BoundCall(HostAllocator &allocator, Ref<Context> context,
                     ProgramModule &module, ProgramState &state) noexcept
    : RefObject(kType, allocator), context_(std::move(context)),
      module_(module), state_(state) {}

BoundCall::~BoundCall() = default;

StatusOr<Ref<BoundCall>> BoundCall::create(Ref<Context> context,
                                           const Function &function,
                                           Arguments arguments,
                                           HostAllocator &allocator) {
  auto *module = dynamic_cast<ProgramModule *>(function.module);
  ModuleState *state = context && module != nullptr && function.ordinal == 0
                           ? context->state(module)
                           : nullptr;
  if (state == nullptr || module->mode_ != ProgramMode::Recorded)
    return invalidArgumentError("only a recorded program's main can be bound");
  ShapeLease shape;
  CallPlan plan;
  FUSILLI_STATUS_RETURN_IF_ERROR(module->preparePlan(
      *static_cast<ProgramState *>(state), arguments, shape, plan));
  auto call = makeRef<BoundCall>(allocator, std::move(context), *module,
                                 *static_cast<ProgramState *>(state));
  if (!call || !call->arguments_.allocate(allocator, arguments.size()) ||
      !call->bindings_.allocate(allocator, module->slotCount()))
    return outOfMemoryError("a bound call");
  call->bind(plan, arguments);
  for (size_t i = 0; i < arguments.size(); ++i)
    call->arguments_[i] = Ref<RefObject>::share(arguments[i]);
  return call;
}

void BoundCall::bind(const CallPlan &plan, Arguments arguments) {
  commands_ = Ref<hal::CommandBuffer>::share(plan.commands);
  ProgramModule::bindArguments(plan, arguments, bindings_.data());
}

Arguments BoundCall::arguments() const noexcept {
  // A Ref is exactly its pointer.
  return {reinterpret_cast<RefObject *const *>(arguments_.data()),
          arguments_.size()};
}

bool BoundCall::isStale() const noexcept {
  return !prepared_ ||
         releases_ != state_.releases.load(std::memory_order_relaxed);
}

Status BoundCall::refreshPrepared() {
  prepared_.reset(); // before the new one needs memory
  releases_ = state_.releases.load(std::memory_order_relaxed);
  FUSILLI_STATUS_ASSIGN(prepared_, module_.preparedFor(state_, arguments()));
  bindings_.span().back().buffer = prepared_->memory.get();
  return okStatus();
}

Status BoundCall::execute() {
  if (module_.hasPrepared() && isStale()) [[unlikely]]
    FUSILLI_STATUS_RETURN_IF_ERROR(refreshPrepared());
  return state_.device->execute(*commands_, bindings_.span());
}

Status BoundCall::setArgument(size_t index, RefObject *argument) {
  if (index >= arguments_.size())
    return outOfRangeError(
        strCat("argument ", index, " of ", arguments_.size()));
  Ref<RefObject> before = std::move(arguments_[index]);
  arguments_[index] = Ref<RefObject>::share(argument);
  ShapeLease shape;
  CallPlan plan;
  Status status = module_.preparePlan(state_, arguments(), shape, plan);
  if (!status.isOk()) {
    arguments_[index] = std::move(before);
    return status;
  }
  if (prepared_ && !module_.isPreparedFor(*prepared_, arguments()))
    prepared_.reset();
  plan.prepared = prepared_ ? prepared_->memory.get() : nullptr;
  bind(plan, arguments());
  return okStatus();
}

} // namespace fusilli::vm
