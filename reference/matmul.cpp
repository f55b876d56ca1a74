// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmul from its definition: C[..., m, n] = sum over k of
// A[..., m, k] * B[..., k, n], batch dims of extent 1 broadcast. Float results
// accumulate in f32 (f64 for Double); integer results in two's complement of
// the result's type. All of C is computed row by row; a few wanted elements one
// by one.

#include "reference/accumulate.h"
#include "reference/value.h"

namespace fusilli::reference {

namespace {

/// Extents, and which matrix of A and B belongs to which of C.
struct Geometry {
  int64_t m, n, k;
  int64_t batches = 1;
  std::vector<int64_t> aBatch, bBatch;

  Geometry(const Value &a, const Value &b, const std::vector<int64_t> &c) {
    const size_t rank = c.size();
    m = c[rank - 2];
    n = c[rank - 1];
    k = a.dims[rank - 1];
    const auto leading = [](const std::vector<int64_t> &dims) {
      return std::vector<int64_t>(dims.begin(), dims.end() - 2);
    };
    for (size_t i = 0; i + 2 < rank; ++i)
      batches *= c[i];
    BroadcastWalk walk(leading(c), {leading(a.dims), leading(b.dims)});
    walk.seek(0);
    for (int64_t i = 0; i < batches; ++i, walk.next()) {
      aBatch.push_back(walk.operand(0) * m * k);
      bBatch.push_back(walk.operand(1) * k * n);
    }
  }
};

template <class F> class FloatMatmul {
public:
  FloatMatmul(const Value &a, const Value &b, const Geometry &geometry,
              Value &out)
      : geometry_(geometry), a_(ContractionOperand::from<F>(a)),
        b_(ContractionOperand::from<F>(b)), bound_(a, b, a_, b_, geometry.k),
        out_(out) {}

  void allElements() {
    const auto n = static_cast<size_t>(geometry_.n);
    sum_.resize(n);
    magnitude_.resize(n);
    upper_.resize(n);
    for (int64_t batch = 0; batch < geometry_.batches; ++batch)
      for (int64_t row = 0; row < geometry_.m; ++row)
        computeRow(batch, row);
  }

  /// One element, term by term; takes care of infinities.
  Approx<F> element(int64_t batch, int64_t row, int64_t column) const {
    Sum<F> sum;
    double s = 0.0, p = 0.0, v = 0.0;
    for (int64_t k = 0; k < geometry_.k; ++k) {
      const Approx<F> x = a_.at<F>(static_cast<size_t>(aRow(batch, row) + k));
      const Approx<F> y = b_.at<F>(
          static_cast<size_t>(geometry_.bBatch[static_cast<size_t>(batch)] +
                              k * geometry_.n + column));
      sum.add(fusedProduct(x, y));
      v += x.v * y.v;
      s += std::fabs(x.v) * std::fabs(y.v);
      p += (std::fabs(x.v) + x.e) * (std::fabs(y.v) + y.e);
    }
    return std::isfinite(p) ? bound_.template finish<F>(v, s, p)
                            : sum.result(geometry_.k);
  }

private:
  int64_t aRow(int64_t batch, int64_t row) const {
    return geometry_.aBatch[static_cast<size_t>(batch)] + row * geometry_.k;
  }

  void computeRow(int64_t batch, int64_t row) {
    const auto n = static_cast<size_t>(geometry_.n);
    std::fill(sum_.begin(), sum_.end(), 0.0);
    std::fill(magnitude_.begin(), magnitude_.end(), 0.0);
    std::fill(upper_.begin(), upper_.end(), 0.0);
    const bool exact = a_.e.empty() && b_.e.empty();
    const double *b =
        b_.v.data() + geometry_.bBatch[static_cast<size_t>(batch)];
    for (int64_t k = 0; k < geometry_.k; ++k) {
      const auto at = static_cast<size_t>(aRow(batch, row) + k);
      const double x = a_.v[at], xMagnitude = std::fabs(x);
      const double *y = b + k * geometry_.n;
      for (size_t j = 0; j < n; ++j) {
        sum_[j] += x * y[j];
        magnitude_[j] += xMagnitude * std::fabs(y[j]);
      }
      if (exact)
        continue;
      const double xUpper = xMagnitude + (a_.e.empty() ? 0.0 : a_.e[at]);
      const auto offset = static_cast<size_t>(y - b_.v.data());
      for (size_t j = 0; j < n; ++j)
        upper_[j] += xUpper * (std::fabs(y[j]) +
                               (b_.e.empty() ? 0.0 : b_.e[offset + j]));
    }
    const auto first =
        static_cast<size_t>((batch * geometry_.m + row) * geometry_.n);
    for (size_t j = 0; j < n; ++j) {
      const double p = exact ? magnitude_[j] : upper_[j];
      put(out_, first + j,
          std::isfinite(p)
              ? bound_.template finish<F>(sum_[j], magnitude_[j], p)
              : element(batch, row, static_cast<int64_t>(j)));
    }
  }

  const Geometry &geometry_;
  ContractionOperand a_, b_;
  ContractionBound bound_;
  Value &out_;
  std::vector<double> sum_, magnitude_, upper_;
};

/// Elements of an operand as integers of the result's type, and whether each
/// is certain.
struct IntegerOperand {
  std::vector<uint64_t> i;
  std::vector<bool> uncertain; // empty: none

