// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code of matrix-vector products with their epilogues. One workgroup is a range
// of rows of one batch; their sums are in local memory:
//
//   along k:                              along the rows:
//     for each row of a stream              for each line of k of a stream
//       for all of a stream's k, by vectors   for all rows, by vectors
//         sums of all streams in registers      y += sum over the streams
//       add streams and lanes, store
//   the epilogue, by vectors of rows
//
// A stream goes through neighbouring lines of the matrix one after another, so
// that the processor sees few long walks through memory. No accumulator takes
// more than kMaxChain terms before it is added to one that stands for more; the
// order is fixed. The last workgroup, stream and vector are moved back to be
// whole ones and compute the same values again; so no output of these kernels
// may be one of its inputs.

#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/InnerProduct.h"
#include "compiler/Codegen/CPU/MatrixVector.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// How far in front of what is read a stream asks for more.
constexpr int64_t kAlongKBytes = 256, kAlongRowsBytes = 384,
                  kWidenedBytes = 448;
/// Local memory for copies of vectors that do not lie along k.
constexpr int64_t kMostCopiedBytes = 2 << 20;

class MatrixVectorEmitter {
public:
  MatrixVectorEmitter(const MatrixVector &p, const MatrixVectorTiling &t,
                      KernelBuilder &k)
      : p(p), c(p.c), t(t), k(k), b(k.builder()), e(c.model, k),
        inner(*t.inner), lanes(t.lanes), width(t.getWidth()),
        rowStreams(t.rowStreams), depthStreams(t.depthStreams) {}

  LogicalResult run();

private:
  Value load(const ContractionOperand &o, Value at, int64_t active,
             int64_t stride);
  Value batchOffset(const ContractionOperand &o);
  Value add(Value x, Value y);
  SmallVector<Value> zeros(int64_t count) {
    return SmallVector<Value>(count, k.zero(k.vectorType(c.acc, lanes)));
  }

  void prefetch(Value at, int64_t vector);

  // Along k -------------------------------------------------------------------
  void copyVectors();
  Value loadVector(int64_t v, Value at, int64_t offset, int64_t active);
  void dotProducts(Value first);
  SmallVector<Value> dotStep(Value at, Value iv, int64_t segments,
                             int64_t vectors, int64_t active,
                             ValueRange carried);
  SmallVector<Value> boundedLoop(Value lo, int64_t count, int64_t step,
                                 int64_t terms, ValueRange carried,
                                 KernelBuilder::LoopBody body);
  SmallVector<Value> addLanes(SmallVector<Value> v);
  /// First row of a stream in the workgroup.
  int64_t rowOf(int64_t stream) const {
    return std::min(stream * rowsPerStream(), t.rows - rowsPerStream());
  }
  int64_t rowsPerStream() const { return llvm::divideCeil(t.rows, rowStreams); }

  // Along the rows ------------------------------------------------------------
  void sumColumns(Value first);
  void sweep(Value first, Value line, int64_t count, int64_t distance);
  void forEachVector(llvm::function_ref<void(Value at, int64_t vectors)> body);
  void flush(unsigned level);
  void nest(Value lo, int64_t count, unsigned level, Value first);

  void epilogue(Value first);
  void epilogueAt(Value row, int64_t v, Value sum, int64_t active);

  const MatrixVector &p;
  const Contraction &c;
  const MatrixVectorTiling &t;
  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  const InnerProduct &inner;
  int64_t lanes, width, rowStreams, depthStreams;
  llvm::DenseMap<int, Value> loopIv; ///< batch loops
  /// Local memory of the rows' sums, for each vector; along the rows also of
  /// higher levels.
  SmallVector<SmallVector<Value, 1>, 3> sums;
  Value copies; ///< of the vectors, converted
  int64_t copyStride = 0;
  int64_t segment = 0; ///< of k: what one stream reads
  bool failedAny = false;
};

