// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last stage on the CPU: a module in the LLVM dialect becomes one flat,
// position-independent code image with all relocations resolved. The loader
// only maps it; entries are byte offsets into it.
#ifndef COMPILER_TARGET_CPU_CODEIMAGE_H
#define COMPILER_TARGET_CPU_CODEIMAGE_H

#include "compiler/Codegen/Common/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli::compiler {

/// Machine code of all kernels of one module.
struct CodeImage {
  struct Kernel {
    std::string name;
    uint64_t offset; ///< into `code`, of a fusilli_kernel_fn_t
  };
  std::vector<uint8_t> code;
  std::vector<Kernel> kernels; ///< in module order
};

/// Translates `module` (LLVM dialect only) to LLVM IR, optimises lightly,
/// generates code and resolves every relocation. Functions with the unit
/// attribute `fusilli.entry` become kernels. A reference to anything outside
/// the image is an error that names the symbol. With `asmText` the assembly is
/// written there too.
///
/// Thread safety: may run on several threads at once, each on its own context.
llvm::Expected<CodeImage> emitCodeImage(mlir::ModuleOp module,
                                        const TargetInfo &target,
                                        std::string *asmText = nullptr);

} // namespace fusilli::compiler

#endif // COMPILER_TARGET_CPU_CODEIMAGE_H
