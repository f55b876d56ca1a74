// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a contraction from the model: which loop is which, how A and B are
// addressed, the window of a convolution.

#include "compiler/Codegen/CPU/Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Coefficient of each loop in one result of an indexing map, and the constant.
LogicalResult linearCoefficients(AffineExpr e, SmallVectorImpl<int64_t> &c,
                                 int64_t &offset, int64_t scale = 1) {
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    c[d.getPosition()] += scale;
    return success();
  }
  if (auto k = dyn_cast<AffineConstantExpr>(e)) {
    offset += scale * k.getValue();
    return success();
  }
  auto bin = dyn_cast<AffineBinaryOpExpr>(e);
  if (!bin)
    return failure();
  if (bin.getKind() == AffineExprKind::Add)
    return success(
        succeeded(linearCoefficients(bin.getLHS(), c, offset, scale)) &&
        succeeded(linearCoefficients(bin.getRHS(), c, offset, scale)));
  if (bin.getKind() == AffineExprKind::Mul)
    if (auto k = dyn_cast<AffineConstantExpr>(bin.getRHS()))
      return linearCoefficients(bin.getLHS(), c, offset, scale * k.getValue());
  return failure();
}

bool uses(AffineMap map, int loop) { return map.isFunctionOfDim(loop); }

} // namespace

bool ContractionOperand::isWidenedBf16() const {
  auto ext = inBody.getDefiningOp<arith::ExtFOp>();
  return ext && isa<BlockArgument>(ext.getIn()) && element.isBF16() &&
         ext.getType().isF32();
}

double Contraction::flops() const {
  double f = 2;
  for (int64_t e : extents)
    f *= e;
  return f;
}

bool Contraction::allowsGranule(int64_t granule) const {
  if (isConv() || (aRuns.size() == 1 && bRuns.size() == 1))
    return true;
  return aRuns.back().extent % granule == 0 &&
         bRuns.back().extent % granule == 0;
}

Contraction::Contraction(const KernelModel &model) : model(model) { analyse(); }

void Contraction::analyse() {
  auto reductions = model.getReductions();
  if (reductions.size() != 1 || !reductions.front()->isContraction()) {
    defect = reductions.empty() ? "has no contraction"
             : reductions.size() > 1
                 ? "has several reductions"
                 : "the reduction is no sum of products of two operands";
    return;
  }
  stage = reductions.front();
  auto op = getOp();
  if (!stage->position) {
    defect = "is not aligned with the kernel's results";
    return;
  }
  if (stage->combiner->init != stage->combiner->identity) {
    defect = "does not start from zero";
    return;
  }
  extents.assign(op.getStaticLoopRanges());
  acc = cast<RankedTensorType>(op.getResult(0).getType()).getElementType();
  for (unsigned l = 0; l < extents.size(); ++l) {
    auto d = dyn_cast<AffineDimExpr>(stage->position.getResult(l));
    dim.push_back(d ? int(d.getPosition()) : -1);
  }
  // Input 0 is A, whose elements are broadcast; input 1 is B.
  const ProductBody &product = *stage->product;
  a.input = 0;
  b.input = 1;
  a.inBody = product.xInput == 0 ? product.x : product.y;
  b.inBody = product.xInput == 0 ? product.y : product.x;
  if (!analyseOperand(a, true) || !analyseOperand(b, false) || !analyseLoops())
    return;
  for (const SpatialDim &s : spatial)
    if (s.isFlipped) {
      b.offset += (s.taps - 1) * b.coefs[s.filterLoop];
      b.coefs[s.filterLoop] = -b.coefs[s.filterLoop];
    }
  if (!collectAccesses())
    return;
  const Binding &constant = model.getBindings()[b.binding];
  isPrepackable =
      constant.isConstant && a.binding != b.binding &&
      llvm::all_of(constant.extents,
                   [](const Extent &extent) { return extent.isStatic(); }) &&
      llvm::none_of(accesses,
                    [&](const Access &x) { return x.binding == b.binding; });
  if (isConv() && findPatches()) {
    spatial.clear();
    if (groupLoop >= 0)
      batchLoops.push_back(groupLoop);
    groupLoop = -1;
  }
  if (isConv()) {
    nLoops = {nLoop};
    if (findMultiplier()) {
      channelwise = true;
      nLoops.insert(nLoops.begin(), groupLoop);
      n *= extents[groupLoop];
      groupLoop = -1;
    }
    mergeConvRows();
  } else {
    mergeRows();
    swapOperands();
    findRuns();
  }
  for (int l = 0; l < int(extents.size()) && defect.empty(); ++l)
    if (isSymbolic(l) && !llvm::is_contained(batchLoops, l) &&
        (isConv() || !llvm::is_contained(mLoops, l)))
      defect = "has a symbolic extent that is neither batch nor row";
}