LogicalResult MatrixVectorEmitter::run() {
  int64_t groups = llvm::divideCeil(p.rows, t.rows);
  Extent count = groups;
  SmallVector<Extent> extents;
  for (int l : c.batchLoops) {
    extents.push_back(c.getExtent(l));
    count = count * c.getExtent(l);
  }
  extents.push_back(groups);
  k.setWorkgroups(count);

  // A vector that is moved back at the end has a place of its own.
  int64_t places = llvm::alignTo(t.rows, lanes) + lanes;
  unsigned levels = 1;
  if (!p.alongK && isa<FloatType>(c.acc))
    for (int64_t n = p.depth / depthStreams + 1; n > kMaxChain;
         n = llvm::divideCeil(n, kMaxChain))
      ++levels;
  sums.resize(levels);
  for (unsigned level = 0; level < levels; ++level)
    for (int64_t v = 0; v < p.vectors; ++v)
      sums[level].push_back(k.local(c.acc, places));

  // Vectors that do not lie along k are copied once for all rows of a batch.
  int64_t vectorBytes = p.vectors * p.depth * c.acc.getIntOrFloatBitWidth() / 8;
  if (p.alongK && p.vectorStride > 1 && vectorBytes <= kMostCopiedBytes) {
    copyStride = llvm::alignTo(p.depth, width);
    copies = k.local(inner.getPackedType(c), p.vectors * copyStride);
  }
  k.loop(k.begin(), k.end(), 1, {k.end()}, [&](Value id, ValueRange copied) {
    SmallVector<Value> at = k.delinearize(id, extents);
    for (auto [i, l] : llvm::enumerate(c.batchLoops))
      loopIv[l] = at[i];
    Value batch = copied[0];
    if (copies) {
      batch = k.divIndex(id, groups);
      Value isNew =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, batch, copied[0]);
      k.ifThen(isNew, [&] { k.outline("copy", [&] { copyVectors(); }); });
    }
    Value first = k.mulIndex(at.back(), t.rows);
    if (p.rows % t.rows)
      first = k.minIndex(first, p.rows - t.rows);
    if (p.alongK)
      dotProducts(first);
    else
      sumColumns(first);
    epilogue(first);
    return SmallVector<Value>{batch};
  });
  return failure(failedAny);
}

Value MatrixVectorEmitter::batchOffset(const ContractionOperand &o) {
  Value base = k.index(o.offset);
  for (int l : c.batchLoops)
    base = k.addIndex(base, k.mulIndex(loopIv.lookup(l), o.coefs[l]));
  return base;
}

Value MatrixVectorEmitter::add(Value x, Value y) {
  if (isa<FloatType>(c.acc))
    return arith::AddFOp::create(b, x, y);
  return arith::AddIOp::create(b, x, y);
}

/// A vector of an operand as it is multiplied; 0 in elements that are not
/// active.
Value MatrixVectorEmitter::load(const ContractionOperand &o, Value at,
                                int64_t active, int64_t stride) {
  Value mem = k.binding(o.binding);
  Value v = stride == 0 ? k.splat(k.loadScalar(mem, at), width)
                        : k.load(mem, at, width, active, stride);
  InnerProduct::Convert fromBody;
  if (!o.isPlain())
    fromBody = [&](Value stored) -> Value {
      SmallVector<Value> args(3);
      args[o.input] = stored;
      FailureOr<Value> converted = e.payload(c.getOp(), args, o.inBody);
      failedAny |= failed(converted);
      return succeeded(converted) ? *converted
                                  : k.zero(k.vectorType(c.acc, width));
    };
  InnerProduct::Convert convert =
      inner.getConvert(k, &o == &c.a, std::move(fromBody));
  if (convert)
    v = convert(v);
  if (active < width && (stride == 0 || convert))
    v = arith::SelectOp::create(b, k.firstLanes(width, active), v,
                                k.zero(v.getType()));
  return v;
}

/// Asks for what a stream reads some steps later, once for each cache line.
void MatrixVectorEmitter::prefetch(Value at, int64_t vector) {
  int64_t element = cast<MemRefType>(k.binding(p.matrix->binding).getType())
                        .getElementTypeBitWidth() /
                    8;
  if (!p.isStreamed || vector * width * element % 64)
    return;
  int64_t distance = t.isWidened(p) ? kWidenedBytes
                     : p.alongK     ? kAlongKBytes
                                    : kAlongRowsBytes;
  k.prefetch(k.binding(p.matrix->binding), k.addIndex(at, distance / element));
}

//===----------------------------------------------------------------------===//
// Along k
//===----------------------------------------------------------------------===//

void MatrixVectorEmitter::copyVectors() {
  int64_t whole = p.depth / width * width;
  for (int64_t v = 0; v < p.vectors; ++v) {
    Value from = k.addIndex(batchOffset(*p.vector), v * p.nextVector);
    auto copy = [&](Value iv, int64_t active) {
      Value x =
          load(*p.vector, k.addIndex(from, k.mulIndex(iv, p.vectorStride)),
               active, p.vectorStride);
      k.store(x, copies, k.addIndex(iv, v * copyStride), width, 1);
    };
    if (whole)
      k.loop(k.index(0), k.index(whole), width,
             [&](Value iv) { copy(iv, width); });
    if (p.depth > whole)
      copy(k.index(whole), p.depth - whole);
  }
}

