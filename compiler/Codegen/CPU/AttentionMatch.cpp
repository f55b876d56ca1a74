// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Proof that a kernel is attention, stage by stage from its result back to its
// operands.

#include "compiler/Codegen/CPU/Attention.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace fusilli::compiler {

namespace {

using linalg::GenericOp;

std::optional<double> getNumber(Value v) {
  FloatAttr value;
  if (!matchPattern(v, m_Constant(&value)))
    return std::nullopt;
  return value.getValueAsDouble();
}

bool isNumber(Value v, double n) { return getNumber(v) == n; }

/// The argument number of `v` once casts between float types are taken off, or
/// -1.
int getArgument(Value v) {
  while (Operation *def = v.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(def))
      return -1;
    v = def->getOperand(0);
  }
  return cast<BlockArgument>(v).getArgNumber();
}

/// x == n ? yes : no, as {x, yes, no}.
std::optional<std::array<Value, 3>> matchWhereEqual(Value v, double n) {
  auto select = v.getDefiningOp<arith::SelectOp>();
  auto equal =
      select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!equal || equal.getPredicate() != arith::CmpFPredicate::OEQ ||
      !isNumber(equal.getRhs(), n))
    return std::nullopt;
  return std::array<Value, 3>{equal.getLhs(), select.getTrueValue(),
                              select.getFalseValue()};
}

class AttentionMatcher {
public:
  AttentionMatcher(const KernelModel &model, std::string &reason)
      : model(model), reason(reason) {}

  std::optional<AttentionProblem> run();

private:
  bool decline(StringRef what) {
    reason = what.str();
    return false;
  }
  static Value getYield(GenericOp op) {
    return op.getBody()->getTerminator()->getOperand(0);
  }
  static bool isElementwise(GenericOp op, unsigned inputs) {
    return op && op->getNumResults() == 1 && op.getNumReductionLoops() == 0 &&
           op.getNumDpsInputs() == int64_t(inputs);
  }
  /// Whether loop `d` reads or writes dim `d` of this operand; what has extent
  /// 1 may be read at 0.
  static bool isIdentity(GenericOp op, OpOperand &operand);
  static GenericOp skipConversions(Value &v);
  GenericOp findQuotient();
  bool matchEpilogue();
  bool matchOutput();
  bool matchQuotient(GenericOp op);
  bool matchWeights(GenericOp op);
  bool matchScores(GenericOp op);
  bool matchOverKeys(GenericOp op, bool isMaximum, Value &scores);
  bool matchProduct(GenericOp op, GenericOp &left, AttentionOperand &right,
                    std::array<unsigned, 4> dims, int64_t &heads);
  bool readOperand(GenericOp op, unsigned input, std::array<unsigned, 4> dims,
                   AttentionOperand &out, int64_t *heads);

  const KernelModel &model;
  std::string &reason;
  AttentionProblem p;
};

bool AttentionMatcher::isIdentity(GenericOp op, OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  auto type = cast<RankedTensorType>(operand.get().getType());
  for (auto [i, e] : llvm::enumerate(map.getResults()))
    if (e != getAffineDimExpr(i, map.getContext()) && type.getDimSize(i) != 1)
      return false;
  return true;
}

/// The generic that computes `v`, behind those that only convert.
GenericOp AttentionMatcher::skipConversions(Value &v) {
  auto op = v.getDefiningOp<GenericOp>();
  while (isElementwise(op, 1) && getArgument(getYield(op)) == 0 &&
         isIdentity(op, *op.getDpsInputOperand(0)) &&
         isIdentity(op, *op.getDpsInitOperand(0))) {
    v = op.getDpsInputs()[0];
    op = v.getDefiningOp<GenericOp>();
  }
  return op;
}

