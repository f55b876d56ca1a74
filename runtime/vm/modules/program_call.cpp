// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calling: argument checks, binding, execution. The checks first ask whether
// all is right, in few instructions; only a failure is then explained.
#include "runtime/vm/modules/program_module.h"

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

/// Memory of an argument that passed its check.
std::byte *addressOf(RefObject *argument) {
  return static_cast<BufferView *>(argument)->buffer()->hostPointer();
}

bool overlap(const std::byte *a, uint64_t aBytes, const std::byte *b,
             uint64_t bBytes) {
  auto aBegin = reinterpret_cast<uintptr_t>(a);
  auto bBegin = reinterpret_cast<uintptr_t>(b);
  return aBegin < bBegin + bBytes && bBegin < aBegin + aBytes;
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
      dims.size() != arg.dims.size() || buffer.byteLength() < arg.byteLength ||
      !allows(buffer, usageOf(arg), accessOf(arg)))
    return false;
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != static_cast<hal::DeviceSize>(arg.dims[i]))
      return false;
  return true;
}

Status ProgramModule::explainArgument(const ProgramArg &arg,
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
  if (view->rank() != arg.dims.size())
    return invalidArgumentError(strCat(name, " has rank ", view->rank(),
                                       ", expected ", arg.dims.size()));
  for (size_t i = 0; i < arg.dims.size(); ++i)
    if (view->dim(i) != static_cast<hal::DeviceSize>(arg.dims[i]))
      return invalidArgumentError(
          strCat(name, " has dim ", i, " of ", view->dim(i), ", expected ",
                 arg.dims[i], " (given ", dimsText(view->dims()), ", expected ",
                 dimsText(unsignedDims(arg)), ")"));
  const Buffer &buffer = *view->buffer();
  if (buffer.byteLength() < arg.byteLength)
    return invalidArgumentError(
        strCat(name, " has a buffer of ", buffer.byteLength(),
               " bytes, expected at least ", arg.byteLength));
  return explainRights(buffer, usageOf(arg), accessOf(arg)).annotate(name);
}

Status ProgramModule::checkWorkspace(RefObject *workspace) const {
  uint64_t needed = workspaceSize();
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

Status ProgramModule::checkArguments(Arguments arguments) const {
  if (arguments.size() != argumentCount()) [[unlikely]]
    return invalidArgumentError(strCat("call with ", arguments.size(),
                                       " arguments, the function takes ",
                                       argumentCount()));
  for (size_t i = 0; i < args_.size(); ++i)
    if (!acceptsArgument(args_[i], arguments[i])) [[unlikely]]
      return explainArgument(args_[i], arguments[i]);
  FUSILLI_STATUS_RETURN_IF_ERROR(checkWorkspace(arguments.back()));
  return checkOverlap(arguments);
}

Status ProgramModule::checkOverlap(Arguments arguments) const {
  for (size_t o = 0; o < outputCount_; ++o) {
    const ProgramArg &output = args_[o];
    const std::byte *begin = addressOf(arguments[o]);
    for (size_t j = o + 1; j < args_.size(); ++j) {
      const ProgramArg &other = args_[j];
      const std::byte *otherBegin = addressOf(arguments[j]);
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
  if (workspaceSize() == 0) [[likely]]
    return okStatus();
  const auto *workspace =
      static_cast<Buffer *>(arguments.back())->hostPointer();
  for (size_t i = 0; i < args_.size(); ++i)
    if (overlap(workspace, workspaceSize(), addressOf(arguments[i]),
                args_[i].byteLength))
      return invalidArgumentError(
          strCat("workspace overlaps ", describe(args_[i])));
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

void ProgramModule::bindArguments(Arguments arguments,
                                  BufferRef *bindings) const noexcept {
  for (size_t i = 0; i < args_.size(); ++i)
    bindings[i] = {static_cast<BufferView *>(arguments[i])->buffer(), 0, 0,
                   args_[i].byteLength};
  bindings[args_.size()] = {
      workspaceSize() != 0 ? static_cast<Buffer *>(arguments.back()) : nullptr,
      0, 0, workspaceSize()};
}

Status ProgramModule::call(ModuleState *state, uint16_t ordinal,
                           Arguments arguments, List *) {
  auto &own = *static_cast<ProgramState *>(state);
  return ordinal == 0 ? callBlocking(own, arguments)
                      : callAsync(own, arguments);
}

Status ProgramModule::callBlocking(ProgramState &state,
                                   Arguments arguments) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkArguments(arguments));
  if (mode_ == ProgramMode::Interpreted) [[unlikely]]
    return callInterpreted(state, arguments);
  size_t count = arguments.size();
  if (count <= kStackArguments) [[likely]] {
    BufferRef bindings[kStackArguments];
    bindArguments(arguments, bindings);
    return state.device->execute(*state.commands, {bindings, count});
  }
  if (count <= kMaxStackArguments) {
    auto *bindings =
        static_cast<BufferRef *>(__builtin_alloca(count * sizeof(BufferRef)));
    bindArguments(arguments, bindings);
    return state.device->execute(*state.commands, {bindings, count});
  }
  HostArray<BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), count))
    return outOfMemoryError("the bindings of a call");
  bindArguments(arguments, bindings.data());
  return state.device->execute(*state.commands, bindings.span());
}