/// Elements of vector `v` from k = `at` + `offset` on.
Value MatrixVectorEmitter::loadVector(int64_t v, Value at, int64_t offset,
                                      int64_t active) {
  if (copies) // 0 behind the end
    return k.load(copies, k.addIndex(at, v * copyStride + offset), width, width,
                  1);
  Value from =
      k.addIndex(batchOffset(*p.vector), k.mulIndex(at, p.vectorStride));
  return load(*p.vector,
              k.addIndex(from, offset * p.vectorStride + v * p.nextVector),
              active, p.vectorStride);
}

/// As many vectors of each row from k = `iv` on, and from the same place of the
/// first `segments` parts of k, the last vector with `active` width. Vector u
/// of a stream is added to its accumulator number u.
SmallVector<Value> MatrixVectorEmitter::dotStep(Value at, Value iv,
                                                int64_t segments,
                                                int64_t vectors, int64_t active,
                                                ValueRange carried) {
  SmallVector<Value> acc(carried);
  int64_t perStream = acc.size() / (rowStreams * depthStreams * p.vectors);
  Value matrixAt = k.addIndex(at, k.mulIndex(iv, p.depthStride));
  for (int64_t u = 0; u < vectors; ++u)
    for (int64_t s = 0; s < segments; ++s) {
      int64_t depth = u * width + s * segment;
      SmallVector<Value> x;
      for (int64_t v = 0; v < p.vectors; ++v)
        x.push_back(loadVector(v, iv, depth, active));
      for (int64_t r = 0; r < rowStreams; ++r) {
        Value from = k.addIndex(matrixAt,
                                depth * p.depthStride + rowOf(r) * p.rowStride);
        if (p.depthStride == 1 && vectors == t.unroll)
          prefetch(from, u);
        Value line = load(*p.matrix, from, active, p.depthStride);
        for (int64_t v = 0; v < p.vectors; ++v) {
          int64_t sum = (r * p.vectors + v) * depthStreams + s;
          Value &part = acc[sum * perStream + u % perStream];
          part = inner.step(k, line, x[v], part);
        }
      }
    }
  return acc;
}

/// A loop of `count` iterations from `lo`, each of which adds `terms` to every
/// accumulator.
SmallVector<Value>
MatrixVectorEmitter::boundedLoop(Value lo, int64_t count, int64_t step,
                                 int64_t terms, ValueRange carried,
                                 KernelBuilder::LoopBody body) {
  Value hi = k.addIndex(lo, count * step);
  if (count * terms <= kMaxChain || !isa<FloatType>(c.acc))
    return k.loop(lo, hi, step, carried, body);
  int64_t chunk = std::max<int64_t>(1, kMaxChain / terms);
  return boundedLoop(lo, llvm::divideCeil(count, chunk), chunk * step, 1,
                     carried, [&](Value iv, ValueRange in) {
                       Value end = k.addIndex(iv, chunk * step);
                       if (count % chunk)
                         end = k.minIndex(end, hi);
                       SmallVector<Value> part =
                           k.loop(iv, end, step, zeros(in.size()), body);
                       for (auto [sum, before] : llvm::zip(part, in))
                         sum = add(before, sum);
                       return part;
                     });
}

/// The sums of the lanes of each of a power of 2 of vectors, neighbours in the
/// fewest vectors that hold them.
SmallVector<Value> MatrixVectorEmitter::addLanes(SmallVector<Value> v) {
  int64_t groups = 1; // sums that are in one vector, of `lanes / groups` lanes
  while (groups < lanes) {
    bool pairs = v.size() > 1;
    int64_t width = cast<VectorType>(v[0].getType()).getNumElements();
    int64_t length = width / groups, half = length / 2;
    SmallVector<int64_t> low, high;
    for (int64_t g = 0, n = groups * (pairs ? 2 : 1); g < n; ++g)
      for (int64_t i = 0; i < half; ++i) {
        low.push_back(g * length + i);
        high.push_back(g * length + half + i);
      }
    SmallVector<Value> next;
    for (size_t i = 0; i < v.size(); i += pairs ? 2 : 1) {
      Value other = pairs ? v[i + 1] : v[i];
      next.push_back(add(vector::ShuffleOp::create(b, v[i], other, low),
                         vector::ShuffleOp::create(b, v[i], other, high)));
    }
    v = std::move(next);
    if (pairs)
      groups *= 2;
    if (half == 1)
      break;
  }
  return v;
}

