// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a kernel function: bindings from its types, stages from its ops, and
// the kernel's iteration space by following dims from stage to stage.

#include "compiler/Codegen/Common/KernelModel.h"

#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// expr = offset + sum of coefs[d] * d, if it is that.
bool linearize(AffineExpr expr, int64_t scale, SmallVectorImpl<int64_t> &coefs,
               int64_t &offset) {
  if (auto d = dyn_cast<AffineDimExpr>(expr)) {
    coefs[d.getPosition()] += scale;
    return true;
  }
  if (auto c = dyn_cast<AffineConstantExpr>(expr)) {
    offset += scale * c.getValue();
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return linearize(binary.getLHS(), scale, coefs, offset) &&
           linearize(binary.getRHS(), scale, coefs, offset);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && factor &&
         linearize(binary.getLHS(), scale * factor.getValue(), coefs, offset);
}

/// Elements from one position to the next, per dim; dynamic tensors are dense
/// in the order of their strides.
SmallVector<Extent, 6> getStrides(RankedTensorType type,
                                  ArrayRef<Extent> extents) {
  SmallVector<Extent, 6> strides;
  for (int64_t stride : ir::getLogicalStrides(type))
    strides.push_back(stride);
  if (ir::getDynamicDims(type).empty())
    return strides;
  Extent dense = 1;
  SmallVector<int64_t> order = ir::getLogicalToPhysicalOrder(type);
  for (int64_t dim : llvm::reverse(order)) {
    if (extents[dim].is(1))
      continue;
    strides[dim] = dense;
    dense = dense * extents[dim];
  }
  return strides;
}

} // namespace

AffineMap getSourcePosition(Operation *reshape, AffineMap position) {
  SmallVector<AffineExpr> exprs;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape)) {
    // Dims that were split are put together.
    auto result = cast<RankedTensorType>(expand.getType());
    for (ArrayRef<int64_t> group : expand.getReassociationIndices()) {
      AffineExpr sum = getAffineConstantExpr(0, reshape->getContext());
      for (int64_t dim : group)
        sum = sum * result.getDimSize(dim) + position.getResult(dim);
      exprs.push_back(sum);
    }
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(reshape)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    unsigned next = 0;
    for (auto [j, offset, stride] :
         llvm::enumerate(slice.getStaticOffsets(), slice.getStaticStrides())) {
      AffineExpr at = dropped.test(j)
                          ? getAffineConstantExpr(0, reshape->getContext())
                          : position.getResult(next++);
      exprs.push_back(at * stride + offset);
    }
  } else {
    // Dims that were merged are taken apart.
    auto collapse = cast<tensor::CollapseShapeOp>(reshape);
    auto source = cast<RankedTensorType>(collapse.getSrc().getType());
    exprs.resize(source.getRank());
    for (auto [j, group] :
         llvm::enumerate(collapse.getReassociationIndices())) {
      AffineExpr rest = position.getResult(j);
      for (size_t i = group.size(); i-- > 0;) {
        int64_t extent = source.getDimSize(group[i]);
        exprs[group[i]] = i == 0 ? rest : rest % extent;
        rest = rest.floorDiv(extent);
      }
    }
  }
  return AffineMap::get(position.getNumDims(), 0, exprs, reshape->getContext());
}

FailureOr<KernelModel> KernelModel::create(func::FuncOp function) {
  KernelModel model;
  model.function = function;
  if (failed(model.readBindings()) || failed(model.readStages()))
    return failure();
  model.align();
  return model;
}

LogicalResult KernelModel::readBindings() {
  numInputs = function.getNumArguments();
  for (Type t : llvm::concat<const Type>(function.getArgumentTypes(),
                                         function.getResultTypes()))
    if (auto type = dyn_cast<RankedTensorType>(t))
      for (int64_t dim : ir::getDynamicDims(type))
        symbols.push_back(type.getDimSize(dim));
  llvm::sort(symbols);
  symbols.erase(llvm::unique(symbols), symbols.end());
  auto read = [&](Type t, bool isResult) -> LogicalResult {
    auto type = dyn_cast<RankedTensorType>(t);
    if (!type || !type.hasStaticShape())
      return function.emitError("kernel ")
             << function.getName() << ": expected ranked tensors, got " << t;
    Binding binding;
    binding.type = type;
    binding.isResult = isResult;
    for (auto [dim, extent] : llvm::enumerate(type.getShape()))
      binding.extents.push_back(ir::isDynamicDim(type, dim) ? getSymbol(extent)
                                                            : Extent(extent));
    binding.strides = getStrides(type, binding.extents);
    bindings.push_back(std::move(binding));
    return success();
  };
  for (auto [i, t] : llvm::enumerate(function.getFunctionType().getInputs())) {
    if (failed(read(t, false)))
      return failure();
    bindings.back().isConstant = ir::isConstantParameter(function, i);
  }
  for (Type t : function.getFunctionType().getResults())
    if (failed(read(t, true)))
      return failure();
  return success();
}

