// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "tools/fusilli-run/runner.h"

#include "artifact/format.h"
#include "engine/compile.h"
#include "engine/file_io.h"
#include "engine/status_error.h"
#include "graph/graph_def.h"
#include "runtime/hal/driver_registry.h"
#include "runtime/hal/drivers/registration.h"
#include "runtime/vm/modules/hal_module.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace fusilli::run {
namespace {

bool startsWith(const std::vector<uint8_t> &file, size_t offset,
                std::string_view text) {
  return file.size() >= offset + text.size() &&
         std::memcmp(file.data() + offset, text.data(), text.size()) == 0;
}

ErrorOr<std::vector<uint8_t>> compile(std::span<const uint8_t> program,
                                      bool isText) {
  engine::CompileInput input{.program = program, .isText = isText};
  FUSILLI_ASSIGN_OR_RETURN(engine::CompileTarget target,
                           engine::currentCompileTarget(Backend::CPU));
  FUSILLI_ASSIGN_OR_RETURN(engine::StoreKey key,
                           engine::compileKey(input, target));
  FUSILLI_ASSIGN_OR_RETURN(engine::StoreEntry entry,
                           engine::compileOrLookUp(input, target, key));
  return ok(std::move(entry.artifact));
}

} // namespace

ErrorOr<std::vector<uint8_t>> artifactOf(const std::string &path,
                                         bool allowSharedWritable) {
  struct stat info;
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> file,
                           engine::readFile(path, info));
  // Something that begins like an artifact is one, or a damaged one.
  if (startsWith(file, 0, std::string_view(artifact::kMagic, 7))) {
    FUSILLI_CHECK_ERROR(
        engine::checkArtifactFile(path, info, allowSharedWritable));
    return ok(std::move(file));
  }
  if (startsWith(file, 4, "FSGD"))
    return compile(file, /*isText=*/false);
  auto first = std::find_if(file.begin(), file.end(), [](uint8_t c) {
    return c != ' ' && c != '\n' && c != '\t' && c != '\r';
  });
  if (first == file.end())
    return error(ErrorCode::InvalidArgument, "the file is empty");
  std::string_view text(reinterpret_cast<const char *>(file.data()),
                        file.size());
  if (*first == '{') {
    FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> graphDef,
                             graph::graphDefFromJson(text));
    return compile(graphDef, /*isText=*/false);
  }
  if (text.find('\0') != std::string_view::npos)
    return error(ErrorCode::InvalidArgument,
                 "the file is neither an artifact nor a GraphDef nor text");
  return compile(file, /*isText=*/true);
}

ErrorOr<std::unique_ptr<Runner>>
Runner::create(const std::vector<uint8_t> &artifact, uint32_t threads) {
  std::unique_ptr<Runner> runner(new Runner());
  FUSILLI_CHECK_ERROR(engine::toErrorObject(hal::registerAllDriversOnce()));
  FUSILLI_ENGINE_ASSIGN(runner->instance_,
                        vm::Instance::shared(&vm::registerHalTypes));
  FUSILLI_ENGINE_ASSIGN(
      Ref<hal::Driver> driver,
      hal::DriverRegistry::defaultRegistry().createDriver("local-task"));
  FUSILLI_ENGINE_ASSIGN(runner->device_,
                        driver->createDevice(0, {.threadCount = threads}));
  hal::Device *devices[] = {runner->device_.get()};
  FUSILLI_ENGINE_ASSIGN(runner->devices_, hal::DeviceGroup::create(devices));
  FUSILLI_ENGINE_ASSIGN(runner->program_,
                        engine::Program::load(runner->instance_,
                                              runner->devices_, artifact,
                                              "CPU"));
  runner->signature_ = signatureOf(runner->program_->artifact());
  return ok(std::move(runner));
}

ErrorOr<Runner::Call>
Runner::makeCall(std::vector<std::vector<uint8_t>> &contents) {
  Call call;
  for (size_t i = 0; i < signature_.size(); ++i) {
    const vm::ProgramArg &arg = program_->args()[i];
    contents[i].resize(arg.byteLength);
    FUSILLI_ENGINE_ASSIGN(Ref<hal::Buffer> buffer,
                          device_->allocator().allocate({}, arg.byteLength));
    FUSILLI_CHECK_ERROR(engine::toErrorObject(
        device_->hostToDevice(contents[i].data(), *buffer, 0, arg.byteLength)));
    std::vector<hal::DeviceSize> dims(arg.dims.begin(), arg.dims.end());
    FUSILLI_ENGINE_ASSIGN(
        Ref<hal::BufferView> view,
        hal::BufferView::create(std::move(buffer), dims, arg.elementType));
    call.arguments.push_back(view.get());
    call.views.push_back(std::move(view));
  }
  if (uint64_t size = program_->workspaceSize(); size > 0) {
    FUSILLI_ENGINE_ASSIGN(call.workspace,
                          device_->allocator().allocate({}, size));
  }
  call.arguments.push_back(call.workspace.get());
  return ok(std::move(call));
}

Explanation Runner::explain(const std::string &name) const {
  return engine::explainProgram(*program_, name);
}

ErrorOr<Explanation>
Runner::explain(const std::string &name,
                std::vector<std::vector<uint8_t>> &contents, unsigned repeat) {
  Explanation explanation = explain(name);
  FUSILLI_ASSIGN_OR_RETURN(Call call, makeCall(contents));
  FUSILLI_CHECK_ERROR(engine::toErrorObject(
      engine::timeKernels(*program_, call.arguments, repeat, explanation)));
  return ok(std::move(explanation));
}

ErrorOr<double> Runner::run(std::vector<std::vector<uint8_t>> &contents,
                            unsigned repeat) {
  FUSILLI_ASSIGN_OR_RETURN(Call call, makeCall(contents));
  std::vector<double> times;
  for (unsigned i = 0; i < std::max(1u, repeat); ++i) {
    auto begin = std::chrono::steady_clock::now();
    Status status = program_->invoke(call.arguments);
    std::chrono::duration<double, std::micro> time =
        std::chrono::steady_clock::now() - begin;
    if (!status.isOk())
      return engine::toErrorObject(std::move(status));
    times.push_back(time.count());
  }
  for (size_t i = 0; i < signature_.size(); ++i)
    if (signature_[i].isOutput)
      FUSILLI_CHECK_ERROR(engine::toErrorObject(
          device_->deviceToHost(*call.views[i]->buffer(), 0, contents[i].data(),
                                contents[i].size())));
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  return ok(times[times.size() / 2]);
}

} // namespace fusilli::run