/// Strides of input number `input`, whose dims are the loops `dims`; that of
/// the heads may be divided: `heads` gets how many there are.
bool AttentionMatcher::readOperand(GenericOp op, unsigned input,
                                   std::array<unsigned, 4> dims,
                                   AttentionOperand &out, int64_t *heads) {
  OpOperand &operand = *op.getDpsInputOperand(input);
  auto argument = dyn_cast<BlockArgument>(operand.get());
  if (!argument)
    return decline("an operand is no argument of the kernel");
  out.binding = argument.getArgNumber();
  const Binding &binding = model.getBindings()[out.binding];
  out.element = binding.element();
  out.strides.fill(0);
  for (auto [i, expr] :
       llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
    AffineExpr e = expr;
    if (binding.extents[i].is(1))
      continue;
    int64_t divisor = 1;
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(e);
        heads && binary && binary.getKind() == AffineExprKind::FloorDiv) {
      divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
      e = binary.getLHS();
    }
    auto dim = dyn_cast<AffineDimExpr>(e);
    auto found = dim ? llvm::find(dims, dim.getPosition()) : dims.end();
    unsigned position = found - dims.begin();
    if (found == dims.end() || (divisor != 1 && position != 1))
      return decline("an operand is not addressed by batch, head and place");
    out.strides[position] = binding.strides[i];
    if (position == 1 && heads)
      *heads = binding.extents[i].get();
  }
  return true;
}

/// A sum of products over one loop, of `left` and an argument whose dims are
/// the loops `dims`. Extents of heads that are 1 leave `heads` alone.
bool AttentionMatcher::matchProduct(GenericOp op, GenericOp &left,
                                    AttentionOperand &right,
                                    std::array<unsigned, 4> dims,
                                    int64_t &heads) {
  if (!op || op->getNumResults() != 1 || op.getNumReductionLoops() != 1 ||
      op.getNumDpsInputs() != 2 || op.getNumLoops() != 5)
    return decline("is no product of two operands");
  auto add = getYield(op).getDefiningOp<arith::AddFOp>();
  auto multiply = add ? add.getRhs().getDefiningOp<arith::MulFOp>() : nullptr;
  if (!multiply || getArgument(add.getLhs()) != 2 ||
      getArgument(multiply.getLhs()) != 0 ||
      getArgument(multiply.getRhs()) != 1 ||
      op.getIteratorTypesArray()[4] != utils::IteratorType::reduction ||
      !isIdentity(op, *op.getDpsInitOperand(0)))
    return decline("is no sum of products");
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !isNumber(fill.getInputs()[0], 0))
    return decline("is a product that does not begin with 0");
  Value v = op.getDpsInputs()[0];
  left = skipConversions(v);
  return readOperand(op, 1, dims, right, &heads);
}

/// The largest or the sum over the last of four loops.
bool AttentionMatcher::matchOverKeys(GenericOp op, bool isMaximum,
                                     Value &scores) {
  if (!op || op->getNumResults() != 1 || op.getNumDpsInputs() != 1 ||
      op.getNumLoops() != 4 || op.getNumReductionLoops() != 1 ||
      op.getIteratorTypesArray()[3] != utils::IteratorType::reduction ||
      !isIdentity(op, *op.getDpsInputOperand(0)) ||
      !isIdentity(op, *op.getDpsInitOperand(0)))
    return decline("is no reduction over the keys");
  Operation *combine = getYield(op).getDefiningOp();
  bool kind = isMaximum ? isa_and_present<arith::MaximumFOp>(combine)
                        : isa_and_present<arith::AddFOp>(combine);
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!kind || getArgument(combine->getOperand(0)) != 1 ||
      getArgument(combine->getOperand(1)) != 0 || !fill ||
      !isNumber(fill.getInputs()[0], isMaximum ? -INFINITY : 0))
    return decline(isMaximum ? "has no largest score"
                             : "has no sum of weights");
  scores = op.getDpsInputs()[0];
  return true;
}