Extent KernelModel::getSymbol(int64_t representative) const {
  const int64_t *it = llvm::lower_bound(symbols, representative);
  assert(it != symbols.end() && *it == representative);
  return Extent::symbol(getContext(), it - symbols.begin(), representative);
}

SmallVector<Extent> KernelModel::getExtentsOf(Value tensor) const {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return llvm::to_vector(
        ArrayRef<Extent>(bindings[arg.getArgNumber()].extents));
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<Extent> result;
  for (int64_t extent : type.getShape())
    result.push_back(extent);
  Operation *def = tensor.getDefiningOp();
  // Dims that an op hands on unchanged.
  auto keep = [&](Value source, auto isKept) {
    SmallVector<Extent> from = getExtentsOf(source);
    for (auto [to, dim] : llvm::zip_equal(result, from))
      if (isKept(&to - result.data()))
        to = dim;
  };
  if (const Stage *stage = findStage(def)) {
    auto op = stage->op;
    unsigned number = cast<OpResult>(tensor).getResultNumber();
    AffineMap map = op.getIndexingMapsArray()[op.getNumDpsInputs() + number];
    for (auto [to, expr] : llvm::zip_equal(result, map.getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(expr))
        to = stage->extents[d.getPosition()];
  } else if (auto pad = dyn_cast<tensor::PadOp>(def)) {
    keep(pad.getSource(), [&](size_t dim) {
      return pad.getStaticLow()[dim] == 0 && pad.getStaticHigh()[dim] == 0;
    });
  } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(def)) {
    // A symbol stays the outermost part of what is split or merged: verified
    // by its use, which needs the extents of the inner parts only.
    auto expand = dyn_cast<tensor::ExpandShapeOp>(def);
    auto groups =
        expand ? expand.getReassociationIndices()
               : cast<tensor::CollapseShapeOp>(def).getReassociationIndices();
    SmallVector<Extent> from = getExtentsOf(def->getOperand(0));
    for (auto [j, group] : llvm::enumerate(groups)) {
      Extent &to = expand ? result[group[0]] : result[j];
      Extent merged = 1;
      if (expand)
        merged = group.size() == 1 ? from[j] : to;
      else
        for (int64_t dim : group)
          merged = merged * from[dim];
      to = merged;
    }
  }
  return result;
}

SmallVector<Extent> KernelModel::getLoopExtents(linalg::GenericOp op) const {
  SmallVector<Extent> result;
  for (int64_t extent : op.getStaticLoopRanges())
    result.push_back(extent);
  for (OpOperand &operand : op->getOpOperands()) {
    Value tensor = operand.get();
    if (isStatic() || !isa<RankedTensorType>(tensor.getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [extent, expr] :
         llvm::zip_equal(getExtentsOf(tensor), map.getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(expr); d && !extent.isStatic())
        result[d.getPosition()] = extent;
  }
  return result;
}

LogicalResult KernelModel::readStages() {
  if (!function.getBody().hasOneBlock())
    return function.emitError("kernel ")
           << function.getName() << ": expected straight-line code";
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      Stage stage;
      stage.op = generic;
      stage.extents.assign(getLoopExtents(generic));
      stage.combiner = matchCombiner(generic);
      if (stage.combiner)
        stage.product = matchProduct(generic, *stage.combiner);
      stageNumbers[&op] = stages.size();
      stages.push_back(std::move(stage));
      continue;
    }
    if (!isa<arith::ConstantOp, linalg::FillOp, tensor::EmptyOp, tensor::PadOp,
             tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::ExtractSliceOp>(op))
      return op.emitOpError("is not an op that kernels are made of");
  }
  return success();
}

