// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry points of the math expansion and the patterns of the pass
// fusilli-expand-math; the functions themselves are in the other Math*.cpp.
#include "compiler/Codegen/CPU/MathExpansion.h"

#include "compiler/Codegen/CPU/MathEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fusilli::compiler {

std::optional<MathFn> getMathFn(Operation *op) {
  using Result = std::optional<MathFn>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](math::ExpOp) { return MathFn::Exp; })
      .Case([](math::Exp2Op) { return MathFn::Exp2; })
      .Case([](math::ExpM1Op) { return MathFn::Expm1; })
      .Case([](math::LogOp) { return MathFn::Log; })
      .Case([](math::Log1pOp) { return MathFn::Log1p; })
      .Case([](math::ErfOp) { return MathFn::Erf; })
      .Case([](math::TanhOp) { return MathFn::Tanh; })
      .Case([](math::SinOp) { return MathFn::Sin; })
      .Case([](math::CosOp) { return MathFn::Cos; })
      .Case([](math::TanOp) { return MathFn::Tan; })
      .Case([](math::RsqrtOp) { return MathFn::Rsqrt; })
      .Default(Result());
}

bool isExpandableMathType(Type type) {
  if (auto vector = dyn_cast<VectorType>(type)) {
    if (vector.isScalable())
      return false;
    type = vector.getElementType();
  }
  return type.isF32() || type.isF64();
}

Value expandMath(ImplicitLocOpBuilder &b, MathFn fn, ValueRange operands,
                 const MathOptions &options) {
  Value x = operands.front();
  detail::MathEmitter e(b, x.getType(), options);
  switch (fn) {
  case MathFn::Exp:
    return detail::emitExp(e, x);
  case MathFn::Exp2:
    return detail::emitExp2(e, x);
  case MathFn::Expm1:
    return detail::emitExpm1(e, x);
  case MathFn::Log:
    return detail::emitLog(e, x);
  case MathFn::Log1p:
    return detail::emitLog1p(e, x);
  case MathFn::Erf:
    return detail::emitErf(e, x);
  case MathFn::Tanh:
    return detail::emitTanh(e, x);
  case MathFn::Sin:
    return detail::emitSin(e, x);
  case MathFn::Cos:
    return detail::emitCos(e, x);
  case MathFn::Tan:
    return detail::emitTan(e, x);
  case MathFn::Rsqrt:
    return e.div(e.f(1.0), e.sqrt(x));
  case MathFn::Sigmoid:
    return detail::emitSigmoid(e, x);
  }
  llvm_unreachable("unknown function");
}

Value expandExp2OfNonPositive(ImplicitLocOpBuilder &b, Value x, bool isShort,
                              const MathOptions &options) {
  detail::MathEmitter e(b, x.getType(), options);
  return detail::emitExp2OfNonPositive(e, x, isShort);
}

/// `options` with what the flags of `op` promise.
static MathOptions withFlags(MathOptions options, Operation *op) {
  if (auto flagged = dyn_cast<arith::ArithFastMathInterface>(op))
    if (auto flags = flagged.getFastMathFlagsAttr())
      options.noInfinities |=
          bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::ninf);
  return options;
}

/// Ops that LLVM selects as instructions for every target we have.
static bool isNativeMathOp(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::FloorOp, math::FmaOp, math::RoundEvenOp, math::SqrtOp,
             math::TruncOp>(op);
}

FailureOr<Value> expandMathOp(ImplicitLocOpBuilder &b, Operation *op,
                              ValueRange operands, const MathOptions &options) {
  if (operands.empty() || operands.size() != op->getNumOperands() ||
      op->getNumResults() != 1)
    return failure();
  if (std::optional<MathFn> fn = getMathFn(op)) {
    if (!isExpandableMathType(operands[0].getType()))
      return failure();
    return expandMath(b, *fn, operands, withFlags(options, op));
  }
  if (!isNativeMathOp(op))
    return failure();
  OperationState state(b.getLoc(), op->getName().getStringRef(), operands,
                       TypeRange(operands[0].getType()), op->getAttrs());
  return b.create(state)->getResult(0);
}

namespace {

/// Any op of the math dialect that getMathFn knows, on f16, bf16, f32, f64.
class ExpandMathPattern : public RewritePattern {
public:
  ExpandMathPattern(MLIRContext *context, MathOptions mathOptions)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context),
        options_(mathOptions) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<MathFn> fn = getMathFn(op);
    if (!fn)
      return rewriter.notifyMatchFailure(op, "not a function to expand");
    Value x = op->getOperand(0);
    Type type = x.getType();
    ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    Type element = getElementTypeOrSelf(type);
    bool isHalf = element.isF16() || element.isBF16();
    if (isHalf) {
      Type f32 = b.getF32Type();
      auto vector = dyn_cast<VectorType>(type);
      Type wide = vector ? Type(vector.clone(f32)) : f32;
      if (!isExpandableMathType(wide))
        return rewriter.notifyMatchFailure(op, "type is not expandable");
      x = arith::ExtFOp::create(b, wide, x);
    } else if (!isExpandableMathType(type)) {
      return rewriter.notifyMatchFailure(op, "type is not expandable");
    }
    Value result = expandMath(b, *fn, x, withFlags(options_, op));
    if (isHalf)
      result = arith::TruncFOp::create(b, type, result);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  MathOptions options_;
};

} // namespace

void populateMathExpansionPatterns(RewritePatternSet &patterns,
                                   const MathOptions &options) {
  patterns.add<ExpandMathPattern>(patterns.getContext(), options);
}

} // namespace fusilli::compiler
