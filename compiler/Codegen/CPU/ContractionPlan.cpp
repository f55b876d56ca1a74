// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Analysis of a contraction and the choice of its tile and blocks. The tile
// sizes follow measurements: 6 x 4 vectors fill 32 registers best, and a full
// reduction is kept in registers.

#include "compiler/Codegen/CPU/ContractionPlan.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// coefficient of each loop in one result of an indexing map.
LogicalResult linearCoefficients(AffineExpr e, SmallVectorImpl<int64_t> &c,
                                 int64_t scale = 1) {
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    c[d.getPosition()] += scale;
    return success();
  }
  if (auto k = dyn_cast<AffineConstantExpr>(e))
    return success(k.getValue() == 0);
  auto bin = dyn_cast<AffineBinaryOpExpr>(e);
  if (!bin)
    return failure();
  if (bin.getKind() == AffineExprKind::Add)
    return success(succeeded(linearCoefficients(bin.getLHS(), c, scale)) &&
                   succeeded(linearCoefficients(bin.getRHS(), c, scale)));
  if (bin.getKind() == AffineExprKind::Mul)
    if (auto k = dyn_cast<AffineConstantExpr>(bin.getRHS()))
      return linearCoefficients(bin.getLHS(), c, scale * k.getValue());
  return failure();
}

bool uses(AffineMap map, int loop) { return map.isFunctionOfDim(loop); }

} // namespace

double ContractionPlan::flops() const {
  double f = 2;
  for (int64_t e : extents)
    f *= e;
  return f;
}

int ContractionPlan::innerK() const {
  for (int l : kLoops)
    if (extents[l] != 1)
      return l;
  return kLoops.front();
}

bool ContractionPlan::prefersDotProducts() const {
  return !isConv() && groupLoop < 0 && kLoops.size() == 1 &&
         extents.size() == rootExtents.size() + 1 && m <= 2 && n > 1 &&
         k >= 4 * lanes && a.coefs[innerK()] == 1 && b.coefs[innerK()] == 1;
}

FailureOr<ContractionPlan> ContractionPlan::create(KernelEmitter &e,
                                                   linalg::GenericOp op) {
  ContractionPlan plan;
  plan.op = op;
  if (failed(plan.analyse(e)))
    return failure();
  plan.mergeRows(e);
  plan.chooseTile(e.target());
  plan.chooseBlocks(e.target());
  return plan;
}

LogicalResult ContractionPlan::analyseOperands(KernelEmitter &e) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (int i = 0; i < 2; ++i) {
    ContractionOperand &o = i ? b : a;
    Value v = op.getInputs()[i];
    tensor::PadOp pad = v.getDefiningOp<tensor::PadOp>();
    if (pad)
      v = pad.getSource();
    auto viewType = cast<RankedTensorType>(v.getType());
    if (auto expand = v.getDefiningOp<tensor::ExpandShapeOp>())
      v = expand.getSrc();
    auto arg = dyn_cast<BlockArgument>(v);
    if (!arg)
      return op.emitOpError("operands must be kernel arguments");
    o.binding = arg.getArgNumber();
    o.element = viewType.getElementType();
    o.coefs.assign(op.getNumLoops(), 0);
    int64_t stride = 1;
    for (int j = viewType.getRank() - 1; j >= 0; --j) {
      SmallVector<int64_t> c(op.getNumLoops(), 0);
      if (failed(linearCoefficients(maps[i].getResult(j), c)))
        return op.emitOpError("operand is not addressed linearly");
      if (isa<AffineBinaryOpExpr>(maps[i].getResult(j))) {
        SpatialDim s{};
        s.outputLoop = s.filterLoop = -1;
        for (int l = 0; l < int(c.size()); ++l) {
          if (!c[l])
            continue;
          if (uses(maps[2], l)) {
            s.outputLoop = l;
            s.stride = c[l];
          } else {
            s.filterLoop = l;
            s.dilation = c[l];
          }
        }
        if (i || s.outputLoop < 0 || s.filterLoop < 0)
          return op.emitOpError("unexpected operand access");
        s.pad = pad ? pad.getStaticLow()[j] : 0;
        s.inputExtent = viewType.getDimSize(j);
        s.inputStride = stride;
        s.outputs = extents[s.outputLoop];
        s.taps = extents[s.filterLoop];
        spatial.insert(spatial.begin(), s);
      }
      if (viewType.getDimSize(j) != 1)
        for (int l = 0; l < int(c.size()); ++l)
          o.coefs[l] += c[l] * stride;
      stride *= viewType.getDimSize(j);
    }
  }
  // Physical order may differ from logical order: sort by output loop.
  llvm::sort(spatial, [](const SpatialDim &x, const SpatialDim &y) {
    return x.outputLoop < y.outputLoop;
  });
  return success();
}