const Stage *KernelModel::findStage(Operation *op) const {
  auto it = stageNumbers.find(op);
  return it == stageNumbers.end() ? nullptr : &stages[it->second];
}

SmallVector<const Stage *> KernelModel::getReductions() const {
  SmallVector<const Stage *> result;
  for (const Stage &stage : stages)
    if (stage.isReduction())
      result.push_back(&stage);
  return result;
}

std::string KernelModel::findIrregularity() const {
  for (const Stage &stage : stages) {
    auto op = stage.op;
    if (op->getNumResults() != 1)
      return "has an op of several results that depend on each other";
    if (!stage.isReduction() &&
        !op.getBody()->getArguments().back().use_empty())
      return "has an element-wise op that reads what its result starts from";
  }
  return {};
}

Value KernelModel::getResultValue(unsigned i) const {
  auto f = function;
  return f.getBody().front().getTerminator()->getOperand(i);
}

AffineMap KernelModel::getResultPosition(unsigned i) const {
  auto op = getResultValue(i).getDefiningOp<linalg::GenericOp>();
  const Stage *stage = op ? findStage(op) : nullptr;
  if (!stage || !stage->position)
    return {};
  unsigned number = cast<OpResult>(getResultValue(i)).getResultNumber();
  return op.getIndexingMapsArray()[op.getNumDpsInputs() + number].compose(
      stage->position);
}

AffineMap KernelModel::getOperandPosition(linalg::GenericOp op,
                                          unsigned operand, AffineMap loops) {
  return op.getIndexingMapsArray()[operand].compose(loops);
}

AffineMap KernelModel::getLoopsAt(linalg::GenericOp op,
                                  AffineMap position) const {
  AffineMap out = op.getIndexingMapsArray().back();
  SmallVector<AffineExpr> loops(op.getNumLoops());
  for (auto [expr, at] :
       llvm::zip_equal(out.getResults(), position.getResults())) {
    if (auto d = dyn_cast<AffineDimExpr>(expr))
      loops[d.getPosition()] = at;
    else if (!isa<AffineConstantExpr>(expr))
      return {};
  }
  unsigned next = position.getNumDims();
  auto iterators = op.getIteratorTypesArray();
  for (auto [l, expr] : llvm::enumerate(loops)) {
    if (expr)
      continue;
    if (iterators[l] != utils::IteratorType::reduction)
      return {};
    expr = getAffineDimExpr(next++, op.getContext());
  }
  return AffineMap::get(next, 0, loops, op.getContext());
}

//===----------------------------------------------------------------------===//
// The iteration space
//===----------------------------------------------------------------------===//

unsigned KernelModel::addDim(Extent extent) {
  extents.push_back(extent);
  return extents.size() - 1;
}

namespace {

/// Positions of the loops of all stages while they are being found.
class Alignment {
public:
  Alignment(ArrayRef<Stage> stages,
            const llvm::DenseMap<Operation *, unsigned> &numbers)
      : numbers(numbers) {
    for (const Stage &stage : stages) {
      auto op = stage.op;
      loops.emplace_back(op.getNumLoops());
      ops.push_back(op);
      for (auto [l, extent] : llvm::enumerate(stage.extents))
        if (extent.is(1))
          loops.back()[l] = getAffineConstantExpr(0, op.getContext());
    }
  }

  SmallVector<AffineExpr> &of(unsigned stage) { return loops[stage]; }
  bool isComplete(unsigned stage) const {
    return llvm::all_of(loops[stage], [](AffineExpr e) { return bool(e); });
  }

  /// Carries what is known along all values, until nothing changes.
  void propagate() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (unsigned s = 0; s < ops.size(); ++s)
        changed |= toConsumers(s);
      for (unsigned s = ops.size(); s-- > 0;)
        changed |= toProducers(s);
    }
  }

