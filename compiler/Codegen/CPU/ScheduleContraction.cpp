#include "compiler/Codegen/CPU/KernelEmitter.h"
namespace fusilli::compiler {
LogicalResult scheduleContraction(KernelEmitter &, mlir::linalg::GenericOp) {
  return mlir::failure();
}
} // namespace fusilli::compiler
