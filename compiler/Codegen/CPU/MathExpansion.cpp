#include "compiler/Codegen/CPU/MathExpansion.h"
namespace fusilli::compiler {
std::optional<MathFn> getMathFn(mlir::Operation *) { return {}; }
mlir::FailureOr<mlir::Value> expandMathOp(mlir::ImplicitLocOpBuilder &,
                                          mlir::Operation *, mlir::ValueRange,
                                          const MathOptions &) {
  return mlir::failure();
}
} // namespace fusilli::compiler