private:
  /// Position of a stage's result, null exprs where unknown.
  SmallVector<AffineExpr> apply(AffineMap map, ArrayRef<AffineExpr> at) const {
    SmallVector<AffineExpr> result;
    for (AffineExpr e : map.getResults()) {
      bool known = true;
      e.walk([&](AffineExpr x) {
        if (auto d = dyn_cast<AffineDimExpr>(x))
          known &= bool(at[d.getPosition()]);
      });
      result.push_back(known ? e.replaceDims(at) : AffineExpr());
    }
    return result;
  }

  bool toConsumers(unsigned s) {
    bool changed = false;
    auto maps = ops[s].getIndexingMapsArray();
    for (OpResult r : ops[s]->getResults())
      changed |=
          pushTo(r, apply(maps[ops[s].getNumDpsInputs() + r.getResultNumber()],
                          loops[s]));
    return changed;
  }

  bool pushTo(Value value, ArrayRef<AffineExpr> position) {
    bool changed = false;
    for (OpOperand &use : value.getUses()) {
      if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(use.getOwner())) {
        SmallVector<AffineExpr> merged;
        auto type = cast<RankedTensorType>(value.getType());
        for (ArrayRef<int64_t> group : collapse.getReassociationIndices()) {
          AffineExpr sum = getAffineConstantExpr(0, value.getContext());
          for (int64_t dim : group)
            sum = sum && position[dim]
                      ? sum * type.getDimSize(dim) + position[dim]
                      : AffineExpr();
          merged.push_back(sum);
        }
        changed |= pushTo(collapse.getResult(), merged);
        continue;
      }
      auto it = numbers.find(use.getOwner());
      if (it == numbers.end())
        continue;
      auto op = ops[it->second];
      changed |= fill(it->second, op.getMatchingIndexingMap(&use), position);
    }
    return changed;
  }

  bool toProducers(unsigned s) {
    bool changed = false;
    auto maps = ops[s].getIndexingMapsArray();
    for (auto [i, input] : llvm::enumerate(ops[s].getInputs())) {
      auto it = input.getDefiningOp() ? numbers.find(input.getDefiningOp())
                                      : numbers.end();
      if (it == numbers.end())
        continue;
      auto producer = ops[it->second];
      changed |= fill(
          it->second,
          producer
              .getIndexingMapsArray()[producer.getNumDpsInputs() +
                                      cast<OpResult>(input).getResultNumber()],
          apply(maps[i], loops[s]));
    }
    return changed;
  }

  bool fill(unsigned stage, AffineMap map, ArrayRef<AffineExpr> position) {
    bool changed = false;
    for (auto [e, at] : llvm::zip_equal(map.getResults(), position))
      if (auto d = dyn_cast<AffineDimExpr>(e))
        if (at && !loops[stage][d.getPosition()]) {
          loops[stage][d.getPosition()] = at;
          changed = true;
        }
    return changed;
  }

  const llvm::DenseMap<Operation *, unsigned> &numbers;
  SmallVector<linalg::GenericOp> ops;
  std::vector<SmallVector<AffineExpr>> loops;
};

} // namespace