Status ProgramModule::callInterpreted(ProgramState &state,
                                      Arguments arguments) const {
  HostArray<BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), arguments.size()))
    return outOfMemoryError("the bindings of a call");
  bindArguments(arguments, bindings.data());
  FUSILLI_STATUS_ASSIGN(Ref<hal::CommandBuffer> commands, commandsOf(state));
  return state.device->execute(*commands, bindings.span());
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
  FUSILLI_STATUS_RETURN_IF_ERROR(checkArguments(own));
  HostArray<BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), own.size()))
    return outOfMemoryError("the bindings of a call");
  bindArguments(own, bindings.data());
  FUSILLI_STATUS_ASSIGN(Ref<hal::CommandBuffer> commands, commandsOf(state));
  return state.device->queueExecute(fences[0], fences[1], commands.get(),
                                    bindings.span());
}

BoundCall::BoundCall(HostAllocator &allocator, Ref<Context> context,
                     ProgramModule &module, ProgramState &state) noexcept
    : RefObject(kType, allocator), context_(std::move(context)),
      module_(module), state_(state) {}

StatusOr<Ref<BoundCall>> BoundCall::create(Ref<Context> context,
                                           const Function &function,
                                           Arguments arguments,
                                           HostAllocator &allocator) {
  auto *module = dynamic_cast<ProgramModule *>(function.module);
  ModuleState *state = context && module != nullptr && function.ordinal == 0
                           ? context->state(module)
                           : nullptr;
  if (state == nullptr || module->mode_ != ProgramMode::Recorded)
    return invalidArgumentError("only a static program's main can be bound");
  FUSILLI_STATUS_RETURN_IF_ERROR(module->checkArguments(arguments));
  auto call = makeRef<BoundCall>(allocator, std::move(context), *module,
                                 *static_cast<ProgramState *>(state));
  if (!call || !call->arguments_.allocate(allocator, arguments.size()) ||
      !call->bindings_.allocate(allocator, arguments.size()))
    return outOfMemoryError("a bound call");
  for (size_t i = 0; i < arguments.size(); ++i)
    call->arguments_[i] = Ref<RefObject>::share(arguments[i]);
  module->bindArguments(arguments, call->bindings_.data());
  return call;
}

Status BoundCall::execute() {
  return state_.device->execute(*state_.commands, bindings_.span());
}

Status BoundCall::setArgument(size_t index, RefObject *argument) {
  if (index >= arguments_.size())
    return outOfRangeError(
        strCat("argument ", index, " of ", arguments_.size()));
  Ref<RefObject> before = std::move(arguments_[index]);
  arguments_[index] = Ref<RefObject>::share(argument);
  // A Ref is exactly its pointer.
  Arguments all(reinterpret_cast<RefObject *const *>(arguments_.data()),
                arguments_.size());
  Status status = module_.checkArguments(all);
  if (!status.isOk()) {
    arguments_[index] = std::move(before);
    return status;
  }
  module_.bindArguments(all, bindings_.data());
  return okStatus();
}

} // namespace fusilli::vm
