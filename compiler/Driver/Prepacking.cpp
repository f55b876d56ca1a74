// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Joins the kernels that pack constant operands into a host program.
#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Driver/HostProgram.h"
#include "compiler/Driver/WorkspacePlan.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/Support/MathExtras.h"

#include <map>
#include <tuple>

using namespace mlir;

namespace fusilli::compiler {

void addPrepackings(ModuleOp module, HostProgram &program) {
  SymbolTable symbols(module);
  // After all that is prepared already: it may be what is packed.
  unsigned phase =
      program.prepare.empty() ? 0 : program.prepare.back().phase + 1;
  // By packing kernel and operand: the packed buffer.
  std::map<std::tuple<std::string, int, uint32_t, uint64_t>, HostBinding> done;
  for (HostProgram::Dispatch &dispatch : program.dispatches) {
    auto kernel = symbols.lookup<func::FuncOp>(dispatch.kernel);
    for (const ir::Prepacking &packing : ir::getPrepackings(kernel)) {
      HostBinding &operand = dispatch.bindings[packing.operand];
      auto [it, isNew] = done.try_emplace(
          {packing.kernel.str(), int(operand.kind), operand.index,
           uint64_t(operand.offset.representative)});
      if (isNew) {
        uint64_t offset =
            llvm::alignTo(program.preparedSize, kWorkspaceAlignment);
        program.preparedSize = offset + packing.bytes;
        it->second = {fbs::BindingKind::Prepared, 0,
                      HostValue::constant(offset),
                      HostValue::constant(packing.bytes)};
        program.prepare.push_back(
            {packing.kernel.str(), phase, {operand, it->second}});
      }
      operand = it->second;
    }
  }
}

} // namespace fusilli::compiler