void KernelModel::align() {
  Alignment alignment(stages, stageNumbers);
  // A loop that nothing connects to others may run along any dim of its extent:
  // take that of an earlier reduction's loop at the same place, so that what is
  // read again (a row, for its maximum and then its sum) is read in step.
  auto adopt = [&](unsigned s, unsigned l, Extent extent) -> AffineExpr {
    for (unsigned r = 0; r < stages.size(); ++r) {
      auto other = stages[r].op;
      if (r == s || !stages[r].isReduction() ||
          other.getNumLoops() != stages[s].op.getNumLoops() ||
          !(stages[r].extents[l] == extent))
        continue;
      auto d = dyn_cast_or_null<AffineDimExpr>(alignment.of(r)[l]);
      if (d && !llvm::is_contained(alignment.of(s), d))
        return d;
    }
    return {};
  };
  auto complete = [&](unsigned s) {
    for (auto [l, extent] : llvm::enumerate(stages[s].extents)) {
      AffineExpr &at = alignment.of(s)[l];
      if (!at)
        at = adopt(s, l, extent);
      if (!at)
        at = getAffineDimExpr(addDim(extent), getContext());
    }
    alignment.propagate();
  };
  alignment.propagate();
  // Reductions span the space; kernels without any, the first result.
  for (unsigned s = 0; s < stages.size(); ++s)
    if (stages[s].isReduction() && !alignment.isComplete(s))
      complete(s);
  for (unsigned i = 0; i < getNumResults(); ++i)
    if (Operation *def = getResultValue(i).getDefiningOp())
      if (auto it = stageNumbers.find(def); it != stageNumbers.end())
        if (!alignment.isComplete(it->second))
          complete(it->second);

  for (auto [s, stage] : llvm::enumerate(stages)) {
    if (!alignment.isComplete(s))
      continue;
    stage.position =
        AffineMap::get(getNumDims(), 0, alignment.of(s), getContext());
    for (auto [l, type] : llvm::enumerate(stage.op.getIteratorTypesArray()))
      if (auto d = dyn_cast<AffineDimExpr>(alignment.of(s)[l]);
          d && type == utils::IteratorType::reduction)
        stage.reducedDims.push_back(d.getPosition());
  }
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

std::optional<Access> KernelModel::getAccess(unsigned binding,
                                             AffineMap position) const {
  const Binding &at = bindings[binding];
  Access access;
  access.binding = binding;
  access.isStore = at.isResult;
  access.coefs.assign(position.getNumDims(), 0);
  for (auto [j, expr] : llvm::enumerate(position.getResults())) {
    SmallVector<int64_t> coefs(position.getNumDims(), 0);
    int64_t offset = 0;
    if (!linearize(expr, 1, coefs, offset))
      return std::nullopt;
    access.offset = access.offset + at.strides[j] * offset;
    for (auto [d, coef] : llvm::enumerate(coefs))
      if (coef)
        access.coefs[d] = access.coefs[d] + at.strides[j] * coef;
  }
  return access;
}

bool KernelModel::collect(Value tensor, AffineMap position,
                          SmallVectorImpl<Access> &out,
                          llvm::function_ref<bool(Value)> stop) const {
  if (stop && stop(tensor))
    return true;
  if (auto arg = dyn_cast<BlockArgument>(tensor)) {
    std::optional<Access> access = getAccess(arg.getArgNumber(), position);
    if (!access)
      return false;
    if (!llvm::is_contained(out, *access))
      out.push_back(*access);
    return true;
  }
  Operation *def = tensor.getDefiningOp();
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp>(def))
    return collect(def->getOperand(0), getSourcePosition(def, position), out,
                   stop);
  auto op = dyn_cast<linalg::GenericOp>(def);
  if (!op)
    return isa<arith::ConstantOp>(def);
  AffineMap loops = getLoopsAt(op, position);
  if (!loops)
    return false;
  bool linear = true;
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    linear &= collect(input, getOperandPosition(op, i, loops), out, stop);
  // An index is a value that changes with its dim alone.
  op.getBody()->walk([&](linalg::IndexOp index) {
    Access access;
    access.binding = Access::kIndex;
    access.coefs.assign(loops.getNumDims(), 0);
    SmallVector<int64_t> coefs(loops.getNumDims(), 0);
    int64_t offset = 0;
    linear &= linearize(loops.getResult(index.getDim()), 1, coefs, offset);
    for (auto [d, coef] : llvm::enumerate(coefs))
      access.coefs[d] = coef;
    out.push_back(access);
  });
  return linear;
}

int64_t KernelModel::getCost() const {
  int64_t cost = 0;
  for (const Stage &stage : stages) {
    auto op = stage.op;
    cost += getBodyCost(op.getBody());
  }
  return cost;
}

double KernelModel::getFlops() const {
  double flops = 0;
  for (const Stage &stage : stages) {
    auto op = stage.op;
    double positions = 1;
    for (int64_t extent : op.getStaticLoopRanges())
      positions *= extent;
    flops +=
        positions * (stage.isContraction() ? 2 : getBodyCost(op.getBody()));
  }
  return flops;
}

double KernelModel::getBytes(ArrayRef<Access> accesses) const {
  double bytes = 0;
  for (const Access &a : accesses) {
    if (a.binding == Access::kIndex)
      continue;
    double count = 1;
    for (size_t d = 0; d < getNumDims(); ++d)
      if (!a.coefs[d].is(0))
        count *= extents[d].representative();
    bytes +=
        count *
        std::max(8u, bindings[a.binding].element().getIntOrFloatBitWidth()) / 8;
  }
  return bytes;
}

double KernelModel::getBufferBytes() const {
  double bytes = 0;
  for (const Binding &b : bindings) {
    double count = std::max(8u, b.element().getIntOrFloatBitWidth()) / 8;
    for (auto [extent, stride] : llvm::zip_equal(b.extents, b.strides))
      if (!stride.is(0))
        count *= extent.representative();
    bytes += count;
  }
  return bytes;
}

double KernelModel::getVolume(ArrayRef<unsigned> dims) const {
  double volume = 1;
  for (unsigned d : dims)
    volume *= extents[d].representative();
  return volume;
}

} // namespace fusilli::compiler
