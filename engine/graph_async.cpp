// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fences, bound calls and asynchronous execution.
#include "engine/access.h"
#include "engine/graph_arguments.h"
#include "engine/status_error.h"

#include "fusilli/backend/fence.h"
#include "fusilli/graph/bound_call.h"

#include <algorithm>

namespace fusilli {

using engine::LoadedGraph;
using engine::TensorPtr;
using engine::toErrorObject;

namespace {
// A fence of its own has one semaphore, reached at this value.
constexpr uint64_t kReached = 1;
} // namespace

ErrorOr<Fence> Fence::create() {
  FUSILLI_ENGINE_ASSIGN(Ref<hal::Semaphore> semaphore,
                        hal::Semaphore::create());
  FUSILLI_ENGINE_ASSIGN(Ref<hal::Fence> fence,
                        hal::Fence::createAt(std::move(semaphore), kReached));
  return Fence(std::make_shared<Impl>(Impl{std::move(fence), false}));
}

ErrorOr<Fence> Fence::join(std::span<const Fence> fences) {
  std::vector<hal::Fence *> all;
  for (const Fence &fence : fences)
    all.push_back(detail::EngineAccess::fence(fence));
  FUSILLI_ENGINE_ASSIGN(Ref<hal::Fence> joined, hal::Fence::join(all));
  if (!joined)
    return Fence();
  return Fence(std::make_shared<Impl>(Impl{std::move(joined), true}));
}

ErrorOr<bool> Fence::isReached() const {
  Status status = hal::Fence::query(detail::EngineAccess::fence(*this));
  if (status.code() == StatusCode::Deferred)
    return false;
  if (!status.isOk())
    return toErrorObject(std::move(status), "fence");
  return true;
}

ErrorObject Fence::wait() const {
  return toErrorObject(hal::Fence::wait(detail::EngineAccess::fence(*this)),
                       "fence");
}

ErrorObject Fence::waitFor(std::chrono::nanoseconds timeout) const {
  return toErrorObject(hal::Fence::wait(detail::EngineAccess::fence(*this),
                                        std::max<int64_t>(timeout.count(), 0)),
                       "fence");
}

ErrorObject Fence::signal() {
  if (impl_ && impl_->isJoined)
    return error(ErrorCode::RuntimeFailure,
                 "fence: a joined fence is reached by those it joins");
  return toErrorObject(hal::Fence::signal(detail::EngineAccess::fence(*this)),
                       "fence");
}

struct BoundCall::Impl {
  // The instance and the device go last.
  Ref<vm::Instance> instance;
  Ref<hal::Device> device;
  std::vector<TensorPtr> tensors; // of the arguments
  Ref<vm::BoundCall> call;
};

BoundCall::BoundCall(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoundCall::BoundCall(BoundCall &&other) noexcept = default;
BoundCall &BoundCall::operator=(BoundCall &&other) noexcept = default;
BoundCall::~BoundCall() = default;

ErrorObject BoundCall::execute() {
  if (!impl_) [[unlikely]]
    return error(ErrorCode::NotCompiled, "a bound call that was moved from");
  Status status = impl_->call->execute();
  if (!status.isOk()) [[unlikely]]
    return toErrorObject(std::move(status), "bound call failed");
  return ok();
}

ErrorObject BoundCall::setBuffer(const std::shared_ptr<TensorAttr> &tensor,
                                 const std::shared_ptr<Buffer> &buffer) {
  if (!impl_)
    return error(ErrorCode::NotCompiled, "a bound call that was moved from");
  auto it = std::ranges::find(impl_->tensors, tensor);
  if (!tensor || it == impl_->tensors.end())
    return error(ErrorCode::VariantPackError,
                 "tensor '" + (tensor ? tensor->getName() : std::string()) +
                     "' is no argument of the bound program");
  hal::BufferView *view =
      buffer ? detail::EngineAccess::view(*buffer) : nullptr;
  if (!view)
    return error(ErrorCode::VariantPackError,
                 "the buffer for tensor '" + tensor->getName() + "' is null");
  auto index = static_cast<size_t>(it - impl_->tensors.begin());
  Status status = impl_->call->setArgument(index, view);
  ErrorCode code = status.code() == StatusCode::InvalidArgument
                       ? ErrorCode::InvalidArgument
                       : ErrorCode::RuntimeFailure;
  return toErrorObject(std::move(status), "bound call", code);
}

ErrorOr<BoundCall> Graph::bind(const Handle &handle,
                               const engine::VariantPack &pack,
                               const std::shared_ptr<Buffer> &workspace) const {
  const LoadedGraph *loaded = engine::loadedOf(*this);
  FUSILLI_CHECK_ERROR(engine::checkExecutable(*this, loaded, handle));
  std::vector<RefObject *> arguments(loaded->arguments.size() + 1);
  FUSILLI_CHECK_ERROR(engine::collectArguments(*this, *loaded, pack, workspace,
                                               arguments.data()));
  StatusOr<Ref<vm::BoundCall>> call = loaded->program->bind(arguments);
  if (!call.isOk())
    return engine::callFailed(*this, *loaded, arguments,
                              std::move(call).status());
  auto impl = std::make_unique<BoundCall::Impl>();
  const auto *device = detail::EngineAccess::impl(handle);
  impl->instance = device->instance;
  impl->device = device->device;
  impl->tensors = loaded->arguments;
  impl->call = *std::move(call);
  return BoundCall(std::move(impl));
}

ErrorObject Graph::executeAsync(const Handle &handle,
                                const engine::VariantPack &pack,
                                const std::shared_ptr<Buffer> &workspace,
                                const Fence &wait, const Fence &signal) const {
  const LoadedGraph *loaded = engine::loadedOf(*this);
  FUSILLI_CHECK_ERROR(engine::checkExecutable(*this, loaded, handle));
  size_t count = loaded->arguments.size() + 1;
  std::vector<RefObject *> arguments(count + 2);
  FUSILLI_CHECK_ERROR(engine::collectArguments(*this, *loaded, pack, workspace,
                                               arguments.data()));
  arguments[count] = detail::EngineAccess::fence(wait);
  arguments[count + 1] = detail::EngineAccess::fence(signal);
  Status status = loaded->program->invokeAsync(arguments);
  if (!status.isOk())
    return engine::callFailed(*this, *loaded,
                              vm::Arguments(arguments).first(count),
                              std::move(status));
  return ok();
}

} // namespace fusilli
