// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executions: blocking, queued, bound, wrong.
#include "tests/soak/worker.h"

#include "tests/soak/faults.h"

#include <chrono>
#include <limits>
#include <sstream>

namespace fusilli::soak {
namespace {

std::vector<float> floatsOf(std::span<const uint8_t> bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

ErrorOr<BufferPtr> allocate(const Handle &handle, const TensorPtr &tensor,
                            const std::vector<float> &content) {
  const std::vector<int64_t> dims = tensor->getPhysicalDim();
  FUSILLI_ASSIGN_OR_RETURN(
      Buffer buffer,
      Buffer::allocate(handle,
                       std::vector<iree_hal_dim_t>(dims.begin(), dims.end()),
                       content));
  Buffer moved(std::move(buffer));
  return ok(std::make_shared<Buffer>(std::move(moved)));
}

// Not-a-number, so that an element that was not written is seen.
ErrorOr<BufferPtr> allocateOutput(const Handle &handle,
                                  const TensorPtr &tensor) {
  size_t count = 1;
  for (int64_t extent : tensor->getPhysicalDim())
    count *= static_cast<size_t>(extent);
  return allocate(
      handle, tensor,
      std::vector<float>(count, std::numeric_limits<float>::quiet_NaN()));
}

bool isCancellation(const ErrorObject &status) {
  return status.getMessage().find("CANCELLED") != std::string::npos;
}

} // namespace

ErrorOr<BufferPtr> Worker::inputBuffer(const Call &call,
                                       const std::string &name) {
  return allocate(*call.handle, call.program->inputs.at(name),
                  floatsOf(call.recipe->inputs(call.set).at(name).bytes()));
}

ErrorObject Worker::renewOutputs(Call &call) {
  for (const auto &[name, tensor] : call.program->outputs) {
    FUSILLI_ASSIGN_OR_RETURN(BufferPtr buffer,
                             allocateOutput(*call.handle, tensor));
    call.results[name] = buffer;
    call.pack[tensor] = std::move(buffer);
  }
  return ok();
}

ErrorObject Worker::renewWorkspace(Call &call) {
  if (!call.workspace)
    return ok();
  FUSILLI_ASSIGN_OR_RETURN(
      Buffer own,
      Buffer::allocateRaw(*call.handle, call.program->workspaceBytes));
  call.workspace = std::make_shared<Buffer>(std::move(own));
  return ok();
}

ErrorOr<Call> Worker::makeCall(LoadedPtr program, HandlePtr handle) {
  Call call;
  call.recipe = program->recipe;
  call.program = std::move(program);
  call.handle = std::move(handle);
  call.set = static_cast<int>(random_() % Recipe::kSets);
  for (const auto &[name, tensor] : call.program->inputs) {
    FUSILLI_ASSIGN_OR_RETURN(call.pack[tensor], inputBuffer(call, name));
  }
  FUSILLI_CHECK_ERROR(renewOutputs(call));
  if (call.program->workspaceBytes != 0) {
    FUSILLI_ASSIGN_OR_RETURN(
        Buffer workspace,
        Buffer::allocateRaw(*call.handle, call.program->workspaceBytes));
    call.workspace = std::make_shared<Buffer>(std::move(workspace));
  }
  return ok(std::move(call));
}

void Worker::checkResults(const Call &call) {
  HandlePtr handle = call.handle ? call.handle : anyHandle();
  if (!handle)
    return;
  for (const auto &[name, buffer] : call.results) {
    std::vector<float> content;
    if (!passed(buffer->read(*handle, content)))
      return;
    if (std::string wrong = call.recipe->check(call.set, name, content);
        !wrong.empty())
      return fail("wrong result: " + wrong);
    stage_.statistics.checked();
  }
}

void Worker::prepare() {
  HandlePtr handle = anyHandle();
  LoadedPtr program;
  if (chance(2) || programs_.empty())
    program = stage_.copy(pick(stage_.programs));
  else
    program = pick(programs_);
  if (!program || !program->isLoaded || !handle)
    return;
  if (calls_.size() >= kMost)
    dropOne(calls_);
  ErrorOr<Call> call = makeCall(std::move(program), std::move(handle));
  if (passed(call))
    calls_.push_back(std::move(*call));
}

void Worker::execute() {
  if (calls_.empty())
    return;
  Call &call = pick(calls_);
  if (chance(2) && !passed(renewOutputs(call)))
    return;
  ErrorObject status =
      call.program->graph.execute(*call.handle, call.pack, call.workspace);
  if (!call.program->isLoaded)
    return expect(status, ErrorCode::NotCompiled, "a graph without a program");
  if (passed(status))
    checkResults(call);
}

void Worker::misuse() {
  if (calls_.empty())
    return;
  const Call &call = pick(calls_);
  if (!call.program->isLoaded)
    return;
  const Graph &graph = call.program->graph;
  Pack pack = call.pack;
  switch (random_() % 4) {
  case 0:
    pack.erase(pack.begin());
    return expect(graph.execute(*call.handle, pack, call.workspace),
                  ErrorCode::VariantPackError, "a buffer is missing");
  case 1:
    if (call.program->workspaceBytes == 0)
      return;
    return expect(graph.execute(*call.handle, pack, nullptr),
                  ErrorCode::InvalidArgument, "the workspace is missing");
  case 2: {
    ErrorOr<Handle> created = Handle::create(Backend::CPU);
    if (!passed(created))
      return;
    Handle moved(std::move(*created));
    return expect(graph.execute(*created, pack, call.workspace),
                  ErrorCode::InternalError, "a handle that was moved from");
  }
  default: {
    ErrorOr<Buffer> small =
        Buffer::allocate(*call.handle, {2}, std::vector<float>(3));
    return expect(ErrorObject(small), ErrorCode::RuntimeFailure,
                  "a buffer of another size than its content");
  }
  }
}

void Worker::submit() {
  if (inFlight_.size() >= kMost || calls_.empty())
    return;
  InFlight work{.call = pick(calls_), .done = {}, .gate = {}, .handles = {}};
  Call &call = work.call;
  if (!call.program->isLoaded || !passed(renewOutputs(call)) ||
      !passed(renewWorkspace(call)))
    return;
  work.handles = {call.handle, call.program->loadedOn};
  std::vector<Fence> waits;
  if (chance(3)) {
    ErrorOr<Fence> gate = Fence::create();
    if (!passed(gate))
      return;
    work.gate = *gate;
    waits.push_back(*gate);
  }
  if (!inFlight_.empty() && chance(2)) {
    InFlight &before = pick(inFlight_);
    waits.push_back(before.done);
    work.handles.insert(work.handles.end(), before.handles.begin(),
                        before.handles.end());
  }
  ErrorOr<Fence> wait = Fence::join(waits), done = Fence::create();
  if (!passed(wait) || !passed(done))
    return;
  work.done = *done;
  if (!passed(call.program->graph.executeAsync(*call.handle, call.pack,
                                               call.workspace, *wait, *done)))
    return;
  // From here on only the fence is needed.
  if (chance(2))
    call.pack.clear();
  if (chance(2))
    call.program.reset();
  if (chance(2))
    call.workspace.reset();
  if (chance(2))
    call.handle.reset();
  if (!work.gate.isNull() && chance(2))
    stage_.exchange(pick(stage_.gates), work.gate);
  inFlight_.push_back(std::move(work));
}

void Worker::finish() {
  if (inFlight_.empty())
    return;
  // All of them: each may wait for one before it.
  std::vector<InFlight> all = std::move(inFlight_);
  inFlight_.clear();
  for (InFlight &work : all) {
    if (work.gate.isNull())
      continue;
    // Another thread may be quicker.
    if (ErrorObject status = work.gate.signal(); isError(status)) {
      ErrorOr<bool> reached = work.gate.isReached();
      if (!passed(reached))
        return;
      if (!*reached)
        return fail("a fence that cannot be signalled is not reached");
    }
  }
  while (!all.empty()) {
    std::swap(pick(all), all.back());
    InFlight work = std::move(all.back());
    all.pop_back();
    ErrorObject status = work.done.wait();
    bool mayBeCancelled = false;
    for (const auto &handle : work.handles)
      mayBeCancelled |= handle.expired();
    if (isError(status) && mayBeCancelled && isCancellation(status))
      stage_.statistics.refused(status);
    else if (passed(status))
      checkResults(work.call);
  }
}

void Worker::signalOthers() {
  Fence gate = stage_.exchange(pick(stage_.gates), Fence());
  if (isError(gate.signal())) {
    ErrorOr<bool> reached = gate.isReached();
    if (passed(reached) && !*reached)
      fail("a fence that cannot be signalled is not reached");
  }
}

void Worker::bind() {
  if (bound_.size() >= kMost)
    dropOne(bound_);
  if (calls_.empty())
    return;
  Call call = pick(calls_);
  if (!call.program->isLoaded || !passed(renewOutputs(call)) ||
      !passed(renewWorkspace(call)))
    return;
  ErrorOr<BoundCall> bound =
      call.program->graph.bind(*call.handle, call.pack, call.workspace);
  if (!passed(bound))
    return;
  if (chance(2)) { // it keeps what it uses
    call.pack.clear();
    call.workspace.reset();
  }
  BoundCall moved(std::move(*bound));
  bound_.push_back(
      std::make_unique<Bound>(Bound{std::move(moved), std::move(call)}));
}

void Worker::executeBound() {
  if (bound_.empty())
    return;
  Bound &bound = *pick(bound_);
  for (uint64_t times = 1 + random_() % 4; times-- > 0;)
    if (!passed(bound.bound.execute()))
      return;
  checkResults(bound.call);
}

void Worker::rebind() {
  if (bound_.empty())
    return;
  std::swap(pick(bound_), bound_.back());
  Bound &bound = *bound_.back();
  Call &call = bound.call;
  call.set = static_cast<int>(random_() % Recipe::kSets);
  const auto set = [&](const TensorPtr &tensor,
                       const ErrorOr<BufferPtr> &buffer) {
    return passed(buffer) && passed(bound.bound.setBuffer(tensor, *buffer));
  };
  for (const auto &[name, tensor] : call.program->inputs)
    if (!set(tensor, inputBuffer(call, name)))
      return bound_.pop_back(); // it has inputs of two sets now
  for (const auto &[name, tensor] : call.program->outputs) {
    ErrorOr<BufferPtr> buffer = allocateOutput(*call.handle, tensor);
    if (!set(tensor, buffer))
      return bound_.pop_back();
    call.results[name] = *buffer;
  }
  executeBound();
}

void Worker::handOver() {
  if (bound_.empty())
    return;
  std::unique_ptr<Bound> mine = std::move(bound_.back());
  bound_.pop_back();
  if (auto other = stage_.exchange(pick(stage_.bound), std::move(mine)))
    bound_.push_back(std::move(other));
}

void Worker::useBuffers() {
  HandlePtr handle = anyHandle();
  if (!handle)
    return;
  std::vector<float> content(1 + random_() % 5000);
  for (float &value : content)
    value = static_cast<float>(random_() % 1000);
  ErrorOr<Buffer> buffer = Buffer::allocate(*handle, {content.size()}, content);
  if (!passed(buffer))
    return;
  ErrorOr<Buffer> shared = Buffer::import(*buffer);
  if (!passed(shared))
    return;
  if (chance(2)) { // the memory lives on
    Buffer gone(std::move(*buffer));
  }
  std::vector<float> read;
  if (passed(shared->read(*handle, read)) && read != content)
    fail("a buffer has another content than it was given");
}

} // namespace fusilli::soak
