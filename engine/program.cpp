// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "engine/program.h"

#include "runtime/vm/modules/hal_module.h"

namespace fusilli::engine {

StatusOr<std::unique_ptr<Program>> Program::load(Ref<vm::Instance> instance,
                                                 Ref<hal::DeviceGroup> devices,
                                                 std::span<const uint8_t> bytes,
                                                 std::string_view backend) {
  std::unique_ptr<Program> program(new Program());
  FUSILLI_STATUS_ASSIGN(program->context_, vm::Context::create(instance));
  FUSILLI_STATUS_ASSIGN(Ref<vm::Module> halModule,
                        vm::HalModule::create(instance, std::move(devices)));
  FUSILLI_STATUS_ASSIGN(
      Ref<vm::Module> module,
      vm::ProgramModule::create(instance, bytes, /*copy=*/true));
  program->module_ = Ref<vm::ProgramModule>::share(
      static_cast<vm::ProgramModule *>(module.get()));
  const auto *name = program->module_->artifact().backend();
  if (!name || name->string_view() != backend)
    return incompatibleError(
        strCat("the artifact is for backend '",
               name ? name->string_view() : std::string_view(),
               "', the handle's backend is '", backend, "'"));
  vm::Module *modules[] = {halModule.get(), module.get()};
  FUSILLI_STATUS_RETURN_IF_ERROR(program->context_->registerModules(modules));
  program->context_->freeze();
  FUSILLI_STATUS_ASSIGN(
      program->function_,
      program->context_->resolveFunction(vm::ProgramModule::kMainFunction));
  FUSILLI_STATUS_ASSIGN(
      program->asyncFunction_,
      program->context_->resolveFunction(vm::ProgramModule::kAsyncFunction));
  program->workspaceSize_ = program->module_->workspaceSize();
  return program;
}

} // namespace fusilli::engine
