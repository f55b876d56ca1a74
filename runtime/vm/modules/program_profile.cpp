// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call taken apart: each dispatch in a command buffer of its own, with a
// clock around it.
#include "runtime/vm/modules/program_module.h"
#include "runtime/vm/modules/program_state.h"

#include <chrono>

namespace fusilli::vm {

Status ProgramModule::profile(ModuleState &state, Arguments arguments,
                              std::vector<double> &times) const {
  auto &own = static_cast<ProgramState &>(state);
  ShapeLease shape;
  CallPlan plan;
  FUSILLI_STATUS_RETURN_IF_ERROR(preparePlan(own, arguments, shape, plan));
  HostArray<hal::BufferRef> bindings;
  if (!bindings.allocate(hostAllocator(), slotCount()))
    return outOfMemoryError("the bindings of a call");
  // Memory of its own: what other calls use stays as it is.
  Ref<PreparedSet> prepared;
  if (hasPrepared()) {
    FUSILLI_STATUS_ASSIGN(prepared, makePreparedSet(own, arguments));
    plan.prepared = prepared->memory.get();
  }
  bindArguments(plan, arguments, bindings.data());
  HostVector<hal::BufferRef> refs(hostAllocator());
  artifact::ProgramValues values(hostAllocator());
  times.clear();
  for (std::span<const uint32_t> words :
       {reader_.prepare(), reader_.program()}) {
    FUSILLI_STATUS_RETURN_IF_ERROR(
        values.start(shape ? shape->symbols() : std::span<const int64_t>()));
    size_t position = 0;
    while (position < words.size()) {
      FUSILLI_STATUS_ASSIGN(artifact::Instruction instruction,
                            artifact::decodeInstruction(words, position));
      if (instruction.isArithmetic())
        FUSILLI_STATUS_RETURN_IF_ERROR(values.evaluate(instruction));
      if (!instruction.isDispatch())
        continue;
      FUSILLI_STATUS_ASSIGN(
          Ref<hal::CommandBuffer> commands,
          own.device->createCommandBuffer(hal::kCommandBufferOneShot));
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->begin());
      FUSILLI_STATUS_RETURN_IF_ERROR(
          recordDispatch(own, *commands, plan, instruction, values, refs));
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->end());
      auto begin = std::chrono::steady_clock::now();
      FUSILLI_STATUS_RETURN_IF_ERROR(
          own.device->execute(*commands, bindings.span()));
      times.push_back(std::chrono::duration<double, std::micro>(
                          std::chrono::steady_clock::now() - begin)
                          .count());
    }
  }
  return okStatus();
}

} // namespace fusilli::vm