void MatrixVectorEmitter::dotProducts(Value first) {
  int64_t streams = rowStreams * depthStreams * p.vectors;
  int64_t perStream = std::clamp<int64_t>(8 / streams, 1, t.unroll);
  int64_t step = width * t.unroll;
  segment = p.depth / depthStreams / step * step;
  int64_t done = segment * depthStreams, whole = p.depth / width * width;
  k.loop(k.index(0), k.index(rowsPerStream()), 1, [&](Value row) {
    Value at = k.addIndex(batchOffset(*p.matrix),
                          k.mulIndex(k.addIndex(first, row), p.rowStride));
    SmallVector<Value> acc = zeros(streams * perStream);
    if (segment)
      acc = boundedLoop(k.index(0), segment / step, step,
                        t.unroll / perStream * inner.getGranule(), acc,
                        [&](Value iv, ValueRange in) {
                          return dotStep(at, iv, depthStreams, t.unroll, width,
                                         in);
                        });
    if (whole > done)
      acc = k.loop(k.index(done), k.index(whole), width, acc,
                   [&](Value iv, ValueRange in) {
                     return dotStep(at, iv, 1, 1, width, in);
                   });
    if (p.depth > whole)
      acc = dotStep(at, k.index(whole), 1, 1, p.depth - whole, acc);
    int64_t perSum = depthStreams * perStream;
    for (int64_t v = 0; v < p.vectors; ++v) {
      SmallVector<Value> sumsOfRows;
      for (int64_t r = 0; r < rowStreams; ++r) {
        auto parts = ArrayRef(acc).slice((r * p.vectors + v) * perSum, perSum);
        Value sum = parts.front();
        for (Value part : parts.drop_front())
          sum = add(sum, part);
        sumsOfRows.push_back(sum);
      }
      int64_t r = 0;
      for (Value part : addLanes(std::move(sumsOfRows)))
        for (int64_t i = 0,
                     n = cast<VectorType>(part.getType()).getNumElements();
             i < n; ++i)
          k.store(vector::ExtractOp::create(b, part, i), sums[0][v],
                  k.addIndex(row, rowOf(r++)), 1, 1);
    }
  });
}

//===----------------------------------------------------------------------===//
// Along the rows
//===----------------------------------------------------------------------===//

/// All vectors of the workgroup's sums, t.unroll of them at a time where there
/// are so many. The last one stands for the last rows, whole or masked.
void MatrixVectorEmitter::forEachVector(
    llvm::function_ref<void(Value at, int64_t vectors)> body) {
  int64_t step = lanes * t.unroll;
  int64_t unrolled = t.rows / step * step;
  int64_t all = llvm::alignTo(t.rows, lanes);
  if (unrolled)
    k.loop(k.index(0), k.index(unrolled), step,
           [&](Value at) { body(at, t.unroll); });
  if (all > unrolled)
    k.loop(k.index(unrolled), k.index(all), lanes,
           [&](Value at) { body(at, 1); });
}

/// Adds `count` lines, `distance` apart, from k = `line` on to the sums of
/// level 0.
void MatrixVectorEmitter::sweep(Value first, Value line, int64_t count,
                                int64_t distance) {
  Value matrixAt = k.addIndex(
      k.addIndex(batchOffset(*p.matrix), k.mulIndex(line, p.depthStride)),
      k.mulIndex(first, p.rowStride));
  SmallVector<Value> factors;
  Value vectorAt =
      k.addIndex(batchOffset(*p.vector), k.mulIndex(line, p.vectorStride));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t v = 0; v < p.vectors; ++v)
      factors.push_back(
          load(*p.vector,
               k.addIndex(vectorAt,
                          i * distance * p.vectorStride + v * p.nextVector),
               lanes, 0));
  int64_t active = std::min(t.rows, lanes);
  forEachVector([&](Value at, int64_t vectors) {
    Value row = at;
    if (t.rows % lanes && t.rows > lanes && vectors == 1)
      row = k.minIndex(row, t.rows - lanes);
    for (int64_t u = 0; u < vectors; ++u) {
      Value from = k.addIndex(
          matrixAt, k.mulIndex(k.addIndex(row, u * lanes), p.rowStride));
      SmallVector<Value> parts = zeros(p.vectors);
      for (int64_t i = 0; i < count; ++i) {
        Value next = k.addIndex(from, i * distance * p.depthStride);
        if (p.rowStride == 1 && vectors == t.unroll)
          prefetch(next, u);
        Value elements = load(*p.matrix, next, active, p.rowStride);
        for (auto [v, part] : llvm::enumerate(parts))
          part = inner.step(k, elements, factors[i * p.vectors + v], part);
      }
      Value place = k.addIndex(at, u * lanes);
      for (auto [sum, part] : llvm::zip(sums[0], parts))
        k.store(add(k.load(sum, place, lanes, lanes, 1), part), sum, place,
                lanes, 1);
    }
  });
}