/// The scores: scale * product, masked.
bool AttentionMatcher::matchScores(GenericOp op) {
  bool hasMask = isElementwise(op, 2);
  if ((!hasMask && !isElementwise(op, 1)) ||
      !isIdentity(op, *op.getDpsInputOperand(0)) ||
      !isIdentity(op, *op.getDpsInitOperand(0)))
    return decline("has no scores of one product");
  Value v = getYield(op);
  if (auto select = v.getDefiningOp<arith::SelectOp>()) {
    auto compare = select.getCondition().getDefiningOp<arith::CmpIOp>();
    auto indexOf = [&](Value x) {
      auto index = x.getDefiningOp<linalg::IndexOp>();
      return index ? int64_t(index.getDim()) : -1;
    };
    if (hasMask) {
      // An i8 that is not 0, of the mask.
      bool keeps = compare &&
                   compare.getPredicate() == arith::CmpIPredicate::ne &&
                   compare.getLhs() == op.getBody()->getArgument(1) &&
                   matchPattern(compare.getRhs(), m_Zero());
      if (!keeps || !isNumber(select.getFalseValue(), -INFINITY))
        return decline("has a mask of an unknown form");
      v = select.getTrueValue();
    } else {
      if (!compare || compare.getPredicate() != arith::CmpIPredicate::ugt ||
          indexOf(compare.getLhs()) != 3 || indexOf(compare.getRhs()) != 2 ||
          !isNumber(select.getTrueValue(), -INFINITY))
        return decline("selects scores by an unknown condition");
      p.causal = true;
      v = select.getFalseValue();
    }
  } else if (hasMask) {
    auto add = v.getDefiningOp<arith::AddFOp>();
    if (!add || getArgument(add.getRhs()) != 1)
      return decline("has a mask of an unknown form");
    v = add.getLhs();
  }
  auto scaled = v.getDefiningOp<arith::MulFOp>();
  std::optional<double> scale =
      scaled ? getNumber(scaled.getRhs()) : std::nullopt;
  if (!scale || getArgument(scaled.getLhs()) != 0)
    return decline("has scores that are no scaled product");
  p.scale = *scale;
  if (hasMask) {
    p.mask.emplace();
    if (!readOperand(op, 1, {0, 1, 2, 3}, *p.mask, nullptr))
      return false;
  }

  auto product = op.getDpsInputs()[0].getDefiningOp<GenericOp>();
  GenericOp none;
  if (!matchProduct(product, none, p.k, {0, 1, 3, 4}, p.kHeads) ||
      !readOperand(product, 0, {0, 1, 2, 4}, p.q, nullptr))
    return false;
  const Binding &q = model.getBindings()[p.q.binding];
  const Binding &k = model.getBindings()[p.k.binding];
  for (unsigned i : {1, 3})
    if (!q.extents[i].isStatic() || !k.extents[i].isStatic())
      return decline("has heads or a head dim of unknown extent");
  p.batch = q.extents[0];
  p.heads = q.extents[1].get();
  p.rows = q.extents[2];
  p.keys = k.extents[2];
  p.depth = q.extents[3].get();
  return true;
}

/// exp(score - largest), where a largest of -infinity counts as 0.
bool AttentionMatcher::matchWeights(GenericOp op) {
  if (!isElementwise(op, 2) || !isIdentity(op, *op.getDpsInputOperand(0)) ||
      !isIdentity(op, *op.getDpsInputOperand(1)) ||
      !isIdentity(op, *op.getDpsInitOperand(0)))
    return decline("has no weights of scores and their largest");
  auto exp = getYield(op).getDefiningOp<math::ExpOp>();
  auto difference =
      exp ? exp.getOperand().getDefiningOp<arith::SubFOp>() : nullptr;
  auto from = difference ? matchWhereEqual(difference.getRhs(), -INFINITY)
                         : std::nullopt;
  if (!from || getArgument(difference.getLhs()) != 0 ||
      getArgument((*from)[0]) != 1 || !isNumber((*from)[1], 0) ||
      getArgument((*from)[2]) != 1)
    return decline("has weights that are no exponentials");
  Value scores;
  if (!matchOverKeys(op.getDpsInputs()[1].getDefiningOp<GenericOp>(), true,
                     scores))
    return false;
  if (scores != op.getDpsInputs()[0])
    return decline("takes the largest of other scores");
  return matchScores(scores.getDefiningOp<GenericOp>());
}

