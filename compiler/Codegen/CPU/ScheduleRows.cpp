#include "compiler/Codegen/CPU/KernelEmitter.h"
namespace fusilli::compiler {
LogicalResult scheduleRows(KernelEmitter &) { return mlir::failure(); }
} // namespace fusilli::compiler
