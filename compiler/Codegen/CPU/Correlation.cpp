// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Roles of the loops, proven from the maps: a window is a reduced and a
// parallel loop in one dim of an operand.

#include "compiler/Codegen/CPU/Correlation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// expr = sum of coefs[l] * l, all of them at least 0 and no constant.
bool isSum(AffineExpr expr, SmallVectorImpl<int64_t> &coefs,
           int64_t scale = 1) {
  if (auto d = dyn_cast<AffineDimExpr>(expr)) {
    coefs[d.getPosition()] += scale;
    return true;
  }
  if (auto c = dyn_cast<AffineConstantExpr>(expr))
    return c.getValue() == 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return isSum(binary.getLHS(), coefs, scale) &&
           isSum(binary.getRHS(), coefs, scale);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && factor &&
         factor.getValue() > 0 &&
         isSum(binary.getLHS(), coefs, scale * factor.getValue());
}

} // namespace

Correlation::Correlation(const KernelModel &model) : model(model) { analyse(); }

void Correlation::analyse() {
  auto reductions = model.getReductions();
  if (!model.isStatic() || reductions.size() != 1 ||
      !reductions.front()->isContraction() || !reductions.front()->position) {
    defect = "has no contraction of static extents";
    return;
  }
  stage = reductions.front();
  if (stage->combiner->init != stage->combiner->identity) {
    defect = "does not start from zero";
    return;
  }
  auto op = getOp();
  extents.assign(op.getStaticLoopRanges());
  acc = cast<RankedTensorType>(op.getResult(0).getType()).getElementType();
  for (AffineExpr expr : stage->position.getResults()) {
    auto d = dyn_cast<AffineDimExpr>(expr);
    dim.push_back(d ? int(d.getPosition()) : -1);
  }
  const ProductBody &product = *stage->product;
  Operand operands[2];
  operands[product.xInput].inBody = product.x;
  operands[product.yInput].inBody = product.y;
  for (unsigned i = 0; i < 2; ++i) {
    operands[i].input = i;
    if (!analyseOperand(operands[i]))
      return;
  }
  if (operands[0].isWindowed == operands[1].isWindowed) {
    defect = "has no window over what it sums";
    return;
  }
  plain = operands[operands[0].isWindowed ? 1 : 0];
  windowed = operands[operands[0].isWindowed ? 0 : 1];
  if (analyseLoops())
    analyseResults();
}

bool Correlation::analyseOperand(Operand &o) {
  auto op = getOp();
  AffineMap map = op.getIndexingMapsArray()[o.input];
  auto iterators = op.getIteratorTypesArray();
  Value v = op.getInputs()[o.input];
  auto pad = v.getDefiningOp<tensor::PadOp>();
  if (pad) {
    Value value = pad.getConstantPaddingValue();
    if (!value || (!matchPattern(value, m_Zero()) &&
                   !matchPattern(value, m_AnyZeroFloat()))) {
      defect = "is padded with something other than zero";
      return false;
    }
    v = pad.getSource();
  }
  auto arg = dyn_cast<BlockArgument>(v);
  if (!arg) {
    defect = "an operand is computed in the kernel";
    return false;
  }
  o.binding = arg.getArgNumber();
  const Binding &binding = model.getBindings()[o.binding];
  o.element = binding.element();
  o.coefs.assign(op.getNumLoops(), 0);
  for (auto [j, expr] : llvm::enumerate(map.getResults())) {
    int64_t stride = binding.strides[j].get();
    int64_t padding = pad ? pad.getStaticLow()[j] : 0;
    SmallVector<int64_t> c(op.getNumLoops(), 0);
    if (!isSum(expr, c)) {
      defect = "an operand is not addressed by a sum of loops";
      return false;
    }
    SmallVector<int, 2> outputs, taps;
    for (int l = 0; l < int(c.size()); ++l)
      if (c[l])
        (iterators[l] == utils::IteratorType::reduction ? outputs : taps)
            .push_back(l);
    if (outputs.size() == 1 && taps.size() == 1) {
      Window w{};
      w.outputLoop = outputs[0];
      w.tapLoop = taps[0];
      w.stride = c[outputs[0]];
      w.dilation = c[taps[0]];
      w.pad = padding;
      w.inputExtent = binding.extents[j].get();
      w.inputStride = stride;
      w.outputs = extents[w.outputLoop];
      w.taps = extents[w.tapLoop];
      windows.push_back(w);
      o.isWindowed = true;
    } else if (padding || (pad && pad.getStaticHigh()[j]) ||
               (!outputs.empty() && !taps.empty())) {
      defect = "is padded or summed outside of a window";
      return false;
    }
    for (int l = 0; l < int(c.size()); ++l)
      o.coefs[l] += c[l] * stride;
  }
  return true;
}

bool Correlation::analyseLoops() {
  auto op = getOp();
  auto maps = op.getIndexingMapsArray();
  auto iterators = op.getIteratorTypesArray();
  llvm::sort(windows, [](const Window &x, const Window &y) {
    return x.outputLoop < y.outputLoop;
  });
  for (int l = 0; l < int(extents.size()); ++l) {
    bool isWindow = llvm::any_of(windows, [&](const Window &w) {
      return w.outputLoop == l || w.tapLoop == l;
    });
    bool inPlain = maps[plain.input].isFunctionOfDim(l);
    bool inWindowed = maps[windowed.input].isFunctionOfDim(l);
    if (isWindow) {
      // Each of its loops moves through one dim of the operand alone.
      if (llvm::count_if(
              maps[windowed.input].getResults(),
              [&](AffineExpr expr) { return expr.isFunctionOfDim(l); }) != 1) {
        defect = "has windows that share a loop";
        return false;
      }
      bool isTap = iterators[l] == utils::IteratorType::parallel;
      if (inPlain == isTap) {
        defect = "the second operand is not read by positions alone";
        return false;
      }
      continue;
    }
    if (iterators[l] == utils::IteratorType::reduction) {
      imageLoops.push_back(l);
      continue;
    }
    int *role = inPlain && inWindowed ? &groupLoop
                : inPlain             ? &plain.channelLoop
                                      : &windowed.channelLoop;
    if (*role >= 0) {
      defect = "has several loops of one role";
      return false;
    }
    *role = l;
  }
  if (plain.channelLoop < 0 || windowed.channelLoop < 0) {
    defect = "has no loop over the channels of an operand";
    return false;
  }
  return true;
}

bool Correlation::analyseResults() {
  auto op = getOp();
  result = op.getResult(0);
  for (Operation *user : result.getUsers())
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user))
      result = collapse.getResult();
  SmallVector<Access> accesses;
  bool linear = true;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    AffineMap position = model.getResultPosition(i);
    if (!position || !model.getAccess(model.getResultBinding(i), position)) {
      defect = "has a result of another iteration space";
      return false;
    }
    for (unsigned d = 0; d < model.getNumDims(); ++d)
      if (position.isFunctionOfDim(d) ==
          (llvm::is_contained(stage->reducedDims, d) ||
           !llvm::is_contained(dim, int(d)))) {
        defect = "has a result of another shape";
        return false;
      }
    linear &= model.collect(model.getResultValue(i), position, accesses,
                            [&](Value v) { return v == result; });
  }
  if (!linear)
    defect = "reads an operand of the epilogue that is not addressed linearly";
  return linear;
}

} // namespace fusilli::compiler