LogicalResult ContractionPlan::analyse(KernelEmitter &e) {
  extents.assign(op.getStaticLoopRanges());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (failed(analyseOperands(e)))
    return failure();
  acc = cast<RankedTensorType>(op.getResult(0).getType()).getElementType();

  // The epilogue reads the result, or its form with groups merged again.
  result = op.getResult(0);
  bool grouped = false;
  for (Operation *user : result.getUsers())
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user)) {
      result = collapse.getResult();
      grouped = true;
    }
  rootExtents.assign(cast<RankedTensorType>(result.getType()).getShape());
  e.setRootRank(rootExtents.size());

  rootDim.assign(extents.size(), -1);
  int position = 0;
  SmallVector<int, 4> mCandidates;
  int rowLoop = -1;
  for (auto [j, expr] : llvm::enumerate(maps[2].getResults())) {
    auto d = dyn_cast<AffineDimExpr>(expr);
    if (!d)
      return op.emitOpError("unexpected result access");
    int l = d.getPosition();
    bool inA = uses(maps[0], l), inB = uses(maps[1], l);
    // Dim 1 of a grouped convolution's result is the group.
    if (grouped && j == 1) {
      groupLoop = l;
      continue;
    }
    rootDim[l] = position++;
    // Columns are the channels or the last dim, the innermost rows the
    // innermost output position or the last but one dim, whatever their extent.
    int64_t column = isConv() ? 1 + grouped : maps[2].getNumResults() - 1;
    int64_t row = maps[2].getNumResults() - (isConv() ? 1 : 2);
    if (int64_t(j) == column)
      nLoop = l;
    else if (int64_t(j) == row)
      rowLoop = l;
    else if (extents[l] != 1 && inA && !inB)
      mCandidates.push_back(l);
    else
      batchLoops.push_back(l);
  }
  mCandidates.push_back(rowLoop);
  mLoops = mCandidates;
  for (int l = 0; l < int(extents.size()); ++l)
    if (op.getIteratorTypesArray()[l] == utils::IteratorType::reduction)
      kLoops.push_back(l);
  if (isConv() && groupLoop >= 0 && extents[nLoop] == 1 &&
      extents[kLoops.front()] == 1) {
    channelwise = true;
    rootDim[groupLoop] = rootDim[nLoop];
    nLoop = groupLoop;
    groupLoop = -1;
  }
  n = extents[nLoop];
  for (int l : kLoops)
    k *= extents[l];
  return success();
}

void ContractionPlan::mergeRows(KernelEmitter &e) {
  // A filter of one tap without stride or padding is a matmul.
  bool pointLike =
      !channelwise && llvm::all_of(spatial, [](const SpatialDim &s) {
        return s.taps == 1 && s.stride == 1 && s.pad == 0;
      });
  if (isConv() && pointLike)
    spatial.clear();
  SmallVector<int, 4> rows = std::move(mLoops);
  mLoops.clear();
  if (isConv()) {
    mLoops.push_back(rows.pop_back_val());
    batchLoops.append(rows.begin(), rows.end());
    m = extents[mLoops.back()];
    return;
  }
  // Merge from the innermost outwards what A and all of the epilogue walk
  // through linearly.
  SmallVector<Access> accesses;
  SmallVector<int> dims = identityDims(rootExtents.size());
  for (unsigned i = 0; i < e.numResults(); ++i)
    e.collect(e.resultOp(i), dims, /*withStore=*/true, accesses);
  // The innermost row loop: the one with the smallest store stride.
  auto store =
      llvm::find_if(accesses, [](const Access &x) { return x.isStore; });
  llvm::sort(rows, [&](int x, int y) {
    bool ux = extents[x] == 1, uy = extents[y] == 1;
    if (ux != uy)
      return ux;
    return std::pair(-store->coefs[rootDim[x]], x) <
           std::pair(-store->coefs[rootDim[y]], y);
  });
  mLoops.push_back(rows.pop_back_val());
  m = extents[mLoops.back()];
  while (!rows.empty()) {
    int outer = rows.back();
    if (extents[outer] == 1) {
      batchLoops.push_back(rows.pop_back_val());
      continue;
    }
    int inner = mLoops.front();
    bool linear = a.coefs[outer] == a.coefs[inner] * extents[inner] &&
                  llvm::all_of(accesses, [&](const Access &x) {
                    return x.coefs[rootDim[outer]] ==
                           x.coefs[rootDim[inner]] * extents[inner];
                  });
    if (!linear)
      break;
    mLoops.insert(mLoops.begin(), rows.pop_back_val());
    m *= extents[outer];
  }
  batchLoops.append(rows.begin(), rows.end());
}

