// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What depends on constant arguments alone: computed before the first call, and
// again when a call brings other buffers or the owner lets go of it.
#include "runtime/base/trace.h"
#include "runtime/vm/modules/program_module.h"
#include "runtime/vm/modules/program_state.h"

namespace fusilli::vm {

constexpr TypeDescriptor PreparedSet::kType{"vm.prepared_set",
                                            ObjectKind::Other};

namespace {

uint64_t idOf(const RefObject *argument) {
  return static_cast<const hal::BufferView *>(argument)->buffer()->id();
}

} // namespace

bool ProgramModule::isPreparedFor(const PreparedSet &set,
                                  Arguments arguments) const noexcept {
  size_t next = 0;
  for (size_t i = outputCount_; i < args_.size(); ++i)
    if (args_[i].isConstant && set.ids[next++] != idOf(arguments[i]))
      return false;
  return true;
}

StatusOr<Ref<PreparedSet>>
ProgramModule::makePreparedSet(ProgramState &state, Arguments arguments) const {
  size_t count = 0;
  for (const ProgramArg &arg : args_)
    count += arg.isConstant ? 1 : 0;
  HostArray<uint64_t> ids;
  if (!ids.allocate(hostAllocator(), count))
    return outOfMemoryError("the prepared values of a program");
  size_t next = 0;
  for (size_t i = outputCount_; i < args_.size(); ++i)
    if (args_[i].isConstant)
      ids[next++] = idOf(arguments[i]);
  FUSILLI_STATUS_ASSIGN(Ref<hal::Buffer> memory,
                        state.device->allocator().allocate({}, preparedSize()));
  auto set =
      makeRef<PreparedSet>(hostAllocator(), std::move(memory), std::move(ids));
  if (!set)
    return outOfMemoryError("the prepared values of a program");
  return set;
}

void ProgramModule::bindConstants(const PreparedSet &set, Arguments arguments,
                                  hal::BufferRef *bindings) const noexcept {
  // Nothing else is read: a call of another shape has other buffers.
  size_t count = args_.size();
  for (size_t i = 0; i < count; ++i)
    if (args_[i].isConstant)
      bindings[i] = {static_cast<hal::BufferView *>(arguments[i])->buffer(), 0,
                     0, args_[i].byteLength};
  bindings[count + 1] = {set.memory.get(), 0, 0, preparedSize()};
}

StatusOr<Ref<PreparedSet>>
ProgramModule::preparedFor(ProgramState &state, Arguments arguments) const {
  if (!hasPrepared())
    return Ref<PreparedSet>();
  // Held while it is computed: who comes meanwhile needs it as well.
  std::lock_guard lock(state.preparedMutex);
  if (state.queued) {
    Status status = hal::Fence::query(state.queuedFence.get());
    if (status.isOk())
      state.prepared = std::move(state.queued);
    if (status.code() != StatusCode::Deferred) {
      state.queued.reset();
      state.queuedFence.reset();
    }
  }
  if (state.prepared && isPreparedFor(*state.prepared, arguments)) [[likely]]
    return state.prepared;
  state.prepared.reset(); // before the new one needs memory
  trace::Span span("execute", "prepare constants");
  FUSILLI_STATUS_ASSIGN(Ref<PreparedSet> set,
                        makePreparedSet(state, arguments));
  HostArray<hal::BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), slotCount()))
    return outOfMemoryError("the bindings of a call");
  bindConstants(*set, arguments, bindings.data());
  FUSILLI_STATUS_RETURN_IF_ERROR(
      state.device->execute(*state.prepare, bindings.span()));
  state.prepared = set;
  return set;
}

StatusOr<Ref<PreparedSet>>
ProgramModule::preparedBehind(ProgramState &state, Arguments arguments,
                              Ref<hal::Fence> &wait) const {
  if (!hasPrepared() || hal::Fence::query(wait.get()).isOk())
    return preparedFor(state, arguments);
  {
    std::lock_guard lock(state.preparedMutex);
    if (state.prepared && isPreparedFor(*state.prepared, arguments))
      return state.prepared;
  }
  // The constants may be what `wait` is for. A set of its own: a call must not
  // wait for another one that its client did not name.
  FUSILLI_STATUS_ASSIGN(Ref<PreparedSet> set,
                        makePreparedSet(state, arguments));
  FUSILLI_STATUS_ASSIGN(Ref<hal::Semaphore> semaphore,
                        hal::Semaphore::create(0, hostAllocator()));
  FUSILLI_STATUS_ASSIGN(
      Ref<hal::Fence> done,
      hal::Fence::createAt(std::move(semaphore), 1, hostAllocator()));
  HostArray<hal::BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), slotCount()))
    return outOfMemoryError("the bindings of a call");
  bindConstants(*set, arguments, bindings.data());
  FUSILLI_STATUS_RETURN_IF_ERROR(state.device->queueExecute(
      wait.get(), done.get(), state.prepare.get(), bindings.span()));
  std::lock_guard lock(state.preparedMutex);
  state.queued = set;
  state.queuedFence = done;
  wait = std::move(done);
  return set;
}

uint64_t ProgramModule::preparedBytes(ModuleState &state) const {
  auto &own = static_cast<ProgramState &>(state);
  std::lock_guard lock(own.preparedMutex);
  return ((own.prepared ? 1 : 0) + (own.queued ? 1 : 0)) * preparedSize();
}

uint64_t ProgramModule::releasePrepared(ModuleState &state) const {
  auto &own = static_cast<ProgramState &>(state);
  std::lock_guard lock(own.preparedMutex);
  own.releases.fetch_add(1, std::memory_order_relaxed);
  uint64_t bytes =
      ((own.prepared ? 1 : 0) + (own.queued ? 1 : 0)) * preparedSize();
  own.prepared.reset();
  own.queued.reset();
  own.queuedFence.reset();
  return bytes;
}

} // namespace fusilli::vm