/// Adds the sums of a level to the next one and begins them anew.
void MatrixVectorEmitter::flush(unsigned level) {
  k.loop(k.index(0), k.index(llvm::alignTo(t.rows, lanes)), lanes,
         [&](Value at) {
           for (auto [from, to] : llvm::zip(sums[level], sums[level + 1])) {
             Value sum = add(k.load(to, at, lanes, lanes, 1),
                             k.load(from, at, lanes, lanes, 1));
             k.store(sum, to, at, lanes, 1);
             k.store(k.zero(sum.getType()), from, at, lanes, 1);
           }
         });
}

/// `count` sweeps from k = `lo` on, those of `level` at once.
void MatrixVectorEmitter::nest(Value lo, int64_t count, unsigned level,
                               Value first) {
  int64_t chunk = 1; // sweeps after which this level is complete
  for (unsigned i = 0; i < level; ++i)
    chunk *= kMaxChain;
  k.loop(lo, k.addIndex(lo, count), chunk, [&](Value line) {
    if (level == 0) {
      sweep(first, line, depthStreams, segment);
      return;
    }
    nest(line, chunk, level - 1, first);
    flush(level - 1);
  });
}

void MatrixVectorEmitter::sumColumns(Value first) {
  Value zero = k.zero(k.vectorType(c.acc, lanes));
  k.loop(k.index(0), k.index(llvm::alignTo(t.rows, lanes)), lanes,
         [&](Value at) {
           for (ArrayRef<Value> level : sums)
             for (Value sum : level)
               k.store(zero, sum, at, lanes, 1);
         });
  // Whole chunks of the highest level, then what is left of each lower one.
  segment = p.depth / depthStreams;
  int64_t done = 0;
  for (unsigned level = sums.size(); level-- > 0;) {
    int64_t chunk = 1;
    for (unsigned i = 0; i < level; ++i)
      chunk *= kMaxChain;
    int64_t whole = (segment - done) / chunk * chunk;
    if (whole)
      nest(k.index(done), whole, level, first);
    done += whole;
  }
  if (int64_t rest = p.depth % depthStreams)
    sweep(first, k.index(p.depth - rest), rest, 1);
  for (unsigned level = 0; level + 1 < sums.size(); ++level)
    flush(level);
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

void MatrixVectorEmitter::epilogueAt(Value row, int64_t v, Value sum,
                                     int64_t active) {
  Space space;
  space.lanes = lanes;
  space.activeLanes = active;
  // A loop of extent 1 is no dim: nothing changes along it.
  unsigned none = c.model.getNumDims();
  auto addGroup = [&](ArrayRef<int> loops, const Extent &extent, Value iv) {
    LoopGroup &g = space.groups.emplace_back();
    for (int l : loops)
      g.dims.push_back(c.dim[l] < 0 ? none : unsigned(c.dim[l]));
    g.extent = extent;
    g.iv = iv;
  };
  for (auto [l, iv] : loopIv)
    addGroup({l}, c.getExtent(l), iv);
  addGroup(p.vectorLoops, p.vectors, k.index(v));
  addGroup(p.rowLoops, p.rows, row);
  space.vectorGroup = space.groups.size() - 1;
  space.known[c.result] = sum;
  if (failed(e.storeAllResults(space)))
    failedAny = true;
}

void MatrixVectorEmitter::epilogue(Value first) {
  int64_t whole = t.rows / lanes * lanes, rest = t.rows - whole;
  // The last vector is where the sums have it.
  int64_t last = whole ? t.rows - lanes : 0, place = p.alongK ? last : whole;
  for (auto [v, from] : llvm::enumerate(sums.back())) {
    if (whole)
      k.loop(k.index(0), k.index(whole), lanes, [&](Value at) {
        epilogueAt(k.addIndex(first, at), v, k.load(from, at, lanes, lanes, 1),
                   lanes);
      });
    if (rest)
      epilogueAt(k.addIndex(first, last), v,
                 k.load(from, k.index(place), lanes, lanes, 1),
                 whole ? lanes : rest);
  }
}

} // namespace

LogicalResult emitMatrixVector(const MatrixVector &p,
                               const MatrixVectorTiling &tiling,
                               KernelBuilder &k) {
  return MatrixVectorEmitter(p, tiling, k).run();
}

} // namespace fusilli::compiler