void ContractionPlan::chooseTile(const TargetInfo &target) {
  dot = !channelwise && target.hasBf16Dot && acc.isF32() &&
        a.element.isBF16() && b.element.isBF16();
  lanes = target.lanes(acc.getIntOrFloatBitWidth());
  // One register for the broadcast, nv for B, the rest are accumulators.
  int64_t registers = target.numVectorRegisters - 1;
  double best = 0;
  int64_t maxNv = std::min<int64_t>(4, llvm::divideCeil(n, lanes));
  for (int64_t v = 1; v <= maxNv; ++v) {
    int64_t limit = std::min<int64_t>((registers - v) / v, 14);
    if (v == 4)
      limit = std::min<int64_t>(limit, 6);
    for (int64_t r = 1; r <= std::min(limit, std::max<int64_t>(m, 1)); ++r) {
      // Useful part of what is computed, times how close the inner loop comes
      // to two products a cycle: it needs some 10 in flight and may load two
      // operands a cycle.
      double usefulN = double(n) / (llvm::divideCeil(n, v * lanes) * v * lanes);
      double usefulM = double(m) / (llvm::divideCeil(m, r) * r);
      double products = r * v;
      double cycles = std::max({products, 10.0, 1.15 * (r + v)});
      double score = usefulN * usefulM * products / (cycles + 0.05 * (r + v));
      if (score > best * 1.001) {
        best = score;
        mr = r;
        nv = v;
      }
    }
  }
}

void ContractionPlan::chooseBlocks(const TargetInfo &target) {
  panels = llvm::divideCeil(n, nr());
  int64_t kStride = a.coefs[innerK()];
  bool sameType = dot ? a.element.isBF16() : a.element == acc;
  if (isConv()) {
    int c = channelLoop();
    bool channelsLast = a.coefs[c] == 1 || extents[c] == 1;
    bool padded =
        llvm::any_of(spatial, [](const SpatialDim &s) { return s.pad != 0; });
    packA = channelwise || !sameType || !channelsLast || padded ||
            (dot && extents[c] % 2 != 0);
    const SpatialDim &first = spatial.front();
    // Blocks of the first output dim (there is none to block if it is the row
    // itself), small enough for the second-level cache, at least four.
    mBlock = 1;
    if (spatial.size() > 1) {
      int64_t rowBytes = 4 * extents[c];
      for (const SpatialDim &s : llvm::drop_begin(spatial))
        rowBytes *= s.inputExtent + 2 * s.pad;
      int64_t fit = std::max<int64_t>(1, int64_t(target.l2Bytes / 2) /
                                             (rowBytes * first.stride));
      int64_t images = 1;
      for (int l : batchLoops)
        if (l != first.outputLoop)
          images *= extents[l];
      int64_t want =
          llvm::divideCeil(first.outputs, std::max<int64_t>(1, 4 / images));
      int64_t blocks = llvm::divideCeil(
          first.outputs, std::min(fit, std::max<int64_t>(want, 1)));
      mBlock = llvm::divideCeil(first.outputs, blocks);
    }
    panelsPerGroup = panels;
    return;
  }
  bool pairs = !dot || (extents[innerK()] % 2 == 0);
  packA = !sameType || kStride != 1 || !pairs;
  if (m == 1 && sameType && pairs && !dot)
    packA = false; // each element is read once anyway
  directB = b.element == acc && b.coefs[nLoop] == 1 && n >= nr() &&
            m <= 2 * mr && !dot;
  double perRow = 2.0 * n * k;
  if (packA) {
    // B is packed once per block of A: a block of about the second-level
    // cache's size makes that a percent of the work.
    int64_t rowBytes = k * (dot ? 2 : acc.getIntOrFloatBitWidth() / 8);
    int64_t rows = std::clamp<int64_t>(int64_t(target.l2Bytes) * 5 / 4 /
                                           std::max<int64_t>(rowBytes, 1),
                                       256, 520);
    int64_t blocks = std::max<int64_t>(1, llvm::divideCeil(m, rows));
    mBlock = llvm::divideCeil(m, blocks);
    panelsPerGroup = panels;
  } else {
    int64_t blocks = std::max<int64_t>(1, llvm::divideCeil(m, 520));
    mBlock = llvm::divideCeil(m, blocks);
    double perPanel = perRow / panels * mBlock;
    panelsPerGroup = std::clamp<int64_t>(int64_t(2e6 / perPanel), 1, panels);
  }
  mBlock = std::min<int64_t>(m, llvm::alignTo(mBlock, mr));
}

} // namespace fusilli::compiler