bool Contraction::analyseOperand(ContractionOperand &o, bool isA) {
  auto op = getOp();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap map = maps[o.input], other = maps[1 - o.input];
  Value v = op.getInputs()[o.input];
  // A view with a dim taken apart: the dim's position is put together again.
  if (auto expand = v.getDefiningOp<tensor::ExpandShapeOp>()) {
    map = getSourcePosition(expand, map);
    v = expand.getSrc();
  }
  auto pad = v.getDefiningOp<tensor::PadOp>();
  if (pad) {
    auto value = pad.getConstantPaddingValue();
    if (!value || !(matchPattern(value, m_Zero()) ||
                    matchPattern(value, m_AnyZeroFloat()))) {
      defect = "is padded with something other than zero";
      return false;
    }
    v = pad.getSource();
  }
  auto slice = v.getDefiningOp<tensor::ExtractSliceOp>();
  if (slice) {
    if (isA || pad || slice.getDroppedDims().any()) {
      defect = "an operand is a slice in a place where none is read";
      return false;
    }
    v = slice.getSource();
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
  for (unsigned j = 0; j < binding.extents.size(); ++j) {
    if (!binding.strides[j].isStatic()) {
      defect = "an operand has a symbolic stride";
      return false;
    }
    int64_t stride = binding.strides[j].get();
    if (slice) {
      o.offset += slice.getStaticOffset(j) * stride;
      stride *= slice.getStaticStride(j);
    }
    SmallVector<int64_t> c(op.getNumLoops(), 0);
    int64_t offset = 0;
    if (failed(linearCoefficients(map.getResult(j), c, offset))) {
      defect = "an operand is not addressed linearly";
      return false;
    }
    bool isPadded = pad && (pad.getStaticLow()[j] || pad.getStaticHigh()[j]);
    SmallVector<int, 2> outputs, taps;
    for (int l = 0; l < int(c.size()); ++l)
      if (c[l]) {
        if (uses(maps[2], l) && !uses(other, l))
          outputs.push_back(l);
        else if (!uses(maps[2], l))
          taps.push_back(l);
      }
    bool window = outputs.size() == 1 && taps.size() == 1 &&
                  isa<AffineBinaryOpExpr>(map.getResult(j));
    if (window && isA) {
      SpatialDim s{};
      s.outputLoop = outputs[0];
      s.filterLoop = taps[0];
      s.stride = c[outputs[0]];
      if (!binding.extents[j].isStatic()) {
        defect = "has a window along a symbolic dim";
        return false;
      }
      s.inputExtent = binding.extents[j].get();
      s.inputStride = stride;
      s.outputs = extents[s.outputLoop];
      s.taps = extents[s.filterLoop];
      s.pad = (pad ? pad.getStaticLow()[j] : 0) - offset;
      if (c[taps[0]] < 0) {
        // A window that is walked backwards, as that of a gradient: forwards,
        // the filter is.
        s.isFlipped = true;
        c[taps[0]] = -c[taps[0]];
        s.pad += (s.taps - 1) * c[taps[0]];
      }
      s.dilation = c[taps[0]];
      s.padHigh = std::max<int64_t>((s.outputs - 1) * s.stride +
                                        (s.taps - 1) * s.dilation + 1 - s.pad -
                                        s.inputExtent,
                                    0);
      if (s.stride < 0 || s.pad < 0) {
        defect = "has a window that begins inside of the input";
        return false;
      }
      spatial.push_back(s);
    } else if (isPadded || (window && !isA)) {
      defect = isPadded ? "is padded outside of a window"
                        : "reads the second operand through a window";
      return false;
    }
    if (!window && offset != 0) {
      defect = "an operand is addressed with an offset";
      return false;
    }
    if (llvm::any_of(c, [](int64_t x) { return x < 0; })) {
      defect = "an operand is walked backwards";
      return false;
    }
    if (!binding.extents[j].is(1))
      for (int l = 0; l < int(c.size()); ++l)
        o.coefs[l] += c[l] * stride;
  }
  llvm::sort(spatial, [](const SpatialDim &x, const SpatialDim &y) {
    return x.outputLoop < y.outputLoop;
  });
  return true;
}

bool Contraction::analyseLoops() {
  auto op = getOp();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  // The epilogue reads the result, or its form with groups merged again.
  result = op.getResult(0);
  bool grouped = false;
  for (Operation *user : result.getUsers())
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user)) {
      result = collapse.getResult();
      grouped = true;
    }
  SmallVector<int, 4> mCandidates;
  int rowLoop = -1;
  unsigned rank = maps[2].getNumResults();
  if (rank < (isConv() ? 3 + grouped : 2u) || (grouped && !isConv())) {
    defect = "has fewer result dims than rows and columns";
    return false;
  }
  for (auto [j, expr] : llvm::enumerate(maps[2].getResults())) {
    auto d = dyn_cast<AffineDimExpr>(expr);
    if (!d) {
      defect = "does not write each result dim by a loop of its own";
      return false;
    }
    int l = d.getPosition();
    bool inA = uses(maps[0], l), inB = uses(maps[1], l);
    // Dim 1 of a grouped convolution's result is the group.
    if (grouped && j == 1) {
      groupLoop = l;
      continue;
    }
    // Columns are the channels or the last dim, the innermost rows the
    // innermost output position or the last but one dim, whatever their extent.
    unsigned column = isConv() ? 1 + grouped : rank - 1;
    unsigned row = rank - (isConv() ? 1 : 2);
    if (j == column) {
      nLoop = l;
      if (inA) {
        defect = "reads the first operand along its columns";
        return false;
      }
    } else if (j == row) {
      rowLoop = l;
      if (inB) {
        defect = "reads the second operand along its rows";
        return false;
      }
    } else if (extents[l] != 1 && inA && !inB) {
      mCandidates.push_back(l);
    } else {
      batchLoops.push_back(l);
    }
  }
  mCandidates.push_back(rowLoop);
  mLoops = mCandidates;
  for (int l = 0; l < int(extents.size()); ++l)
    if (op.getIteratorTypesArray()[l] == utils::IteratorType::reduction)
      kLoops.push_back(l);
  if (isConv()) {
    // The only reduction loop besides the taps is the channels.
    SmallVector<int, 2> rest;
    for (int l : kLoops)
      if (llvm::none_of(spatial,
                        [&](const SpatialDim &s) { return s.filterLoop == l; }))
        rest.push_back(l);
    if (rest.size() != 1 || rest.front() != kLoops.front()) {
      defect = "sums over other dims than channels and taps";
      return false;
    }
  }
  if (isConv() && groupLoop >= 0 && extents[nLoop] == 1 &&
      extents[kLoops.front()] == 1) {
    channelwise = true;
    nLoop = groupLoop;
    groupLoop = -1;
  }
  n = extents[nLoop];
  for (int l : kLoops)
    k *= extents[l];
  // Results lie in the iteration space of the contraction.
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    AffineMap position = model.getResultPosition(i);
    if (!position || !model.getAccess(model.getResultBinding(i), position)) {
      defect = "has a result of another iteration space";
      return false;
    }
    for (unsigned d = 0; d < model.getNumDims(); ++d) {
      bool reduced = llvm::is_contained(stage->reducedDims, d);
      bool own = llvm::is_contained(dim, int(d));
      if (position.isFunctionOfDim(d) == (reduced || !own)) {
        defect = "has a result of another shape";
        return false;
      }
    }
  }
  return true;
}