/// sum == 0 ? 0 : product / sum.
bool AttentionMatcher::matchQuotient(GenericOp op) {
  if (!isElementwise(op, 2) || !isIdentity(op, *op.getDpsInputOperand(0)) ||
      !isIdentity(op, *op.getDpsInputOperand(1)) ||
      !isIdentity(op, *op.getDpsInitOperand(0)))
    return decline("is no quotient of a product and a sum");
  auto parts = matchWhereEqual(getYield(op), 0);
  auto quotient = parts ? (*parts)[2].getDefiningOp<arith::DivFOp>() : nullptr;
  if (!quotient || getArgument((*parts)[0]) != 1 || !isNumber((*parts)[1], 0) ||
      getArgument(quotient.getLhs()) != 0 ||
      getArgument(quotient.getRhs()) != 1)
    return decline("is no quotient of a product and a sum");
  p.accumulator = quotient.getType();

  auto product = op.getDpsInputs()[0].getDefiningOp<GenericOp>();
  GenericOp weights;
  if (!matchProduct(product, weights, p.v, {0, 1, 4, 3}, p.vHeads))
    return false;
  AffineMap left =
      product.getMatchingIndexingMap(product.getDpsInputOperand(0));
  MLIRContext *ctx = op.getContext();
  unsigned dims[] = {0, 1, 2, 4};
  for (auto [i, e] : llvm::enumerate(left.getResults()))
    if (e != getAffineDimExpr(dims[i], ctx))
      return decline("multiplies weights in another order");
  const Extent &width = model.getBindings()[p.v.binding].extents[3];
  if (!width.isStatic())
    return decline("has a head dim of unknown extent");
  p.width = width.get();
  Value summed;
  if (!matchOverKeys(op.getDpsInputs()[1].getDefiningOp<GenericOp>(), false,
                     summed))
    return false;
  if (!weights || summed != weights.getResult(0))
    return decline("sums other weights than it multiplies");
  return matchWeights(weights);
}

/// The op that divides a product by a sum of weights.
GenericOp AttentionMatcher::findQuotient() {
  for (const Stage &stage : model.getStages()) {
    auto op = stage.op;
    if (!isElementwise(op, 2))
      continue;
    auto product = op.getDpsInputs()[0].getDefiningOp<GenericOp>();
    auto sum = op.getDpsInputs()[1].getDefiningOp<GenericOp>();
    if (product && product.getNumLoops() == 5 && sum &&
        sum.getNumReductionLoops() == 1)
      return op;
  }
  return {};
}

/// Whether the results are computed from the quotient at their own place and
/// from arguments.
bool AttentionMatcher::matchEpilogue() {
  llvm::SmallDenseSet<Value> seen = {p.quotient};
  SmallVector<Value> pending;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    AffineMap position = model.getResultPosition(i);
    const Binding &binding = model.getBindings()[model.getResultBinding(i)];
    if (!position || position.getNumResults() != 4 ||
        !model.getAccess(model.getResultBinding(i), position))
      return decline("has a result of another shape");
    std::array<int, 4> dims;
    for (auto [j, expr] : llvm::enumerate(position.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim && !binding.extents[j].is(1))
        return decline("has a result of another shape");
      dims[j] = dim ? int(dim.getPosition()) : -1;
    }
    if (i && dims != p.dims)
      return decline("has results of different places");
    p.dims = dims;
    pending.push_back(model.getResultValue(i));
  }
  while (!pending.empty()) {
    Value v = pending.pop_back_val();
    if (isa<BlockArgument>(v) || v.getDefiningOp<arith::ConstantOp>() ||
        !seen.insert(v).second)
      continue;
    auto op = v.getDefiningOp<GenericOp>();
    if (!op || op->getNumResults() != 1 || op.getNumReductionLoops() ||
        !isIdentity(op, *op.getDpsInitOperand(0)))
      return decline("has results that are no elements of the quotient");
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (input->get() == p.quotient && !isIdentity(op, *input))
        return decline("reads the quotient at another place");
      pending.push_back(input->get());
    }
  }
  SmallVector<Access> accesses;
  for (unsigned i = 0; i < model.getNumResults(); ++i)
    if (!model.collect(model.getResultValue(i), model.getResultPosition(i),
                       accesses, [&](Value v) { return v == p.quotient; }))
      return decline("reads an operand that is not addressed linearly");
  return true;
}

bool AttentionMatcher::matchOutput() {
  GenericOp quotient = findQuotient();
  if (!quotient || quotient.getNumLoops() != 4)
    return decline("is no quotient of a product and a sum");
  p.quotient = quotient.getResult(0);
  return matchQuotient(quotient) && matchEpilogue();
}

std::optional<AttentionProblem> AttentionMatcher::run() {
  if (!matchOutput())
    return std::nullopt;
  return p;
}

} // namespace

std::optional<AttentionProblem> matchAttention(const KernelModel &model,
                                               std::string &reason) {
  return AttentionMatcher(model, reason).run();
}

} // namespace fusilli::compiler
