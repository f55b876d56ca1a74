// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Short epilogues are inlined for every vector of the tile; long ones are one
// function with loops over the tile in local memory.

#include "compiler/Codegen/CPU/Emit/TileEpilogue.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {
/// Operations of one tile up to which the epilogue is inlined.
constexpr int64_t kShortOperations = 160;
} // namespace

TileEpilogue::TileEpilogue(const Contraction &c, KernelBuilder &k, int64_t mr,
                           int64_t nv, int64_t lanes)
    : c(c), k(k), e(c.model, k), mr(mr), nv(nv), lanes(lanes) {
  auto op = c.getOp();
  int64_t cost = c.model.getCost() - getBodyCost(op.getBody());
  isShort = cost * mr * nv <= kShortOperations;
  if (!isShort)
    scratch = k.local(c.acc, mr * nr());
}

Space TileEpilogue::makeSpace(Value m, Value n, int64_t active) const {
  Space space;
  space.lanes = lanes;
  space.activeLanes = active;
  // A loop of extent 1 is no dim: nothing changes along it.
  unsigned none = c.model.getNumDims();
  auto add = [&](ArrayRef<int> loops, const Extent &extent, Value iv) {
    LoopGroup g;
    for (int l : loops)
      g.dims.push_back(c.dim[l] < 0 ? none : unsigned(c.dim[l]));
    g.extent = extent;
    g.iv = iv;
    space.groups.push_back(g);
  };
  for (auto [l, iv] : loopIv)
    add({l}, c.getExtent(l), iv);
  add(c.mLoops, c.rows, m);
  add(c.nLoops, c.n, n);
  space.vectorGroup = space.groups.size() - 1;
  return space;
}

/// Evaluates all results where the contraction has `value`.
void TileEpilogue::evaluateAt(Value value, Value m, Value n, int64_t active,
                              std::vector<Piece> &out) {
  Piece piece{makeSpace(m, n, active), {}};
  piece.space.known[c.result] = value;
  for (unsigned r = 0; r < c.model.getNumResults(); ++r) {
    FailureOr<Value> v = e.evaluateResult(r, piece.space);
    if (failed(v)) {
      failedAny = true;
      return;
    }
    piece.values.push_back(*v);
  }
  out.push_back(std::move(piece));
}

void TileEpilogue::storeAll(std::vector<Piece> &pieces) {
  for (Piece &piece : pieces)
    for (unsigned r = 0; r < piece.values.size(); ++r)
      e.storeResult(r, piece.values[r], piece.space);
}

int64_t TileEpilogue::activeAt(int64_t j) const {
  return c.n >= nr() ? lanes : std::clamp<int64_t>(c.n - j * lanes, 0, lanes);
}

void TileEpilogue::emit(ArrayRef<Value> acc,
                        const llvm::DenseMap<int, Value> &outer, Value m0,
                        Value n0) {
  loopIv = outer;
  if (isShort) {
    std::vector<Piece> pieces;
    for (int64_t j = 0; j < nv; ++j)
      for (int64_t i = 0; i < mr; ++i)
        if (activeAt(j))
          evaluateAt(acc[i * nv + j], k.addIndex(m0, i),
                     k.addIndex(n0, j * lanes), activeAt(j), pieces);
    storeAll(pieces);
    return;
  }
  // Long epilogues once, in loops over the tile in local memory.
  for (int64_t i = 0; i < mr; ++i)
    for (int64_t j = 0; j < nv; ++j)
      k.store(acc[i * nv + j], scratch, k.index(i * nr() + j * lanes), lanes,
              1);
  k.outline("epilogue", [&] { longEpilogue(m0, n0); });
}

/// The epilogue on the tile in local memory, in loops.
void TileEpilogue::longEpilogue(Value m0, Value n0) {
  int64_t whole = std::min(c.n, nr()) / lanes;
  k.loop(k.index(0), k.index(mr), 1, [&](Value i) {
    auto column = [&](Value j, int64_t active) {
      Value at = k.addIndex(k.mulIndex(i, nr()), j);
      std::vector<Piece> pieces;
      evaluateAt(k.load(scratch, at, lanes, lanes, 1), k.addIndex(m0, i),
                 k.addIndex(n0, j), active, pieces);
      storeAll(pieces);
    };
    if (whole)
      k.loop(k.index(0), k.index(whole * lanes), lanes,
             [&](Value j) { column(j, lanes); });
    if (c.n < nr() && c.n % lanes)
      column(k.index(whole * lanes), c.n % lanes);
  });
}

} // namespace fusilli::compiler