/// What the epilogue reads and writes.
bool Contraction::collectAccesses() {
  bool linear = true;
  for (unsigned i = 0; i < model.getNumResults(); ++i)
    accesses.push_back(*model.getAccess(model.getResultBinding(i),
                                        model.getResultPosition(i)));
  for (unsigned i = 0; i < model.getNumResults(); ++i)
    linear &= model.collect(model.getResultValue(i), model.getResultPosition(i),
                            accesses, [&](Value v) { return v == result; });
  for (const Access &access : accesses)
    for (int l = 0; l < int(dim.size()); ++l)
      if (dim[l] >= 0 && !access.coefs[dim[l]].isStatic()) {
        defect = "reads or writes with a symbolic stride";
        return false;
      }
  if (!linear)
    defect = "reads an operand of the epilogue that is not addressed linearly";
  return linear;
}

/// Whether a convolution's windows lie side by side, so that it is a matmul:
/// filters of one tap, patches.
bool Contraction::findPatches() {
  if (channelwise)
    return false;
  bool isPointLike = true;
  for (const SpatialDim &s : spatial) {
    bool overlaps = s.outputs > 1 && s.stride < (s.taps - 1) * s.dilation + 1;
    if (s.isPadded() || overlaps || (s.isFlipped && s.taps > 1))
      return false;
    isPointLike &= s.taps == 1 && (s.stride == 1 || s.outputs == 1);
  }
  if (isPointLike)
    return true;
  // Packing reads along the reduction.
  return llvm::any_of(kLoops, [&](int l) {
    return extents[l] > 1 && a.coefs[l] == 1 && b.coefs[l] >= 0;
  });
}

