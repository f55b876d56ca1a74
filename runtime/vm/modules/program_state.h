// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program keeps for one context. Private to the program module.
#ifndef RUNTIME_VM_MODULES_PROGRAM_STATE_H
#define RUNTIME_VM_MODULES_PROGRAM_STATE_H

#include "runtime/hal/device.h"
#include "runtime/vm/module.h"
#include "runtime/vm/modules/program_shapes.h"

namespace fusilli::vm {

/// Made at load; only the shapes change after it. In dependency order: command
/// buffers go first.
class ProgramState final : public ModuleState {
public:
  Ref<hal::Device> device;
  Ref<hal::Executable> executable;
  Ref<hal::Buffer> constants;       ///< null when there are none
  Ref<hal::CommandBuffer> commands; ///< of a program without symbols
  ShapeCache shapes;                ///< of one with symbols
};

} // namespace fusilli::vm

#endif // RUNTIME_VM_MODULES_PROGRAM_STATE_H