  IntegerOperand(const Value &in, DataType type) {
    for (size_t k = 0; k < in.count(); ++k) {
      i.push_back(static_cast<uint64_t>(in.isFloat() ? saturateTo(type, in.v[k])
                                                     : wrapTo(type, in.i[k])));
      if (in.uncertainty(k) != 0.0) {
        uncertain.resize(in.count());
        uncertain[k] = true;
      }
    }
  }
};

void integerElement(const IntegerOperand &a, const IntegerOperand &b,
                    const Geometry &g, int64_t index, Value &out, size_t slot) {
  const int64_t column = index % g.n, row = index / g.n % g.m;
  const auto batch = static_cast<size_t>(index / (g.n * g.m));
  uint64_t sum = 0;
  bool certain = true;
  for (int64_t k = 0; k < g.k; ++k) {
    const auto x = static_cast<size_t>(g.aBatch[batch] + row * g.k + k);
    const auto y = static_cast<size_t>(g.bBatch[batch] + k * g.n + column);
    sum += a.i[x] * b.i[y];
    certain &= (a.uncertain.empty() || !a.uncertain[x]) &&
               (b.uncertain.empty() || !b.uncertain[y]);
  }
  out.i[slot] = wrapTo(out.dtype, static_cast<int64_t>(sum));
  if (!certain)
    put(out, slot, Approx<F64>::anything());
}

} // namespace

ErrorOr<Value> evaluateMatmul(const NodeDef &node, const TensorSpec &spec,
                              const Value &a, const Value &b,
                              const Demand &demand) {
  if (spec.dtype == DataType::Boolean)
    return error(ErrorCode::NotImplemented,
                 "node '" + node.name + "': matmul is not defined for " +
                     spec.toString());
  Value out = makeValue(spec, demand);
  const Geometry geometry(a, b, spec.dims);
  const auto compute = [&]<class F>(F) {
    FloatMatmul<F> matmul(a, b, geometry, out);
    if (demand.all) {
      matmul.allElements();
      return;
    }
    for (size_t slot = 0; slot < out.count(); ++slot) {
      const int64_t index = demand.index[slot];
      put(out, slot,
          matmul.element(index / (geometry.m * geometry.n),
                         index / geometry.n % geometry.m, index % geometry.n));
    }
  };
  if (spec.dtype == DataType::Double) {
    compute(F64());
  } else if (out.isFloat()) {
    compute(F32());
  } else {
    const IntegerOperand x(a, spec.dtype), y(b, spec.dtype);
    for (size_t slot = 0; slot < out.count(); ++slot)
      integerElement(x, y, geometry,
                     demand.all ? static_cast<int64_t>(slot)
                                : demand.index[slot],
                     out, slot);
  }
  return out;
}

} // namespace fusilli::reference