/// Whether each group has one channel and a few results that lie together, a
/// part of a vector.
bool Contraction::findMultiplier() {
  if (groupLoop < 0 || channelwise || extents[kLoops.front()] != 1)
    return false;
  int64_t few = extents[nLoop];
  return (few == 2 || few == 4) && b.coefs[groupLoop] == b.coefs[nLoop] * few &&
         llvm::all_of(accesses, [&](const Access &x) {
           return coefOf(x, groupLoop) == coefOf(x, nLoop) * few;
         });
}

/// Output positions that the epilogue walks through linearly, the innermost dim
/// first; where the input's rows lie is computed.
void Contraction::mergeConvRows() {
  SmallVector<int, 4> candidates = std::move(mLoops);
  mLoops.clear();
  m = 1;
  for (const SpatialDim &s : llvm::reverse(spatial)) {
    if (s.outputs == 1)
      continue;
    bool merges = llvm::all_of(accesses, [&](const Access &x) {
      return mLoops.empty() ||
             coefOf(x, s.outputLoop) == coefOf(x, mLoops.back()) * m;
    });
    if (!merges)
      break;
    mLoops.insert(mLoops.begin(), s.outputLoop);
    m *= s.outputs;
  }
  if (mLoops.empty())
    mLoops.push_back(spatial.back().outputLoop);
  rows = m;
  for (int l : candidates)
    if (!llvm::is_contained(mLoops, l))
      batchLoops.push_back(l);
}

void Contraction::mergeRows() {
  // The innermost row loop: the one with the smallest store stride.
  SmallVector<int, 4> candidates = std::move(mLoops);
  mLoops.clear();
  nLoops = {nLoop};
  const Access &store = accesses.front();
  llvm::sort(candidates, [&](int x, int y) {
    bool ux = getExtent(x).is(1), uy = getExtent(y).is(1);
    if (ux != uy)
      return ux;
    return std::pair(-coefOf(store, x), x) < std::pair(-coefOf(store, y), y);
  });
  mLoops.push_back(candidates.pop_back_val());
  m = extents[mLoops.back()];
  rows = getExtent(mLoops.back());
  // Merge from the innermost outwards what all of the epilogue walks through
  // linearly, and A too, unless its rows are packed one by one.
  bool isPatch =
      llvm::count_if(kLoops, [&](int l) { return extents[l] != 1; }) > 1;
  while (!candidates.empty()) {
    int outer = candidates.back();
    if (getExtent(outer).is(1)) {
      batchLoops.push_back(candidates.pop_back_val());
      continue;
    }
    int inner = mLoops.front();
    bool isLinear = a.coefs[outer] == a.coefs[inner] * extents[inner];
    bool merges =
        !isSymbolic(inner) && (isLinear || isPatch) &&
        llvm::all_of(accesses, [&](const Access &x) {
          return coefOf(x, outer) == coefOf(x, inner) * extents[inner];
        });
    if (!merges)
      break;
    rowsAreLinear &= isLinear;
    mLoops.insert(mLoops.begin(), candidates.pop_back_val());
    m *= extents[outer];
    rows = rows * getExtent(outer);
  }
  batchLoops.append(candidates.begin(), candidates.end());
}

/// A result that is contiguous along its rows is written, and mostly its A
/// read, in vectors along them: the operands change places.
void Contraction::swapOperands() {
  const Access &store = accesses.front();
  if (n == 1 || m == 1 || coefOf(store, nLoop) == 1 ||
      coefOf(store, mLoops.back()) != 1 || !rowsAreLinear || !rows.isStatic())
    return;
  std::swap(a, b);
  std::swap(m, n);
  std::swap(mLoops, nLoops);
  rows = 1; // perhaps symbolic columns
  for (int l : mLoops)
    rows = rows * getExtent(l);
  nLoop = nLoops.back();
  isPrepackable = false;
}

void Contraction::findRuns() {
  SmallVector<int, 4> order;
  for (int l : kLoops)
    if (extents[l] != 1)
      order.push_back(l);
  // In the order in which A lies.
  llvm::sort(order, [&](int x, int y) {
    return std::pair(-a.coefs[x], x) < std::pair(-a.coefs[y], y);
  });
  auto merge = [&](const ContractionOperand &o,
                   SmallVectorImpl<ReductionRun> &runs) {
    for (int l : order)
      if (!runs.empty() && runs.back().stride == o.coefs[l] * extents[l])
        runs.back() = {runs.back().extent * extents[l], o.coefs[l]};
      else
        runs.push_back({extents[l], o.coefs[l]});
    if (runs.empty())
      runs.push_back({1, 1});
  };
  merge(a, aRuns);
  merge(b, bRuns);
}

} // namespace fusilli::compiler
