// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The targets of this build. The first kind answers for unknown names.
#include "compiler/Target/TargetBackend.h"
#include "compiler/Target/TargetKind.h"

namespace fusilli::compiler {

namespace {

llvm::ArrayRef<const TargetKind *> getTargetKinds() {
  static const TargetKind *const kinds[] = {&getCpuTargetKind(),
                                            &getNullGpuTargetKind()};
  return kinds;
}

} // namespace

llvm::Expected<std::unique_ptr<const TargetBackend>>
resolveTarget(llvm::StringRef name) {
  for (const TargetKind *kind : getTargetKinds())
    if (kind->knows(name))
      return kind->resolve(name);
  return getTargetKinds().front()->resolve(name);
}

void registerTargetDialects(mlir::DialectRegistry &registry) {
  for (const TargetKind *kind : getTargetKinds())
    kind->registerDialects(registry);
}

void registerTargetPasses() {
  for (const TargetKind *kind : getTargetKinds())
    kind->registerPasses();
}

} // namespace fusilli::compiler
